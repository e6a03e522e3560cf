"""Corpora as users have them: marks, ids, repeated documents, encodings."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode_sources import JsonlCorpus, TextCorpus, check_distinct


def corpus(path: Path, content: bytes) -> JsonlCorpus:
    path.write_bytes(content)
    return JsonlCorpus((path,))


def test_marks_line_ends_blank_lines_and_separators(tmp_path):
    content = '\ufeff{"_id": "a", "text": "x\u2028y"}\r\n\r\n{"docid": 7, "title": "T", "text": "z"}\r\n\n'.encode()
    expected = [("a", "x\u2028y"), ("7", "T z")]
    assert list(corpus(tmp_path / "c.jsonl", content).passages()) == expected
    assert list(corpus(tmp_path / "c.jsonl.gz", gzip.compress(content)).passages()) == expected


def test_a_passage_of_a_title_alone(tmp_path):
    lines = [{"_id": "a", "title": "T"}, {"_id": "b", "title": "T", "text": None}, {"_id": "c", "text": ""}]
    content = "\n".join(map(json.dumps, lines)).encode()
    assert list(corpus(tmp_path / "c.jsonl", content).passages()) == [("a", "T"), ("b", "T"), ("c", "")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            {"_id": "a b", "text": "x"},
            "line 2: the id 'a b' is empty or has white space, which separates the fields of a run",
        ),
        ({"_id": "a\tb", "text": "x"}, r"line 2: the id 'a\\tb'"),
        ({"_id": "a\u00a0b", "text": "x"}, "line 2: the id"),
        ({"_id": "", "text": "x"}, "line 2: the id ''"),
        ({"_id": " a", "text": "x"}, "line 2: the id ' a'"),
        ({"_id": True, "text": "x"}, "line 2: a passage needs an id"),
        ({"_id": 1.5, "text": "x"}, "line 2: a passage needs an id"),
        ({"_id": "a"}, "line 2: a passage needs an id .* and a text"),
        ({"_id": "a", "text": ["x"]}, "line 2: a passage needs"),
    ],
)
def test_passages_that_are_refused(tmp_path, line, message):
    content = "\n".join(map(json.dumps, [{"_id": "ok", "text": "x"}, line])).encode()
    with pytest.raises(InputError, match=message):
        list(corpus(tmp_path / "c.jsonl", content).passages())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"_id": "a", "text": "ä"}'.encode("latin-1"), "line 1: not text in UTF-8 .*Latin-1"),
        ('{"_id": "a", "text": "x"}'.encode("utf-16"), "line 1: not text in UTF-8 .*UTF-16"),
        (b'{"_id": "a", "text": "\\ud83d"}', "line 1: holds half of a surrogate pair"),
        (b'{"_id": "a", "text": "\xed\xa0\x80"}', "line 1: not text in UTF-8 .*surrogate"),
    ],
)
def test_what_is_no_text_is_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        list(corpus(tmp_path / "c.jsonl", content).passages())
    assert "download" not in str(caught.value)


def test_an_id_that_is_there_twice(tmp_path):
    first = corpus(tmp_path / "a.jsonl", b'{"_id": "a", "text": "x"}\n{"_id": "b", "text": "x"}').files
    second = corpus(tmp_path / "b.jsonl", b'{"_id": "c", "text": "x"}\n{"_id": "b", "text": "y"}').files
    check_distinct(JsonlCorpus(first))
    with pytest.raises(InputError, match="the corpus has two passages with the id 'b'; keep one of them"):
        check_distinct(JsonlCorpus(first + second))
    with pytest.raises(InputError, match="id 'c'"):
        check_distinct(JsonlCorpus(second * 2))


@given(st.lists(st.text(max_size=2), max_size=8))
def test_repeated_ids_are_found_whatever_they_are(ids):
    texts = TextCorpus(ids, ids)
    if len(set(ids)) == len(ids):
        check_distinct(texts)
    else:
        with pytest.raises(InputError, match="two passages with the id"):
            check_distinct(texts)


def test_ids_of_one_hash_are_compared(monkeypatch):
    monkeypatch.setattr("hf_hybrid.retrieval.encode_sources.hash", lambda _: 1, raising=False)
    check_distinct(TextCorpus(["a", "b", "c"], [""] * 3))
    with pytest.raises(InputError, match="id 'c'"):
        check_distinct(TextCorpus(["a", "c", "c"], [""] * 3))


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=1)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"_id": SCALARS, "id": SCALARS, "text": SCALARS, "title": SCALARS}),
        max_size=4,
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.booleans(),
)
def test_any_corpus_is_read_or_refused(tmp_path_factory, rows, encoding, ascii_only):
    path = tmp_path_factory.mktemp("corpus") / "c.jsonl"
    lines = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    try:
        found = list(corpus(path, lines.encode(encoding)).passages())
    except (InputError, UnicodeEncodeError) as error:
        assert "\n" not in str(error) or isinstance(error, UnicodeEncodeError)
        return
    assert [identifier for identifier, _ in found] == [
        str(row["_id"] if row.get("_id") is not None else row["id"]) for row in rows
    ]
    assert [text for _, text in found] == [f"{row.get('title') or ''} {row.get('text') or ''}".strip() for row in rows]
