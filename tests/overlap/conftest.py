"""A small evaluation set in two languages, and training sets to hold against it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.overlap.lighthouse import QUESTIONS, SENTENCES


@pytest.fixture
def against(tmp_path: Path) -> Path:
    """LAReQA's layout: one article of one paragraph."""
    folder = tmp_path / "evaluation"
    folder.mkdir()
    for lang, sentences in SENTENCES.items():
        context = " ".join(sentences)
        question = {"id": "q1", "question": QUESTIONS[lang], "answers": []}
        paragraph = {"context": context, "sentences": list(sentences), "qas": [question]}
        content = {"data": [{"title": "Cape_Lighthouse", "paragraphs": [paragraph]}]}
        (folder / f"{lang}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def write_train(tmp_path: Path) -> Callable[..., Path]:
    """Write renditions as Parquet; a rendition is (id, lang, query, passage) and perhaps a title."""

    def write(renditions: list[tuple[str | None, ...]], name: str = "train") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        columns = ("id", "lang", "query", "passage", "title")[: max(map(len, renditions))]
        records = [{**dict(zip(columns, row, strict=False)), "source": f"set-{row[0][:1]}"} for row in renditions]
        pq.write_table(pa.Table.from_pylist(records), folder / "train.parquet")
        return folder

    return write
