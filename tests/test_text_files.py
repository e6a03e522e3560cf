"""The one reader of text: marks, line ends, encodings, JSON."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_hybrid.errors import InputError
from hf_hybrid.text_files import decoded, json_lines, json_object, json_value, likely_encoding, read_json, text_lines


def written(folder: Path, content: bytes, name: str = "file.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_byte_order_mark_is_no_text(tmp_path):
    assert list(text_lines(written(tmp_path, b"\xef\xbb\xbfq1\tWo?\n"))) == [(1, "q1\tWo?")]
    assert read_json(written(tmp_path, b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


def test_files_with_marks_put_end_to_end(tmp_path):
    part = b'\xef\xbb\xbf{"a": "\xc3\xa4"}\n'
    assert [record for _, record in json_lines(written(tmp_path, part + part))] == [{"a": "ä"}] * 2


def test_only_a_line_feed_ends_a_line(tmp_path):
    strange = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    content = f"{json.dumps({'text': strange}, ensure_ascii=False)}\n".encode().replace(b"\\u000b", b"\x0b")
    path = written(tmp_path, b'{"text": "a\xe2\x80\xa8b\xe2\x80\xa9c\xc2\x85d"}\n{"text": "e"}')
    assert list(json_lines(path)) == [(1, {"text": "a\u2028b\u2029c\x85d"}), (2, {"text": "e"})]
    assert json_object(content.rstrip(b"\n").replace(b"\x0b", b"\\u000b"), "x") == {"text": strange}


def test_windows_line_ends_and_blank_lines(tmp_path):
    path = written(tmp_path, b"q1\tone\r\n\r\n  \nq2\ttwo\r\n\n\n")
    assert list(text_lines(path)) == [(1, "q1\tone"), (4, "q2\ttwo")]


def test_packed_files(tmp_path):
    path = tmp_path / "file.jsonl.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"a": 1}\r\n', mtime=0) + gzip.compress(b'{"a": 2}'))
    assert [record["a"] for _, record in json_lines(path)] == [1, 2]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"cannot read .*file\.jsonl\.gz .*copy it anew"):
        list(json_lines(path))
    with pytest.raises(InputError, match="cannot read .*Not a gzipped file"):
        list(json_lines(written(tmp_path, b"{}", "plain.jsonl.gz")))


def test_absent_files(tmp_path):
    with pytest.raises(InputError, match="cannot read .*No such file"):
        list(text_lines(tmp_path / "absent"))
    with pytest.raises(InputError, match="cannot read .*Is a directory"):
        read_json(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "a\nGröße\n".encode("cp1252"),
            r"line 2: not text in UTF-8 \(byte 3 is 0xf6; it seems to be Windows-1252 or Latin-1\)",
        ),
        ("a\n".encode("utf-16"), r"line 1: .*it seems to be UTF-16\); save it as UTF-8"),
        ("a\n".encode("utf-32"), r"line 1: .*it seems to be UTF-32"),
        ("Größe\nß".encode("utf-16-le"), r"line 1: .*it seems to be UTF-16 or UTF-32"),
        ("Привет всем".encode("cp1251"), r"line 1: .*another script, such as Windows-1251"),
        ("東京都".encode("shift_jis"), r"line 1: .*another script"),
        (b"ok\n" + gzip.compress(b"hello", mtime=0), r"line 2: .*compressed with gzip"),
        (
            b"a\n\xed\xa0\x80b",
            r"line 2: .*byte 1 is 0xed; it seems to be CESU-8 or WTF-8, with halves of surrogate pairs",
        ),
        ("größer ä".encode()[:-1], r"line 1: .*UTF-8 that was cut off"),
    ],
)
def test_what_is_not_utf8_is_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        list(text_lines(written(tmp_path, content)))
    assert "download" not in str(caught.value) and "\n" not in str(caught.value)


def test_the_line_is_counted_in_a_whole_document(tmp_path):
    with pytest.raises(InputError, match=r"x\.json, line 3: not text in UTF-8 \(byte 5 is 0xe9"):
        read_json(written(tmp_path, b'\xef\xbb\xbf{\n"a":\n"caf\xe9"}', "x.json"))


@pytest.mark.parametrize(
    "text", [r'{"a": "\ud800"}', r'{"a": ["x", {"\udfff": 1}]}', '{"a": "\ud800"}', r'{"a": "\uDC00\uD800"}']
)
def test_halves_of_surrogate_pairs_are_no_text(text):
    with pytest.raises(InputError, match=r"here: holds half of a surrogate pair \(U\+D"):
        json_value(text, "here")


def test_whole_surrogate_pairs_are_text():
    assert json_value(rb'{"a": "\ud83d\ude00", "b": "\\ud800"}', "here") == {"a": "😀", "b": "\\ud800"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "here: not JSON"),
        (b"[1]", "here: not a JSON object"),
        (b"[" * 100_000, "here: not JSON"),
        (b"1" * 5000, "here: not"),
    ],
)
def test_what_is_no_object_is_named(line, message):
    with pytest.raises(InputError, match=message):
        json_object(line, "here")


@given(st.binary(max_size=60))
def test_bytes_are_text_or_refused(content):
    try:
        text = decoded(content, "here")
    except InputError:
        assert likely_encoding(content) != "UTF-8"
    else:
        assert text.encode() == content.removeprefix(b"\xef\xbb\xbf")


@given(
    st.lists(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=20), max_size=5),
    st.sampled_from(["", "\ufeff"]),
)
def test_lines_are_read_as_they_were_written(tmp_path_factory, lines, mark):
    path = tmp_path_factory.mktemp("lines") / "file"
    try:
        path.write_bytes((mark + "\n".join(lines)).encode())
    except UnicodeEncodeError:
        return
    expected = [line.removesuffix("\r").removeprefix("\ufeff") for line in lines]
    found = dict(text_lines(path))
    assert all(found[number] == line for number, line in enumerate(expected, start=1) if line.strip(" \t\r\x0b\x0c"))
    assert len(found) == sum(bool(line.strip(" \t\r\x0b\x0c")) for line in expected)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), VALUES, max_size=3), st.booleans())
def test_objects_are_read_as_they_were_written(record, ascii_only):
    line = json.dumps(record, ensure_ascii=ascii_only)
    assert json_object(line.encode(), "here") == record
