"""Benchmarks from the Hub, in the layouts that its data sets have: small copies of them, served by the fake Hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.benchmarks.miracl import CORPUS_HUB_ID
from hf_hybrid.benchmarks.registry import benchmark_spec
from hf_hybrid.benchmarks.tydiqa import reader_questions
from hf_hybrid.errors import InputError
from tests.benchmarks.test_tydiqa import folder_of_languages, folder_of_the_hub
from tests.evaluation.test_corpus import PASSAGES, write_miracl
from tests.publishing.hub.conftest import hub, online  # noqa: F401  (fixtures)


def files_of(folder: Path, *parts: str) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (not parts or path.relative_to(folder).parts[0].startswith(parts))
    }


def test_tydiqa(online, tmp_path):  # noqa: F811
    name = benchmark_spec("tydiqa").hub_id
    files = files_of(folder_of_the_hub(tmp_path / "hub"))
    # What belongs to the other task is not asked for.
    online.add_repository("dataset", name, {**files, "primary_task/train-00000-of-00001.parquet": b"large"})
    found = load_benchmark("tydiqa", hub_id=name)
    assert found.data_sha256 == load_benchmark("tydiqa", data_dir=folder_of_languages(tmp_path / "own")).data_sha256
    assert found.answers[0] == ("Nairobi",)
    assert load_benchmark("tydiqa_by_language", hub_id=name).num_queries == 4
    with pytest.raises(InputError, match="nor another form of that split"):
        reader_questions(name)  # train is not there


def test_miracl(online, tmp_path):  # noqa: F811
    topics = {tag: {str(row): text for row, text in enumerate(texts[:3])} for tag, texts in PASSAGES.items()}
    qrels = {tag: [(str(row), f"{row}#0", 1) for row in range(3)] for tag in PASSAGES}
    folder = write_miracl(tmp_path / "miracl", topics, qrels, PASSAGES, shards=2)
    online.add_repository("dataset", "miracl/miracl", files_of(folder, "miracl-v1.0"))
    online.add_repository("dataset", CORPUS_HUB_ID, files_of(folder, "miracl-corpus"))
    found = load_benchmark("miracl", hub_id="miracl/miracl", languages=["sw"])
    assert (
        found.languages == ("sw",)
        and found.sha256() == load_benchmark("miracl", data_dir=folder, languages=["sw"]).sha256()
    )
    assert [text for _, text in found.collections[0].corpus.passages()] == PASSAGES["sw"]
