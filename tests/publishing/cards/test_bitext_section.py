"""Parallel sentences and sentences in context: other models beside the released one, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.cards.bitext_section import bitext_section
from hf_hybrid.publishing.cards.evaluation_sections import evaluation_section
from hf_hybrid.publishing.cards.folder_files import read_folder
from tests.minimal_results import results, write
from tests.publishing.cards.tables import rows_of


def accuracy(tatoeba: float, ntrex: float, data: str = "ab") -> dict[str, object]:
    means = {"tatoeba": tatoeba, "ntrex": ntrex}
    return {kind: {"data_sha256": data * 32, "mean": mean, "pairs": {"de-en": mean}} for kind, mean in means.items()}


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "results" / "bitext").mkdir(parents=True)
    (tmp_path / "results" / "in_context").mkdir()
    write(tmp_path / "results" / "bitext.json", accuracy(0.9034, 0.9446))
    write(tmp_path / "results" / "bitext" / "base.json", accuracy(0.5, 0.25))
    return tmp_path


def test_the_model_stands_first_and_others_after_it(folder):
    head, *rows = rows_of(bitext_section("small", read_folder(folder)))
    assert head == ["", "Tatoeba", "NTREX"]
    assert rows == [["`small`", "90.3", "94.5"], ["`base`", "50.0", "25.0"]]


def test_others_on_other_sentences_stay_out(folder):
    write(folder / "results" / "bitext" / "base.json", accuracy(0.5, 0.25, data="cd"))
    _, *rows = rows_of(bitext_section("small", read_folder(folder)))
    assert [row[0] for row in rows] == ["`small`"]


def test_without_the_file_there_is_no_section(folder):
    (folder / "results" / "bitext.json").unlink()
    assert bitext_section("small", read_folder(folder)) == ""


@pytest.mark.parametrize("file", ["bitext.json", "bitext/base.json"])
def test_a_field_that_is_missing_is_named(folder, file):
    content = accuracy(0.5, 0.25)
    del content["ntrex"]["mean"]
    write(folder / "results" / file, content)
    with pytest.raises(InputError, match=f"results/{file}: field 'ntrex.mean' is missing"):
        read_folder(folder)


def test_sentences_in_context_have_a_row_of_their_own(folder):
    write(folder / "results" / "xquad_r.json", results(0.5))
    write(folder / "results" / "in_context" / "xquad_r.json", results(0.75))
    text = evaluation_section(read_folder(folder), with_pictures=False)
    shown = {row[0]: row for row in rows_of(text)}
    assert "50.0" in shown["XQuAD-R"] and "75.0" in shown["XQuAD-R, sentences in their passage"]
    assert "[`results/in_context/xquad_r.json`](results/in_context/xquad_r.json): XQuAD-R, sentences in" in text


def test_a_file_in_context_that_holds_no_results_is_refused(folder):
    write(folder / "results" / "in_context" / "notes.json", {})
    with pytest.raises(InputError, match="results/in_context/notes.json is no results file"):
        read_folder(folder)
