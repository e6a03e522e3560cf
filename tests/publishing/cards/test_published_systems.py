"""Arms beside what others published: figures from their files, parameters, gaps as gaps."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.cards.encoder_facts import EncoderFacts
from hf_hybrid.publishing.cards.folder_files import read_folder
from hf_hybrid.publishing.cards.published_systems import published_section
from tests.publishing.cards.everything import PUBLISHED, fill, write
from tests.publishing.cards.tables import rows_of

FACTS = EncoderFacts(
    **{field.name: None for field in dataclasses.fields(EncoderFacts)} | {"parameters": 47_200_000, "modules": ("A",)}
)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "systems").mkdir()
    fill(tmp_path / "model", tmp_path / "systems")
    return tmp_path / "model"


def test_arms_and_published_systems_in_one_table(folder):
    arms = json.loads((folder / "results" / "arms.json").read_text())["arms"]
    head, *rows = rows_of(published_section(FACTS, read_folder(folder)))
    assert head == ["", "parameters", "Mo", "Cr", "Mul", "rank distance"]
    assert [row[0] for row in rows] == [
        "`hybrid`",
        "`x-x-mono`",
        "`x-y`",
        "[XLM-R base, hybrid batches](https://arxiv.org/abs/2408.10536)",
        "[mBERT, `x-y`](https://arxiv.org/abs/2004.05484)",
    ]
    for row in rows[:3]:
        figures = arms[row[0].strip("`")]["figures"]
        assert row[1] == "`47 M`" and float(row[2]) == round(100 * figures["mo_map"]["mean"], 2)
    assert rows[3][1:] == ["`278 M`", "79.80", "70.50", "59.30", "287.0"]
    assert rows[4][1:] == ["`178 M`", "-", "-", "66.00", "-"]


def test_without_the_file_there_is_no_section(folder):
    (folder / "results" / "published.json").unlink()
    assert published_section(FACTS, read_folder(folder)) == ""


def test_arms_on_another_benchmark_stay_out(folder):
    write(folder / "results" / "published.json", {**PUBLISHED, "benchmark": "xquad_r"})
    _, *rows = rows_of(published_section(FACTS, read_folder(folder)))
    assert len(rows) == 2


def test_a_field_that_is_missing_is_named(folder):
    systems = [{name: value for name, value in PUBLISHED["systems"][0].items() if name != "source"}]
    write(folder / "results" / "published.json", {**PUBLISHED, "systems": systems})
    with pytest.raises(InputError, match=r"results/published.json: field 'systems\[0\].source' is missing"):
        read_folder(folder)
