"""Licences, splits, duplicates, readers' details, the card's blocks: the small pieces of the mix."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mix import duplicates, parallel_readers, prepare, question_readers
from mix.card import write_card
from mix.cleaning import answer_window
from mix.filters import Refusals
from mix.licences import GROUPS, licence_id, licences_of_group
from mix.prepare import GROUP_ROWS, RowGroups
from mix.splits import dev_documents
from mix.tables import read_table

from hf_hybrid.errors import InputError
from tests.hub_datasets.hybrid_mix.conftest import write
from tests.hub_datasets.hybrid_mix.phrases import sentence


def test_licences() -> None:
    spelt = [
        "MIT",
        "CC0-1.0",
        "Apache-2.0",
        "CC-BY-SA-3.0",
        "CC-BY-2.0-FR (tatoeba.org via manythings.org/anki)",
        None,
        "GPL-3.0",
    ]
    assert [licence_id(text) for text in spelt] == [
        "mit",
        "cc0-1.0",
        "apache-2.0",
        "cc-by-sa-3.0",
        "cc-by-2.0",
        "unknown",
        "unknown",
    ]
    assert GROUPS["permissive"] < GROUPS["share-alike"] < GROUPS["all"]
    assert not any("-sa-" in licence for licence in licences_of_group("permissive"))
    with pytest.raises(InputError, match="unknown group"):
        licences_of_group("open")


def test_dev_documents_hold_a_share_of_every_source() -> None:
    examples = [("align", "big", f"big{n}") for n in range(1000)] + [("align", "small", f"small{n}") for n in range(3)]
    examples += [("align", "single", "only")]
    held_out = dev_documents(examples)
    assert sum(name.startswith("big") for name in held_out) == 30
    assert sum(name.startswith("small") for name in held_out) == 1
    # A source of one document is not taken away whole.
    assert "only" not in held_out
    assert held_out == dev_documents(reversed(examples))
    # In questions the same source gives more.
    assert len(dev_documents([*examples, ("qa", "big", "big0")])) == len(held_out) + 21


def test_one_long_article_does_not_make_up_dev() -> None:
    examples = [("qa", "s", f"d{n}") for n in range(100) for _ in range(10)]
    examples += [("qa", "s", "long") for _ in range(1000)]
    held_out = dev_documents(examples)
    assert "long" not in held_out and len(held_out) == 10


def _parallel(numbers: dict[str, int]) -> pd.DataFrame:
    rows = [
        {
            "id": key,
            "lang": lang,
            "query": sentence(n, lang),
            "passage": sentence(n, lang),
            "passage_id": key,
            "source": "s",
        }
        for key, n in numbers.items()
        for lang in ("de", "en")
    ]
    return pd.DataFrame(rows)


def test_near_duplicates_go_in_all_languages() -> None:
    frame = _parallel({"a": 1, "b": 2, "c": 1})
    frame.loc[(frame.id == "c") & (frame.lang == "en"), ["query", "passage"]] = sentence(1, "en").replace(
        ".", " today!"
    )
    refusals = Refusals()
    kept = duplicates.without_duplicates(frame, refusals)
    assert kept.id.unique().tolist() == ["a", "b"]
    assert refusals.counts == {("s", "near_duplicate"): 2}


def test_questions_about_one_passage_stay() -> None:
    frame = _parallel({"a": 1, "b": 1, "c": 1}).assign(query=["q1", "q2", "q3", "q4", "Q1!", "q2"])
    refusals = Refusals()
    kept = duplicates.without_duplicates(frame, refusals)
    # c asks what a asks, of the same passage.
    assert kept.id.unique().tolist() == ["a", "b"] and refusals.counts == {("s", "duplicate"): 2}
    merged = duplicates.with_shared_passage_ids(kept)
    assert merged.passage_id.unique().tolist() == ["a"]


def test_passages_that_differ_keep_their_ids() -> None:
    frame = _parallel({"a": 1, "b": 2})
    assert duplicates.with_shared_passage_ids(frame).passage_id.tolist() == frame.passage_id.tolist()


def test_long_passages_are_cut_around_the_answer() -> None:
    sentences = [sentence(n, "en") for n in range(40)]
    passage = " ".join(sentences)
    window = answer_window(passage, sentences[20], passage.find(sentences[20]), "en", longest=500)
    assert window is not None and len(window) <= 500 and window in passage
    assert window.startswith(sentences[20]) and sentences[23] in window
    assert answer_window(passage, sentences[39], -1, "en", longest=200).endswith(" ".join(sentences[38:]))
    assert answer_window("Short.\n\nText.", "Text", 8, "en") == "Short. Text."
    assert answer_window(passage, "nowhere", -1, "en") is None
    assert answer_window("", "", 0, "en") is None


def test_natural_questions_are_put_back_together(tmp_path: Path) -> None:
    passage = "It was built in 1871 ( on a cape ) , says the town 's book . Nobody paid 5 % for it ."
    row = {
        "id": "qed:1",
        "lang": "en",
        "passage_lang": "en",
        "question": "when was it built",
        "answer": "1871",
        "answer_start": 16,
    }
    write(tmp_path, "qa_passages", [{**row, "passage": passage, "title": "Cape", "licence": "CC-BY-SA-3.0"}])
    (read,) = question_readers.read_answers(tmp_path).itertuples()
    assert read.passage == "It was built in 1871 (on a cape), says the town's book."


def test_articles_are_documents_across_sets(tmp_path: Path) -> None:
    row = {
        "lang": "en",
        "passage_lang": "en",
        "question": "What?",
        "answer": "here",
        "answer_start": 0,
        "passage": "here it is",
    }
    rows = [
        {**row, "id": "qed:1", "title": "New_York", "licence": "CC-BY-SA-3.0"},
        {**row, "id": "selqa:test:1", "title": "New York", "licence": "Apache-2.0"},
        {**row, "id": "covidqa:1", "title": "covid", "licence": "Apache-2.0"},
        {**row, "id": "nqgtest:399", "title": "squad", "licence": "CC-BY-SA-4.0"},
        {**row, "id": "nqgtest:400", "title": "squad", "licence": "CC-BY-SA-4.0"},
    ]
    write(tmp_path, "qa_passages", rows)
    read = question_readers.read_answers(tmp_path)
    assert read.document.nunique() == 4 and read.document.iloc[0] == read.document.iloc[1] == "wiki:en:new york"
    # Wikipedia's passages are CC BY-SA, whatever their questions are.
    assert read.licence.tolist() == ["cc-by-sa-3.0", "cc-by-sa-3.0", "apache-2.0", "cc-by-sa-4.0", "cc-by-sa-4.0"]


def test_limits_take_the_lowest_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(parallel_readers.LIMITS, "bible", 2)
    rows = [{"id": f"v{n}", "lang": lang, "source": "bible"} for n in range(9) for lang in ("de", "en")]
    frame = pd.DataFrame(
        [*rows, {"id": "alone", "lang": "de", "source": "bible"}, {"id": "x", "lang": "de", "source": "pud"}]
    )
    chosen = parallel_readers.sampled(frame, "bible")
    assert (
        chosen[chosen.source == "bible"].id.nunique() == 2 and "x" in set(chosen.id) and "alone" not in set(chosen.id)
    )
    assert set(parallel_readers.sampled(frame[::-1], "bible").id) == set(chosen.id)


def test_row_groups_are_full_whatever_comes(tmp_path: Path) -> None:
    schema = pa.schema([("n", pa.int64())])
    with RowGroups(tmp_path / "a.parquet", schema) as writer:
        for first, count in ((0, 0), (0, 5), (5, GROUP_ROWS), (5 + GROUP_ROWS, GROUP_ROWS), (5 + 2 * GROUP_ROWS, 3)):
            writer.write(pa.table({"n": range(first, first + count)}, schema=schema))
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [GROUP_ROWS, GROUP_ROWS, 8]
    assert file.read()["n"].to_pylist() == list(range(2 * GROUP_ROWS + 8))


def test_tables_name_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a.parquet: no such file"):
        read_table(tmp_path, "a")
    write(tmp_path, "a", [{"id": "1"}])
    with pytest.raises(InputError, match="no column 'lang'; it has id"):
        read_table(tmp_path, "a", ["id", "lang"])
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="b.parquet: not readable"):
        read_table(tmp_path, "b")


def test_card_without_markers_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\n---\n# x\n")
    report = {"row_licences": {}, "rows": {}, "examples": {}, "read": {}, "refused": {}, "outputs": {}, "inputs": {}}
    with pytest.raises(InputError, match="one block marked 'licences', found 0"):
        write_card(tmp_path / "README.md", tmp_path / "card.md", report)
    assert not (tmp_path / "card.md").exists()


def test_the_digest_of_the_code_covers_what_decides_about_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {path.name for path in prepare._CODE}
    assert {"filters.py", "cleaning.py", "parts.py", "comparable_text.py", "near_duplicates.py"} <= names
    assert all(path.is_file() for path in prepare._CODE)
    module = tmp_path / "filters.py"
    module.write_text("a = 1")
    monkeypatch.setattr(prepare, "_CODE", (module,))
    digests = []
    for text in ("a = 1", "a = 2"):
        module.write_text(text)
        prepare.code_digest.cache_clear()
        digests.append(prepare.code_digest())
    prepare.code_digest.cache_clear()
    assert digests[0] != digests[1]
