"""The one reader of text: UTF-8, lines that end with a line feed, JSON objects; a mistake is named by file and line.

A byte order mark is no text, a carriage return before a line feed is none either, blank lines say nothing, and nothing
but a line feed ends a
line: U+2028, U+0085 or a form feed may stand inside a JSON string. What is not UTF-8 is refused, with a guess at what
it is.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError, first_line

_MARK = b"\xef\xbb\xbf"
# Beginnings of files that are no text.
_FORMATS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PAR1", "Parquet"),
)
_HALF_PAIR = re.compile(rb"\xed[\xa0-\xbf]")
_HALF_PAIR_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_json_of = json.JSONDecoder().decode
# Letters of one-byte Western encodings stand among ASCII; those of other scripts stand together.
_WORD_OF_OTHERS = re.compile(rb"[\x80-\xff]{3,}")


def byte_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1, of a file or a ``.gz`` file: without mark and end, not
    decoded yet.

    Raises:
        InputError: The file cannot be read or unpacked.

    Example:
        >>> list(byte_lines(Path("topics.tsv")))  # doctest: +SKIP
        [(1, b'q1\\tWo liegt Quito?')]
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                # Files with a mark that were put end to end have one inside, too.
                line = line.removesuffix(b"\n").removesuffix(b"\r").removeprefix(_MARK)
                if line and not line.isspace():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise InputError(f"cannot read {path} ({reason}); check its place and permissions, or copy it anew") from None


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines as `byte_lines` gives them, decoded.

    Raises:
        InputError: The file cannot be read, or a line is not UTF-8; names the line and the likely encoding.
    """
    for number, line in byte_lines(path):
        yield number, decoded(line, f"{path}, line {number}")


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON object of each line that is not blank, with the line's number from 1.

    Raises:
        InputError: A line is no JSON object, or not UTF-8; names it.
    """
    for number, line in byte_lines(path):
        yield number, json_object(line, f"{path}, line {number}")


def read_text(path: Path) -> str:
    """A whole file.

    Raises:
        InputError: The file cannot be read or is not UTF-8; names the line and the likely encoding.
    """
    return decoded(_content(path), str(path))


def read_json(path: Path) -> Any:
    """A file that is one JSON document.

    Raises:
        InputError: The file cannot be read, is not UTF-8 or no JSON.
    """
    return json_value(_content(path), str(path))


def json_object(line: bytes | str, where: str) -> dict[str, Any]:
    """The JSON object of a line.

    Args:
        line: The line.
        where: Its place, which errors begin with.

    Raises:
        InputError: It is no JSON object, or not UTF-8.

    Example:
        >>> json_object(b'{"text": "a"}', "corpus.jsonl, line 1")
        {'text': 'a'}
    """
    record = json_value(line, where)
    if not isinstance(record, dict):
        raise InputError(f"{where}: not a JSON object; write each row as {{...}} on a line of its own")
    return record


def json_value(content: bytes | str, where: str) -> Any:
    """What a JSON text says.

    Raises:
        InputError: It is no JSON, not UTF-8, or holds half of a surrogate pair, which no text can.
    """
    text = decoded(content, where)
    try:
        value = _json_of(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({first_line(error)}); mend or remove it") from None
    raw = content if isinstance(content, bytes) else text.encode()
    if b"\\u" in raw and _HALF_PAIR_ESCAPE.search(raw):
        _refuse_half_pairs(json.dumps(value, ensure_ascii=False), where)
    return value


def decoded(content: bytes | str, where: str) -> str:
    """Text of bytes in UTF-8, without a byte order mark.

    Args:
        content: Bytes; a text is only checked.
        where: Place of the first line, which errors begin with; they add the line's number where there are several.

    Raises:
        InputError: It is not UTF-8; says where and what it seems to be.

    Example:
        >>> decoded(b"\\xef\\xbb\\xbfWo?", "the question")
        'Wo?'
        >>> decoded("Größe".encode("latin-1"), "topics.tsv, line 3")
        Traceback (most recent call last):
        hf_hybrid.errors.InputError: topics.tsv, line 3: not text in UTF-8 (byte 3 is 0xf6; it seems to be Windows-1252
            or Latin-1); save it as UTF-8
    """
    if isinstance(content, str):
        _refuse_half_pairs(content, where)
        return content.removeprefix("\ufeff")
    try:
        # The codec with a mark is many times slower than the plain one.
        return content.decode("utf-8-sig" if content.startswith(_MARK) else "utf-8")
    except UnicodeDecodeError as error:
        # Without a mark the decoder counts from behind it.
        start = error.start + (len(_MARK) if content.startswith(_MARK) and len(error.object) < len(content) else 0)
        before = content[:start]
        line = before.count(b"\n") + 1
        place = f"{where}, line {line}" if line > 1 else where
        byte = start - (before.rfind(b"\n") + 1) + 1
        raise InputError(
            f"{place}: not text in UTF-8 (byte {byte} is 0x{content[start]:02x}; it seems to be "
            f"{likely_encoding(content)}); save it as UTF-8"
        ) from None


def likely_encoding(content: bytes) -> str:
    """What bytes that are not UTF-8 probably are, for an error message.

    Example:
        >>> likely_encoding("Größe".encode("utf-16")), likely_encoding("Größe".encode("cp1252"))
        ('UTF-16', 'Windows-1252 or Latin-1')
    """
    head = content[:4096]
    known = next((name for mark, name in _FORMATS if head.startswith(mark)), None)
    if known:
        return known
    if head.count(0) * 4 > len(head):
        return "UTF-16 or UTF-32"
    if _HALF_PAIR.search(content):
        return "CESU-8 or WTF-8, with halves of surrogate pairs"
    try:
        content.decode("utf-8-sig")
        return "UTF-8"
    except UnicodeDecodeError as error:
        whole, start = error.object[: error.start], error.start
        if error.end == len(error.object) and error.reason == "unexpected end of data" and not whole.isascii():
            return "UTF-8 that was cut off"
        around = error.object[max(start - 64, 0) : start + 64]
    if _WORD_OF_OTHERS.search(around):
        return "an older encoding of another script, such as Windows-1251, GB18030 or Shift_JIS"
    return "Windows-1252 or Latin-1"


def _content(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            return stream.read()
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise InputError(f"cannot read {path} ({reason}); check its place and permissions, or copy it anew") from None


def _refuse_half_pairs(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where}: holds half of a surrogate pair (U+{ord(text[error.start]):04X}), which is no character; write "
            "the whole character"
        ) from None
