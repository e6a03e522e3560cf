"""World Facts: the Parquet files and the card's tables are those of the texts, load as the card says, and make a
benchmark.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
from datasets import load_dataset

from hf_hybrid.benchmarks import load_benchmark

FOLDER = Path(__file__).parents[2] / "hub_datasets" / "world_facts"
LANGUAGES = ["ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"]


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("world_facts_build", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_committed_files_are_those_of_the_texts(build, tmp_path):
    card = shutil.copy(FOLDER / "README.md", tmp_path / "README.md")
    build.build(tmp_path / "data", Path(card))
    assert build.languages() == LANGUAGES
    for tag in LANGUAGES:
        assert (tmp_path / "data" / f"{tag}.parquet").read_bytes() == (FOLDER / "data" / f"{tag}.parquet").read_bytes()
    assert (tmp_path / "README.md").read_text() == (FOLDER / "README.md").read_text()


def test_nothing_is_overwritten_unasked(build, tmp_path):
    (tmp_path / "kept").write_text("")
    with pytest.raises(FileExistsError, match="is not empty; give --force"):
        build.build(tmp_path, FOLDER / "README.md")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_broken_line_is_named(build, tmp_path):
    (tmp_path / "en.jsonl").write_text(
        '{"id": "a", "topic": "t", "question": "q", "passage": "p", "answer": "p"}\n{}\n'
    )
    with pytest.raises(ValueError, match="en.jsonl, line 2: not a fact"):
        build.read_language(tmp_path / "en.jsonl")


@pytest.mark.parametrize("streaming", [False, True])
def test_configurations_load(streaming, tmp_path):
    everything = load_dataset(str(FOLDER), split="test", streaming=streaming, cache_dir=str(tmp_path))
    rows = list(everything)
    assert len(rows) == 11 * 104 and len({(row["id"], row["lang"]) for row in rows}) == len(rows)
    thai = list(load_dataset(str(FOLDER), "th", split="test", streaming=streaming, cache_dir=str(tmp_path)))
    assert len(thai) == 104 and {row["lang"] for row in thai} == {"th"}
    assert all(row["answer"] in row["passage"] for row in rows)


def test_benchmark_needs_no_download():
    benchmark = load_benchmark("world_facts")
    assert sorted(benchmark.languages) == LANGUAGES
    assert benchmark.describe()["queries"] == benchmark.describe()["candidates"] == 11 * 104
