"""Tables under their declared types: every value is read as it is written, or refused with its file, row and field."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.data import tables
from hf_hybrid.data.loading import load_renditions
from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.data.tables import read_tables
from hf_hybrid.errors import InputError
from tests.conftest import renditions


def row(**fields):
    return {"id": "a", "lang": "en", "query": "q", "passage": "p", **fields}


def jsonl(path: Path, *rows: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    return path


def parquet(path: Path, rows: list[dict] | pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows) if isinstance(rows, list) else rows, path)
    return path


def loaded(path: Path) -> list[dict]:
    return load_renditions(str(path), "train").to_list()


# -- paths are names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    "folder", ["run[1]", "in [v1]", "a::b", "what?", "all *", "**", "x{1,2}", "100%", "file:", "hf:", "a=b, c"]
)
def test_paths_are_names_not_patterns(tmp_path, folder, kind):
    write = parquet if kind == "parquet" else lambda path, rows: jsonl(path, *rows)
    for neighbour in ("run1", "in 1", "whatx", "all b", "x1"):
        write(tmp_path / neighbour / f"train.{kind}", [row(query="the neighbour's")])
    file = write(tmp_path / folder / f"train.{kind}", [row(query="mine")])
    assert [one["query"] for one in loaded(file)] == [one["query"] for one in loaded(tmp_path / folder)] == ["mine"]


def test_a_file_whose_own_name_is_a_pattern(tmp_path):
    jsonl(tmp_path / "train1.jsonl", row(query="the neighbour's"))
    assert loaded(jsonl(tmp_path / "train[1].jsonl", row(query="mine")))[0]["query"] == "mine"


def test_a_card_in_a_folder_with_brackets(tmp_path):
    folder = tmp_path / "in [v1]"
    parquet(folder / "data" / "b.parquet", [row(id="b")])
    parquet(folder / "data" / "a.parquet", [row()])
    card = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/*.parquet\n---\n"
    (folder / "README.md").write_text(card)
    assert [one["id"] for one in loaded(folder)] == ["a", "b"]


def test_relative_paths_and_spaces(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jsonl(tmp_path / "my data" / "train.jsonl", row())
    assert loaded(Path("my data")) == loaded(Path("my data/train.jsonl")) == [row()]


# -- types are declared -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["1998-05-01", "2020-01-02T10:00:00", "12:30", "007", "1e5", "true", "null", "NaN", "-0", " x ", "\u2028"]
)
def test_strings_are_read_as_written(tmp_path, text):
    file = jsonl(
        tmp_path / "train.jsonl",
        row(id=text, passage=f"{text}.", passage_id=text),
        row(id=text, lang="de", passage=text + "x"),
    )
    first, second = loaded(file)
    assert first == row(id=text, passage=f"{text}.", passage_id=text) and second["id"] == text
    assert ParallelPairs.load(str(file)).cell_size("en", "de") == 1


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_column_that_begins_with_nulls(tmp_path, kind):
    rows = [row(id=str(n), passage=None, source=None) for n in range(40_000)] + [
        row(id="last", passage="text", source="s")
    ]
    if kind == "jsonl":
        found = loaded(jsonl(tmp_path / "train.jsonl", *rows))
    else:
        parquet(tmp_path / "train-0.parquet", rows[:-1])
        parquet(tmp_path / "train-1.parquet", rows[-1:])
        found = loaded(tmp_path)
    assert found[0]["passage"] is None and found[-1] == rows[-1] and len(found) == 40_001


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_column_of_a_later_file_only(tmp_path, kind):
    write = parquet if kind == "parquet" else lambda path, rows: jsonl(path, *rows)
    write(tmp_path / f"train-0.{kind}", [row()])
    write(tmp_path / f"train-1.{kind}", [row(id="b", passage_id="P", source="s", negatives=["n"], note=1.5)])
    first, second = loaded(tmp_path)
    assert first == row(passage_id=None, source=None, negatives=None, note=None)
    assert second == row(id="b", passage_id="P", source="s", negatives=["n"], note=1.5)
    pairs = ParallelPairs.load(str(tmp_path))
    assert pairs.sources == ("", "s") and pairs.source_of_example.tolist() == [0, 1]


def test_fields_in_another_order_and_missing_ones(tmp_path):
    file = tmp_path / "train.jsonl"
    file.write_text(
        '{"passage": "p", "query": "q", "lang": "en", "id": "a"}\n{"lang": "en", "id": "b", "query": "q"}\n'
    )
    assert loaded(file) == [row(), row(id="b", passage=None)]


def test_integers_become_their_decimal_strings(tmp_path):
    file = jsonl(tmp_path / "train.jsonl", row(id=7, passage_id=-3), row(id="b", passage_id=10**30), row(id=0))
    assert [(one["id"], one["passage_id"]) for one in loaded(file)] == [("7", "-3"), ("b", str(10**30)), ("0", None)]
    table = pa.Table.from_pylist([row(id=1, passage_id=5)]).set_column(0, "id", pa.array([2**63 + 1], pa.uint64()))
    assert loaded(parquet(tmp_path / "t.parquet", table))[0]["id"] == str(2**63 + 1)


def test_arrow_types_that_hold_strings(tmp_path):
    words = pa.array(["1998-05-01", None])
    arrays = {
        "id": pa.array(["a", "b"], pa.large_string()),
        "lang": pa.array(["en", "en"]).dictionary_encode(),
        "query": pa.array([b"q", b"r"], pa.binary()),
        "passage": words.cast(pa.string_view()),
        "passage_id": pa.array([None, None], pa.float64()),
        "source": pa.array([None, None], pa.timestamp("ns")),
    }
    found = loaded(parquet(tmp_path / "t.parquet", pa.table(arrays)))
    nothing = {"passage_id": None, "source": None}
    assert found == [row(passage="1998-05-01", **nothing), row(id="b", query="r", passage=None, **nothing)]


def test_json_columns_of_mixed_ids(tmp_path):
    """What `datasets` writes where ids are of several types."""
    ids = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"x"', "5"]))
    table = pa.table({"id": ids, "lang": ["en", "en"], "query": ["q", "q"], "passage": ["p", "p"]})
    assert [one["id"] for one in loaded(parquet(tmp_path / "t.parquet", table))] == ["x", "5"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": 1.0}, r"line 2: field 'id' is the number 1.0, not a string; write it as a string"),
        ({"id": True}, r"line 2: field 'id' is true, not a string"),
        (
            {"passage": float("nan")},
            r"line 2: field 'passage' is the number nan, not a string; use null where there is none",
        ),
        ({"passage_id": ["x"]}, r"line 2: field 'passage_id' is a list"),
        ({"query": {"text": "q"}}, r"line 2: field 'query' is an object"),
        ({"negatives": [{"passage": "x"}]}, r"line 2: field 'negatives' has an object without 'text'"),
        ({"negatives": [["x"]]}, r"line 2: field 'negatives' is a list"),
        ({"negatives": 1.5}, r"line 2: field 'negatives' is the number 1.5"),
    ],
)
def test_other_values_are_refused_by_row_and_field(tmp_path, fields, message):
    file = jsonl(tmp_path / "train.jsonl", row(), row(**fields))
    with pytest.raises(InputError, match=rf"train\.jsonl, {message}"):
        loaded(file)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("passage", pa.array(["p", None, "x"]).cast(pa.string()), None),
        ("id", pa.array([None, 1.0, 2.5]), r"row 1: field 'id' is the number 1.0"),
        (
            "passage",
            pa.array([np.nan, np.nan, np.nan], from_pandas=False),
            r"row 0: field 'passage' is the number nan",
        ),
        ("id", pa.array([1, 2, 3], pa.timestamp("ns")), r"row 0: field 'id' is the"),
        ("query", pa.array([True, False, None]), r"row 0: field 'query' is true"),
        ("negatives", pa.array([None, [1.5], None]), r"row 1: field 'negatives' is the number 1.5"),
    ],
)
def test_other_arrow_types_are_refused_by_row_and_field(tmp_path, name, array, message):
    columns = {"id": ["a", "b", "c"], "lang": ["en"] * 3, "query": ["q"] * 3, "passage": ["p"] * 3}
    file = parquet(tmp_path / "t.parquet", pa.table({**columns, name: array}))
    if message is None:
        assert [one[name] for one in loaded(file)] == array.to_pylist()
        return
    with pytest.raises(InputError, match=rf"t\.parquet, {message}"):
        loaded(file)


def test_what_pandas_writes(tmp_path):
    frame = pd.DataFrame([row(passage=np.nan, n=1), row(id="b", n=None)])
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    expected = [row(passage=None, n=1.0), row(id="b", n=None)]
    assert loaded(tmp_path / "t.parquet") == loaded(tmp_path / "t.jsonl") == expected


def test_text_that_is_not_utf8(tmp_path):
    damaged = pa.array([b"p", b"Gr\xf6\xdfe"]).view(pa.string())
    table = pa.table({"id": ["a", "b"], "lang": ["en"] * 2, "query": ["q"] * 2, "passage": damaged})
    with pytest.raises(InputError, match=r"t\.parquet, row 1: field 'passage' is not UTF-8"):
        loaded(parquet(tmp_path / "t.parquet", table))
    (tmp_path / "t.jsonl").write_bytes(json.dumps(row()).encode() + b'\n{"id": "Gr\xf6\xdfe"}\n')
    with pytest.raises(InputError, match=r"t\.jsonl, line 2: not text in UTF-8 .* Windows-1252"):
        loaded(tmp_path / "t.jsonl")
    (tmp_path / "t.jsonl").write_text(json.dumps(row(query="\ud800")))
    with pytest.raises(InputError, match=r"t\.jsonl, line 1: holds half of a surrogate pair"):
        loaded(tmp_path / "t.jsonl")


def test_two_columns_of_one_name(tmp_path):
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["id", "id"])
    with pytest.raises(InputError, match="two columns 'id'"):
        loaded(parquet(tmp_path / "t.parquet", table))


# -- negatives --------------------------------------------------------------------------------------------------------

GIVEN = ["one", ["one", "two"], [{"text": "one", "score": 2}], {"text": "one"}, None, [], [""], [None], 5]
READ = [["one"], ["one", "two"], ["one"], ["one"], None, [], [""], [None], ["5"]]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_negatives_as_they_may_be_given(tmp_path, kind):
    for number, (one, read) in enumerate(zip(GIVEN, READ, strict=True)):
        rows = [row(negatives=one)]
        file = tmp_path / f"{number}.{kind}"
        found = loaded(parquet(file, rows) if kind == "parquet" else jsonl(file, *rows))
        assert found[0]["negatives"] == read, one


def test_negatives_of_all_forms_in_one_file(tmp_path):
    rows = [row(id=str(number), negatives=one) for number, one in enumerate(GIVEN)]
    assert [one["negatives"] for one in loaded(jsonl(tmp_path / "train.jsonl", *rows))] == READ


# -- files without rows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_a_jsonl_file_without_rows_is_left_out(tmp_path, caplog, content):
    (tmp_path / "train-0.jsonl").write_bytes(content)
    jsonl(tmp_path / "train-1.jsonl", row())
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert loaded(tmp_path) == [row()]
        assert [message.endswith("train-0.jsonl: no rows; left out") for message in caplog.messages] == [True]
    with pytest.raises(InputError, match=r"train-0\.jsonl: no rows; give a file with at least one rendition"):
        loaded(tmp_path / "train-0.jsonl")


def test_a_parquet_file_without_rows_is_left_out(tmp_path, caplog):
    parquet(tmp_path / "train-0.parquet", pa.schema([("id", pa.null())]).empty_table())
    parquet(tmp_path / "train-1.parquet", [row()])
    assert loaded(tmp_path) == [row()] and "train-0.parquet: no rows" in caplog.text
    with pq.ParquetWriter(tmp_path / "train-1.parquet", pa.Table.from_pylist([row()]).schema) as writer:
        for rows in ([], [row()], [], [row(id="b")]):
            writer.write_table(pa.Table.from_pylist(rows, pa.Table.from_pylist([row()]).schema))
    assert loaded(tmp_path) == [row(), row(id="b")]
    parquet(tmp_path / "train-1.parquet", pa.Table.from_pylist([row()]).slice(0, 0))
    with pytest.raises(InputError, match="no rows; give a file"):
        loaded(tmp_path)


def test_blank_lines_and_a_mark(tmp_path):
    line = json.dumps(row())
    (tmp_path / "train.jsonl").write_bytes(f"\ufeff{line}\r\n\r\n{line}\n\n \n".encode())
    assert loaded(tmp_path / "train.jsonl") == [row(), row()]


def test_a_json_file_is_lines_or_one_list(tmp_path):
    (tmp_path / "lines.json").write_text(json.dumps(row()) + "\n")
    (tmp_path / "list.json").write_text(json.dumps([row(), row(id=5)], indent=1))
    assert loaded(tmp_path / "lines.json") == [row()] and loaded(tmp_path / "list.json") == [row(), row(id="5")]
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(InputError, match=r"list\.json, item 0: not a JSON object"):
        loaded(tmp_path / "list.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(InputError, match="no rows"):
        loaded(tmp_path / "list.json")


# -- other columns, the cache, the hash -------------------------------------------------------------------------------


def test_other_columns_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 2)
    notes = [1, 2, 2.5, None, "x", True, {"a": 1}, ["b"]]
    file = jsonl(
        tmp_path / "train.jsonl", *(row(id=str(number), n=number, note=note) for number, note in enumerate(notes))
    )
    found = loaded(file)
    assert [one["n"] for one in found] == list(range(8))
    assert [one["note"] for one in found] == ["1", "2", "2.5", None, "x", "true", '{"a": 1}', '["b"]']
    table = pa.Table.from_pylist([row(day=1, more={"a": 1})]).append_column(
        "map", pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))
    )
    first = loaded(parquet(tmp_path / "t.parquet", table))[0]
    assert first["day"] == 1 and first["more"] == {"a": 1} and "k" in str(first["map"])


def test_the_rows_are_mapped_and_read_once(tmp_path, monkeypatch):
    file = jsonl(tmp_path / "train.jsonl", *renditions(20))
    first = read_tables([file], "train")
    assert first.cache_files and first.split == "train"
    monkeypatch.setattr(tables, "_write", lambda *_: pytest.fail("read again"))
    again = read_tables([file], "train")
    assert again._fingerprint == first._fingerprint and again.cache_files == first.cache_files


def test_a_file_written_anew_is_read_anew(tmp_path, monkeypatch):
    for hashed in (tables.HASHED_BYTES, 0):
        monkeypatch.setattr(tables, "HASHED_BYTES", hashed)
        assert loaded(jsonl(tmp_path / "train.jsonl", row(query="a")))[0]["query"] == "a"
        (tmp_path / "train.jsonl").unlink()
        assert loaded(jsonl(tmp_path / "train.jsonl", row(query="b")))[0]["query"] == "b"


def test_a_failed_reading_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    file = jsonl(tmp_path / "train.jsonl", row(), row(id=1.5))
    with pytest.raises(InputError):
        loaded(file)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.suffix != ".lock" and path.is_file()] == []
    assert loaded(jsonl(tmp_path / "train.jsonl", row())) == [row()]


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    with pytest.raises(InputError, match=r"cannot write the cache .*set HF_DATASETS_CACHE to another folder"):
        loaded(jsonl(tmp_path / "train.jsonl", row()))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_the_hash_is_that_of_the_rows(tmp_path, kind):
    """Data that could always be read has the hash it always had: that of the rows, whoever read them."""
    rows = renditions(30, source="s", negatives=["n1", "n2"])
    rows[3]["passage"] = rows[5]["negatives"] = None
    plain = ParallelPairs(Dataset.from_list(rows))
    file = tmp_path / f"train.{kind}"
    found = ParallelPairs.load(str(parquet(file, rows) if kind == "parquet" else jsonl(file, *rows)))
    assert found.sha256 == plain.sha256
    assert ParallelPairs.load(str(file), languages=["de"]).sha256 == plain.select_languages(["de"]).sha256


def test_the_embedded_data_have_their_hash():
    from hf_hybrid.data.loading import embedded_dataset_path

    path = Path(embedded_dataset_path()) / "data" / "test.parquet"
    expected = ParallelPairs(Dataset(pq.read_table(path).replace_schema_metadata(None)))
    assert ParallelPairs.load(embedded_dataset_path(), split="test").sha256 == expected.sha256


# -- anything ---------------------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
ANYTHING = (
    SCALARS
    | st.lists(SCALARS | st.fixed_dictionaries({"text": SCALARS}), max_size=2)
    | st.dictionaries(st.text(max_size=2), SCALARS, max_size=2)
)
TEXT = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
    | st.integers(-3, 3)
    | st.sampled_from(["2020-01-02", "1"])
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": TEXT,
            "lang": st.sampled_from(["en", "EN", "de", "iw", "he", "xx", "German"]),
            "query": TEXT | st.none(),
        },
        optional={"passage": TEXT | st.none(), "passage_id": TEXT | ANYTHING, "negatives": ANYTHING, "note": ANYTHING},
    ),
    max_size=5,
)


def expected_string(value):
    return value if value is None or isinstance(value, str) else str(value)


@settings(max_examples=500, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3), st.sampled_from(["", "\n", "\r\n", " \n\n"]), st.booleans())
def test_rows_are_read_right_or_refused(tmp_path_factory, parts, end, mark):
    folder = tmp_path_factory.mktemp("rows")
    for number, part in enumerate(parts):
        lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in part)
        try:
            (folder / f"train-{number}.jsonl").write_bytes(("\ufeff" * mark + lines + end).encode())
        except UnicodeEncodeError:
            return
    rows = [one for part in parts for one in part]
    try:
        found = load_renditions(str(folder), "train")
    except InputError as error:
        assert "\n" not in str(error)
        return
    for field in ("id", "lang", "query", "passage", "passage_id"):
        values = found[field] if field in found.column_names else [None] * len(rows)
        assert list(values) == [expected_string(one.get(field)) for one in rows]
    try:
        pairs = ParallelPairs(found)
    except InputError:
        return
    assert set(pairs.languages) <= {"en", "de", "he"} and len(pairs.sha256) == 64


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.sampled_from(["a.jsonl", "a.parquet", "a.json"]))
def test_bytes_are_rows_or_refused(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        ParallelPairs.load(str(path))
    assert "\n" not in str(caught.value)
