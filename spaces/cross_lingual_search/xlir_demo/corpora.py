"""A visitor's own passages, read from plain text, CSV or JSONL within limits: rows that cannot be used are told, the
others are kept.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag
from hf_hybrid.text_files import decoded, json_value

from .languages import UNKNOWN, guess_languages
from .limits import MAX_CORPUS_BYTES, MAX_NAME, MAX_PASSAGE, MAX_PASSAGES
from .pool import Pool

FORMATS = ("detect", "text", "csv", "jsonl")
# Characters of a passage that its language is guessed by.
_GUESSED_BY = 100
_TEXT_FIELDS = ("text", "passage")
_LANGUAGE_FIELDS = ("lang", "language")
_DELIMITERS = ",;\t|"
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
# A row with the number of its line, or what is wrong with it.
Row = tuple[int, dict[str, Any] | InputError]


@dataclass(frozen=True)
class Parsed:
    """What was read.

    Attributes:
        pool: the passages.
        problems: rows that were left out, in words, each with its line.
    """

    pool: Pool
    problems: tuple[str, ...] = ()


def parse_corpus(content: str | bytes, form: str = "detect", file_name: str = "") -> Parsed:
    """Read passages.

    * text: a passage on every line, or, where there are empty lines, between them;
    * CSV: a header with ``text`` and, if you like, ``lang`` and ``id``; commas, semicolons, tabs or bars between them;
    * JSONL: an object with the same fields on every line (or one list of them).

    Args:
        content: at most `MAX_CORPUS_BYTES` bytes; bytes are UTF-8.
        form: one of `FORMATS`.
        file_name: whose ending tells the format, where it is to be detected.

    Returns:
        The passages, with a guess at each language that is not given, and the rows that were left out.

    Raises:
        InputError: nothing of it can be used; says what is wrong, in one line.

    Example:
        >>> parsed = parse_corpus("text;lang\\nHallo;de\\n;en")
        >>> list(parsed.pool.texts), parsed.problems
        (['Hallo'], ('Line 3 has no text.',))
    """
    text = _decoded(content)
    if not isinstance(form, str) or form not in FORMATS:
        raise InputError(f"The format must be one of {', '.join(FORMATS)}.")
    form = _detected(text, file_name) if form == "detect" else form
    rows = {"text": _text_rows, "csv": _csv_rows, "jsonl": _jsonl_rows}[form](text)
    texts, languages, ids, problems = [], [], [], []
    for number, (line, row) in enumerate(rows, start=1):
        if number > MAX_PASSAGES:
            raise InputError(f"There are more than {MAX_PASSAGES:,} passages: leave some out.")
        try:
            if isinstance(row, InputError):
                raise row
            passage, tag, name = _passage(row, line), _language(row, line), _id(row, line, number)
        except InputError as error:
            problems.append(str(error))
            continue
        texts.append(passage)
        languages.append(tag)
        ids.append(name)
    if not texts:
        raise InputError(problems[0] if problems else "There are no passages in this text.")
    open_rows = [row for row, tag in enumerate(languages) if tag is None]
    for row, guess in zip(open_rows, guess_languages([texts[row][:_GUESSED_BY] for row in open_rows]), strict=True):
        languages[row] = guess or UNKNOWN
    return Parsed(Pool(texts, languages, ids, [None] * len(texts), [""] * len(texts)), tuple(problems))


def _decoded(content: str | bytes) -> str:
    if not isinstance(content, str | bytes) or not content.strip():
        raise InputError("There is no text yet: paste some, or choose a file.")
    # A character is at least a byte: what is too long anyway is not encoded.
    if len(content) > MAX_CORPUS_BYTES or (
        isinstance(content, str) and len(content.encode("utf-8", "replace")) > MAX_CORPUS_BYTES
    ):
        raise InputError(f"The text is larger than {MAX_CORPUS_BYTES / 1e6:.0f} MB: leave some out.")
    return decoded(content, "The text" if isinstance(content, str) else "The file")


def _detected(text: str, file_name: str) -> str:
    ending = file_name.rpartition(".")[2].lower()
    if ending in ("csv", "tsv", "jsonl", "json"):
        return "csv" if ending.endswith("sv") else "jsonl"
    if ending == "txt":
        return "text"
    first = text.lstrip().split("\n", 1)[0].strip()
    if first.startswith(('{"', "[{", "{ ")) or first in ("[", "{"):
        return "jsonl"
    delimiter = _delimiter(first)
    return "csv" if delimiter and delimiter in first else "text"


def _delimiter(header: str) -> str:
    """What stands between the columns: the one that makes a name of the text's column; empty where none does.
    `csv.Sniffer` would guess from frequencies, and take any sentence with two semicolons for a table.
    """
    for delimiter in _DELIMITERS:
        if any(name.strip().strip('"').lower() in _TEXT_FIELDS for name in header.split(delimiter)):
            return delimiter
    return ""


def _text_rows(text: str) -> Iterator[Row]:
    lines = text.replace("\r\n", "\n").strip().split("\n")
    if all(line.strip() for line in lines):
        parts = [[line] for line in lines]
        yield from ((number, {"text": part[0]}) for number, part in enumerate(parts, start=1))
        return
    start, part = 1, []
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            part.append(line)
        elif part:
            yield start, {"text": " ".join(part)}
            part = []
        if not part:
            start = number + 1


def _csv_rows(text: str) -> Iterator[Row]:
    header = text.split("\n", 1)[0]
    try:
        reader = csv.DictReader(
            io.StringIO(text, newline=""), strict=True, skipinitialspace=True, delimiter=_delimiter(header) or ","
        )
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        if not any(name in reader.fieldnames for name in _TEXT_FIELDS):
            raise InputError("The first line of a CSV must name its columns, and one of them must be text.")
        yield from ((reader.line_num, row) for row in reader)
    except csv.Error as error:
        raise InputError(f"This is not CSV: {_shown(str(error))}.") from error


def _jsonl_rows(text: str) -> Iterator[Row]:
    if text.lstrip().startswith("["):
        try:
            content = json_value(text, "the list")
        except InputError as error:
            raise InputError(f"This is not JSONL: {error}.") from error
        rows = ((number, row) for number, row in enumerate(content, start=1))
    else:
        lines = enumerate(text.split("\n"), start=1)
        rows = ((number, _json_line(line, number)) for number, line in lines if line.strip())
    for number, row in rows:
        if isinstance(row, dict):
            yield number, {str(name).lower(): value for name, value in row.items()}
        else:
            wrong = row if isinstance(row, InputError) else None
            yield number, wrong or InputError(f"Line {number} is not an object with a field text.")


def _json_line(line: str, number: int) -> Any:
    """An object; or what is wrong, so that other lines can go on."""
    try:
        return json_value(line, f"line {number}")
    except InputError as error:
        # The reader counts lines within what it is given, which is one line.
        reason = re.sub(r": line 1 column (\d+) \(char \d+\)", r" at character \1", str(error))
        return InputError(f"L{reason[1:]}.")


def _passage(row: dict[str, Any], line: int) -> str:
    value = next((row[name] for name in _TEXT_FIELDS if row.get(name) is not None), None)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"Line {line} has no text.")
    if len(value) > MAX_PASSAGE:
        raise InputError(
            f"Line {line} has {len(value):,} characters; a passage has at most {MAX_PASSAGE:,}: cut it into pieces."
        )
    return " ".join(value.replace("\0", " ").split())


def _language(row: dict[str, Any], line: int) -> str | None:
    value = next((row[name] for name in _LANGUAGE_FIELDS if row.get(name)), None)
    if value is None:
        return None
    if isinstance(value, str) and _TAG.fullmatch(value.strip().replace("_", "-")):
        try:
            return canonical_tag(value.strip())
        except InputError:
            pass  # looks like a tag, but of no language: said below
    raise InputError(f"Line {line}: {_shown(value)} is no language tag like de or zh-Hant.")


def _id(row: dict[str, Any], line: int, number: int) -> str:
    value = row.get("id")
    if value in (None, ""):
        return str(number)
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > MAX_NAME:
        raise InputError(f"Line {line}: an id must be a text of at most {MAX_NAME} characters.")
    return str(value)


def _shown(value: Any) -> str:
    return _cut(repr(value))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."
