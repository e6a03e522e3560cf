"""The training set without what overlaps: which rows go, and that everything else stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.overlap.filtering import UNITS, write_filtered
from hf_hybrid.overlap.sources import read_rows

ROWS = [("a", "en", "q1", "p1"), ("a", "de", "q2", "p2"), ("b", "en", "q3", "p3"), ("c", "de", None, "p4")]


@pytest.mark.parametrize(("unit", "kept"), [("example", ["p3", "p4"]), ("rendition", ["p1", "p3", "p4"])])
def test_parquet(write_train: Callable[..., Path], tmp_path: Path, unit: str, kept: list[str]) -> None:
    train = write_train(ROWS)
    (train / "README.md").write_text("card")
    removed = write_filtered(train, tmp_path / "clean", {("a", "de")}, unit)
    table = pq.read_table(tmp_path / "clean" / "train.parquet")
    assert table.column("passage").to_pylist() == kept
    assert table.schema == pq.read_schema(train / "train.parquet")
    assert removed == {"rows": 4 - len(kept), "examples": 1}
    assert (tmp_path / "clean/README.md").read_text() == "card"


def test_json_lines_without_ids(tmp_path: Path) -> None:
    file = tmp_path / "en.jsonl"
    file.write_text("".join(json.dumps({"query": f"q{n}"}) + "\n" for n in range(3)))
    removed = write_filtered(file, tmp_path / "clean", {("en.jsonl:1", "en")})
    lines = (tmp_path / "clean/en.jsonl").read_text().splitlines()
    assert [json.loads(line)["query"] for line in lines] == ["q0", "q2"]
    assert removed == {"rows": 1, "examples": 1}


def test_json_lines_with_a_mark_blank_lines_and_separators(tmp_path: Path) -> None:
    file = tmp_path / "en.jsonl"
    lines = [json.dumps({"query": f"q{n}\u2028"}, ensure_ascii=False) for n in range(3)]
    file.write_bytes(("\ufeff" + "\r\n\r\n".join(lines) + "\n\n").encode())
    removed = write_filtered(file, tmp_path / "clean", {("en.jsonl:1", "en")})
    assert (tmp_path / "clean/en.jsonl").read_bytes() == f"{lines[0]}\n{lines[2]}\n".encode()
    assert removed == {"rows": 1, "examples": 1}


def test_row_numbers_run_over_row_groups(write_train: Callable[..., Path], tmp_path: Path) -> None:
    train = write_train(ROWS)
    table = pq.read_table(train / "train.parquet").drop(["id"])
    pq.write_table(table, train / "train.parquet", row_group_size=1)
    write_filtered(train, tmp_path / "clean", {("train.parquet:2", "en")})
    assert pq.read_table(tmp_path / "clean/train.parquet").column("passage").to_pylist() == ["p1", "p2", "p4"]


def test_nothing_is_overwritten(write_train: Callable[..., Path], tmp_path: Path) -> None:
    train = write_train(ROWS)
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean/file").write_text("mine")
    with pytest.raises(InputError, match="already in use"):
        write_filtered(train, tmp_path / "clean", set())
    assert (tmp_path / "clean/file").read_text() == "mine"


def test_nested_json_cannot_be_filtered(tmp_path: Path, against: Path) -> None:
    with pytest.raises(InputError, match="only Parquet and JSONL"):
        write_filtered(against, tmp_path / "clean", set())


def test_each_row_has_its_own_id_and_language_as_in_the_report(tmp_path: Path) -> None:
    """What `scan` reports is what goes: also where a column of ids is empty for a row, or the file's name says the
    language.
    """
    train = tmp_path / "train"
    train.mkdir()
    rows = [
        {"id": "a", "_id": "x", "language": None, "query": "q0"},
        {"id": None, "_id": "y", "language": "th", "query": "q1"},
        {"id": None, "_id": None, "language": None, "query": "q2"},
        {"id": "", "_id": "z", "language": "de", "query": "q3"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), train / "fr.parquet")
    (train / "sv.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, lang in (("fr.parquet", "fr"), ("sv.jsonl", "sv")):
        reported = {(row.key, row.lang) for row in read_rows(train / name)}
        assert reported == {("a", lang), ("y", "th"), (f"{name}:2", lang), (f"{name}:3", "de")}
        for hit in reported:
            for unit in UNITS:
                output = tmp_path / f"{name}-{hit[0]}-{unit}"
                assert write_filtered(train / name, output, {hit}, unit) == {"rows": 1, "examples": 1}
                assert hit not in {(row.key, row.lang) for row in read_rows(output / name) if ":" not in row.key}
