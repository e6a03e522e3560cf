"""Files of questions and judgements, as MIRACL's and as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.benchmarks.miracl import read_qrels, read_topics
from hf_hybrid.errors import InputError


def topics(path: Path, content: bytes) -> dict[str, str]:
    path.write_bytes(content)
    return read_topics(path)


def test_a_mark_line_ends_and_separators(tmp_path):
    """An id that begins with U+FEFF would be one that no judgement has."""
    content = "\ufeffq1\tWo?\r\n\r\nq2\tWhere\u2028is it?\x0cThere.\r\n\n".encode()
    assert topics(tmp_path / "t.tsv", content) == {"q1": "Wo?", "q2": "Where\u2028is it?\x0cThere."}


@pytest.mark.parametrize("header", ["id\ttext", "query_id\tquery", "QID\tQuestion", "_id\ttext", "query-id\ttitle"])
def test_a_header_is_left_out_with_a_warning(tmp_path, caplog, header):
    assert topics(tmp_path / "t.tsv", f"\ufeff{header}\nq1\tWo?\n".encode()) == {"q1": "Wo?"}
    assert "t.tsv, line 1: is a header and left out" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"id\tWhat is an id?\n",
            "line 1: seems to be a header, with 'id' for an id; remove the line, or rename the query",
        ),
        (b"query_id\tquery\tlang\nq1\tx\ten\n", "line 1: seems to be a header"),
        (b"q 1\tWo?\n", "line 1: the id 'q 1' is empty or has white space"),
        (b"q1 \tWo?\n", "line 1: the id 'q1 ' is"),
        (b"q1\tWo?\nq1\tWas?\n", "line 2: query 'q1' was there before; make ids unique"),
        (b"q1,Wo?\n", "line 1: not `query id<TAB>question`; mend the line"),
        (b"q1\t \n", "line 1: not `query id"),
        ("q1\tGröße?".encode("cp1252"), "line 1: not text in UTF-8 .*Windows-1252"),
        ("q1\tWo?\n".encode("utf-16"), "line 1: not text in UTF-8 .*UTF-16"),
        (b"q1\t\xed\xbf\xbf", "line 1: not text in UTF-8 .*surrogate"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        topics(tmp_path / "t.tsv", content)
    assert "download" not in str(caught.value)


def test_a_header_further_down_is_a_query(tmp_path):
    assert topics(tmp_path / "t.tsv", b"q1\tWo?\nid\ttext\n") == {"q1": "Wo?", "id": "text"}


def test_judgements(tmp_path):
    path = tmp_path / "qrels.tsv"
    path.write_bytes(b"\xef\xbb\xbfq1\tQ0\td1\t1\r\n\r\nq1 Q0 d2 -1\n")
    assert read_qrels(path) == {"q1": {"d1": 1, "d2": -1}}
    for line in ("query-id\tcorpus-id\tscore", "q1 Q0 d1 --1", "q1 Q0 d1 1.0", "q1 Q0 d1 ²", "q1 Q0 a b 1"):
        path.write_text(line, encoding="utf-8")
        with pytest.raises(InputError, match="line 1: not `query id, Q0, passage id, grade`; mend the line"):
            read_qrels(path)


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(st.text(max_size=3), st.text(max_size=4), max_size=4),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_any_topics_are_read_or_refused(tmp_path_factory, asked, encoding):
    path = tmp_path_factory.mktemp("topics") / "t.tsv"
    try:
        found = topics(path, "\r\n".join(f"{query}\t{text}" for query, text in asked.items()).encode(encoding))
    except (InputError, UnicodeEncodeError) as error:
        assert "\n" not in str(error) or isinstance(error, UnicodeEncodeError)
        return
    assert all(query.split() == [query] for query in found)
    if encoding == "cp1252":
        # Letters whose bytes happen to be UTF-8 are read as that.
        asked = {query.encode(encoding).decode(): text.encode(encoding).decode() for query, text in asked.items()}
    assert set(found.items()) <= {(query, text.removesuffix("\r")) for query, text in asked.items()} or any(
        character in "".join([*asked, *asked.values()]) for character in "\n\r\t\ufeff"
    )
