"""Rows of every layout that a training or evaluation set may have."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.overlap.sources import Row, count_rows, read_rows, text_files


def rows(path: Path) -> list[Row]:
    return [row for file in text_files(path) for row in read_rows(file)]


def test_renditions_in_parquet(tmp_path: Path) -> None:
    table = {
        "id": ["a", "b"],
        "lang": ["de", "th"],
        "query": ["Wo?", None],
        "passage": ["Dort.", "ที่นั่น"],
        "source": ["s", "t"],
    }
    pq.write_table(pa.table({**table, "title": ["Ort", None], "other": [1, 2]}), tmp_path / "train.parquet")
    assert rows(tmp_path) == [
        Row("a", "de", "s", {"query": "Wo?", "passage": "Dort.", "title": "Ort"}),
        Row("b", "th", "t", {"passage": "ที่นั่น"}),
    ]
    assert count_rows(text_files(tmp_path)) == 2


def test_language_of_the_file_name(tmp_path: Path) -> None:
    (tmp_path / "zh.jsonl").write_text(
        json.dumps({"id": "f1", "question": "何?", "passage": "此"}) + "\n", encoding="utf-8"
    )
    (tmp_path / "facts.jsonl").write_text(json.dumps({"id": "f1", "question": "What?"}) + "\n")
    assert [(row.key, row.lang) for row in rows(tmp_path)] == [("f1", "und"), ("f1", "zh")]
    assert count_rows(text_files(tmp_path)) is None


def test_beir(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "Where?"}) + "\n")
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt") as stream:
        stream.write(json.dumps({"_id": "d1", "title": "Place", "text": "There."}) + "\n")
    assert [(row.key, dict(row.texts)) for row in rows(tmp_path)] == [
        ("d1", {"passage": "There.", "title": "Place"}),
        ("q1", {"query": "Where?"}),
    ]


def test_lareqa_json(tmp_path: Path) -> None:
    paragraph = {
        "context": "One. Two.",
        "sentences": ["One.", "Two."],
        "qas": [{"id": "q7", "question": "Which?", "answers": []}],
    }
    content = {"version": "1", "data": [{"title": "Some_Title", "paragraphs": [paragraph, paragraph]}]}
    (tmp_path / "vi.json").write_text(json.dumps(content))
    (tmp_path / "report.json").write_text(json.dumps({"hits": 1}))
    (tmp_path / "LICENSE").write_text("text")
    found = rows(tmp_path)
    assert {row.lang for row in found} == {"vi"}
    assert [(row.key, dict(row.texts)) for row in found[:4]] == [
        ("Some_Title/0", {"passage": "One. Two.", "title": "Some_Title"}),
        ("Some_Title/0/0", {"passage": "One."}),
        ("Some_Title/0/1", {"passage": "Two."}),
        ("q7", {"query": "Which?"}),
    ]
    # The title is given once for an article.
    assert "title" not in found[4].texts


def test_rows_without_an_id_are_numbered(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "en.parquet")
    assert [(row.key, row.texts) for row in rows(tmp_path)] == [
        ("en.parquet:0", {"passage": "a"}),
        ("en.parquet:1", {"passage": "b"}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PAR0", "not a readable Parquet"),
        ("a.jsonl", b'{"query": "x"}\n{', "line 2: not JSON"),
        ("a.jsonl", b"[1]\n", "line 1: not a JSON object"),
        ("a.jsonl", b'{"x": 1}\n', "no column of text"),
        ("a.json", b'{"data": [{"title": "t"}]}', "layout of SQuAD"),
        ("a.csv", b"x", "cannot be read"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        rows(tmp_path / name)


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        text_files(tmp_path / "missing")
    with pytest.raises(InputError, match="no file of renditions"):
        text_files(tmp_path)


def test_marks_line_ends_and_separators(tmp_path: Path) -> None:
    line = json.dumps({"id": "a", "query": "x\u2028y"}, ensure_ascii=False)
    (tmp_path / "a.jsonl").write_bytes(f"\ufeff{line}\r\n\r\n{line}\n\n".encode())
    assert [row.texts["query"] for row in rows(tmp_path)] == ["x\u2028y"] * 2
    content = {"data": [{"title": "T", "paragraphs": [{"context": "One.", "qas": []}]}]}
    (tmp_path / "vi.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(content).encode())
    assert [dict(row.texts) for row in rows(tmp_path)][2:] == [{"passage": "One.", "title": "T"}]


@pytest.mark.parametrize("folder", ["in [v1]", "a::b", "what?"])
def test_paths_are_names(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / folder / "en.parquet")
    assert len(rows(tmp_path / folder)) == count_rows(text_files(tmp_path / folder)) == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"query": "Größe"}'.encode("latin-1"), "line 1: not text in UTF-8 .*Latin-1"),
        ("a.jsonl", b'{"query": "x"}\n{"query": "\\ud800"}', "line 2: holds half of a surrogate pair"),
        ("a.jsonl.gz", b"no gzip", "cannot read .*Not a gzipped file"),
        ("a.jsonl.gz", gzip.compress(b'{"query": "x"}' * 99, mtime=0)[:-9], "cannot read .*end-of-stream"),
        ("a.json", '{"data": []}'.encode("utf-16"), "not text in UTF-8 .*UTF-16"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        rows(tmp_path / name)
    assert "download" not in str(caught.value)


def test_a_parquet_file_that_is_not_utf8(tmp_path: Path) -> None:
    pq.write_table(pa.table({"query": pa.array([b"Gr\xf6\xdfe"]).view(pa.string())}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: not a readable Parquet file"):
        rows(tmp_path)
