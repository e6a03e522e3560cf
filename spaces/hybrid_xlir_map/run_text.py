"""From pasted text to a run: ranks of the relevant candidates as CSV or JSON, within limits that hold on the
server.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.text_files import decoded, json_value

MAX_BYTES = 1_000_000
MAX_ROWS = 20_000
MAX_LANGUAGES = 40
MAX_NAME = 200
MAX_TAG = 35
# Larger pools than any corpus there is; keeps sums and products of ranks inside 64 bits.
MAX_POOL = 10**10

FIELDS = ("query_id", "query_language", "candidate_language", "pool_rank", "language_rank")
LISTS = ("candidate_languages", "pool_ranks", "language_ranks")
_POOL_LINE = re.compile(r"#\s*pool_sizes\s*:\s*(.*)", re.IGNORECASE)


def parse_run(text: str) -> tuple[dict[str, list], dict[str, int]]:
    """Read a run.

    CSV: a line ``# pool_sizes: de=1276 en=1180``, a header, and one row for every query and relevant candidate:

        query_id,query_language,candidate_language,pool_rank,language_rank

    JSON: ``{"pool_sizes": {"de": 1276}, "rows": [...]}``, the rows being objects with the same fields, or one object
    per query with the fields of the metric's configuration ``ranks``.

    Args:
        text: at most `MAX_BYTES` bytes, `MAX_ROWS` rows, `MAX_LANGUAGES` languages.

    Returns:
        Columns of the metric's configuration ``ranks``, and the pool sizes.

    Raises:
        InputError: what is wrong, in one line, with the row.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError("There is no run: paste one, upload a file or choose an example.")
    # A character is at least a byte: do not encode what is too long anyway.
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InputError(f"The run is larger than {MAX_BYTES:,} bytes: use the metric in Python for large runs.")
    text = decoded(text, "The run").strip()
    if not text:
        raise InputError("There is no run: paste one, upload a file or choose an example.")
    rows, sizes = _read_json(text) if text[0] in "{[" else _read_csv(text)
    if not rows:
        raise InputError("The run has no rows.")
    return _columns(rows), _pool_sizes(sizes)


def _read_csv(text: str) -> tuple[list[dict[str, Any]], Any]:
    sizes: dict[str, str] = {}
    lines = []
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if line.startswith("#"):
            match = _POOL_LINE.fullmatch(line.strip())
            for part in re.split(r"[\s,;]+", match[1].strip()) if match else ():
                tag, equals, size = part.partition("=")
                if not equals:
                    raise InputError(f"In the line '# pool_sizes:', {_shown(part)} is not like de=1276.")
                sizes[tag] = size
        elif line.strip():
            lines.append(line)
    if len(lines) > MAX_ROWS + 1:
        raise InputError(f"The run has more than {MAX_ROWS:,} rows: use the metric in Python for large runs.")
    try:
        reader = csv.DictReader(io.StringIO("\n".join(lines)), strict=True)
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        missing = [name for name in FIELDS if name not in header]
        if missing:
            raise InputError(f"The header lacks the column {missing[0]!r}: it must name {', '.join(FIELDS)}.")
        return list(reader), sizes
    except csv.Error as error:
        raise InputError(f"This is not CSV: {error}.") from error


def _read_json(text: str) -> tuple[list[dict[str, Any]], Any]:
    try:
        content = json_value(text, "the run")
    except InputError as error:
        raise InputError(f"This is not JSON: {error}.") from error
    if not isinstance(content, dict) or not isinstance(content.get("rows"), list):
        raise InputError('JSON must be an object with "pool_sizes" and a list of "rows".')
    rows: list[dict[str, Any]] = []
    for number, row in enumerate(content["rows"], start=1):
        if not isinstance(row, dict):
            raise InputError(f"Row {number} is not an object.")
        rows.extend(_spread(row, number) if any(name in row for name in LISTS) else [row])
        if len(rows) > MAX_ROWS:
            raise InputError(f"The run has more than {MAX_ROWS:,} rows: use the metric in Python for large runs.")
    return rows, content.get("pool_sizes")


def _spread(row: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """One object per query as one row per relevant candidate."""
    lists = [row.get(name) for name in LISTS]
    if not all(isinstance(values, list) for values in lists) or len({len(values) for values in lists}) != 1:
        raise InputError(f"Row {number}: {', '.join(LISTS)} must be lists of equal length.")
    query = {name: row.get(name) for name in FIELDS[:2]}
    return [query | dict(zip(FIELDS[2:], values, strict=True)) for values in zip(*lists, strict=True)]


def _columns(rows: list[dict[str, Any]]) -> dict[str, list]:
    """Rows of relevant candidates as rows of queries, in the order of their first appearance."""
    queries: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        query, language, tag = (_name(row.get(name), name, number) for name in FIELDS[:3])
        found = queries.setdefault(
            query, {"query_id": query, "query_language": language, **{name: [] for name in LISTS}}
        )
        if found["query_language"] != language:
            raise InputError(
                f"Row {number}: query {_shown(query)} has the language {_shown(language)} here and "
                f"{_shown(found['query_language'])} before: give every query an id of its own."
            )
        found["candidate_languages"].append(tag)
        found["pool_ranks"].append(_whole(row.get("pool_rank"), f"Row {number}: pool_rank"))
        found["language_ranks"].append(_whole(row.get("language_rank"), f"Row {number}: language_rank"))
    return {name: [query[name] for query in queries.values()] for name in ("query_id", "query_language", *LISTS)}


def _pool_sizes(sizes: Any) -> dict[str, int]:
    if not isinstance(sizes, dict) or not sizes:
        raise InputError(
            "The pool sizes are missing: CSV starts with a line like '# pool_sizes: de=1276 en=1180', JSON has an "
            'object "pool_sizes".'
        )
    if len(sizes) > MAX_LANGUAGES:
        raise InputError(f"There are {len(sizes):,} languages: this page shows at most {MAX_LANGUAGES}.")
    for tag in sizes:
        if not tag.strip() or len(tag) > MAX_TAG:
            raise InputError(f"{_shown(tag)} is not a language tag.")
    return {tag.strip(): _whole(size, f"The pool size of {_shown(tag)}") for tag, size in sizes.items()}


def _name(value: Any, field: str, number: int) -> str:
    limit = MAX_NAME if field == "query_id" else MAX_TAG
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int)
        or not str(value).strip()
        or len(str(value)) > limit
    ):
        raise InputError(f"Row {number}: {field} must be a text of 1 to {limit} characters, got {_shown(value)}.")
    return str(value).strip()


def _whole(value: Any, what: str) -> int:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 12:
        text = int(text)
    if isinstance(text, bool) or not isinstance(text, int) or not 0 <= text <= MAX_POOL:
        raise InputError(f"{what} must be a whole number from 0 to {MAX_POOL:,}, got {_shown(value)}.")
    return text


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
