"""From pasted text to a run, as CSV or JSON in every form that the metric's card has, within limits that hold on the
server.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.metric.columns import COLUMNS, check_columns
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
# What a column form may say beside its columns; how much memory is taken is the server's affair.
KEYWORDS = {
    "ranks": ("pool_sizes", "k", "clusters"),
    "top_k": ("candidate_languages", "relevance", "pool_sizes", "k", "ties", "clusters"),
    "embeddings": (
        "candidate_ids candidate_embeddings candidate_languages relevance similarity k ties clusters".split()
    ),
}
MAX_K = 1000
_DELIMITERS = ",;\t|"
_POOL_LINE = re.compile(r"#\s*pool_sizes\s*:\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Run:
    """What `hf_hybrid.metric.output.compute_metric` is called with.

    Attributes:
        config: of the metric: ``ranks``, ``top_k`` or ``embeddings``.
        columns: a value for each query.
        keywords: everything else.
    """

    config: str
    columns: dict[str, list]
    keywords: dict[str, Any]


def parse_run(text: str) -> Run:
    """Read a run.

    CSV: a line ``# pool_sizes: de=1276 en=1180``, a header, and one row for every query and relevant candidate:

        query_id,query_language,candidate_language,pool_rank,language_rank

    JSON: ``{"pool_sizes": {"de": 1276}, "rows": [...]}``, the rows being objects with the same fields, or one object
    per query with the fields of the metric's configuration ``ranks``. Or one object with the columns of any of the
    metric's configurations, as the card has them, and the keywords of ``compute`` beside them.

    Args:
        text: at most `MAX_BYTES` bytes, `MAX_ROWS` rows, `MAX_LANGUAGES` languages.

    Raises:
        InputError: what is wrong, in one line, with the row.

    Example:
        >>> parse_run("# pool_sizes: de=5\\n" + ";".join(FIELDS) + "\\n#1;de;de;2;2").columns["query_id"]
        ['#1']
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError("There is no run: paste one, upload a file or choose an example.")
    # A character is at least a byte: do not encode what is too long anyway.
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InputError(f"The run is larger than {MAX_BYTES:,} bytes: use the metric in Python for large runs.")
    text = decoded(text, "The run").strip()
    if not text:
        raise InputError("There is no run: paste one, upload a file or choose an example.")
    if text[0] not in "{[":
        rows, sizes = _read_csv(text)
    else:
        content = _read_json(text)
        if isinstance(content, dict) and "rows" not in content and isinstance(content.get("query_id"), list):
            return _column_form(content)
        rows, sizes = _json_rows(content)
    if not rows:
        raise InputError("The run has no rows.")
    return Run("ranks", _columns(rows), {"pool_sizes": _pool_sizes(sizes)})


def _read_csv(text: str) -> tuple[list[dict[str, Any]], Any]:
    sizes: dict[str, str] = {}
    lines = []
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if match := _POOL_LINE.fullmatch(line.strip()):
            for tag, size in _sizes_of(match[1]):
                if tag in sizes:
                    raise InputError(f"In the line '# pool_sizes:', {_shown(tag)} is named twice.")
                sizes[tag] = size
        # A remark stands before the header; behind it a row may begin with # as it likes.
        elif line.strip() and (lines or not line.startswith("#")):
            lines.append(line)
    if len(lines) > MAX_ROWS + 1:
        raise InputError(f"The run has more than {MAX_ROWS:,} rows: use the metric in Python for large runs.")
    try:
        header = lines[0] if lines else ""
        delimiter = max(_DELIMITERS, key=header.count) if FIELDS[0] in header.lower() else ","
        reader = csv.DictReader(io.StringIO("\n".join(lines)), strict=True, delimiter=delimiter)
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        missing = [name for name in FIELDS if name not in header]
        if missing:
            raise InputError(
                f"The first line must name the columns {', '.join(FIELDS)}; {missing[0]!r} is not among them."
            )
        return list(reader), sizes
    except csv.Error as error:
        raise InputError(f"This is not CSV: {error}.") from error


def _sizes_of(text: str) -> list[tuple[str, str]]:
    """The sizes in the line of the pool."""
    sizes = []
    for part in re.split(r"[\s,;]+", text.strip()):
        tag, equals, size = part.partition("=")
        if not equals:
            raise InputError(f"In the line '# pool_sizes:', {_shown(part)} is not like de=1276.")
        sizes.append((tag, size))
    return sizes


def _read_json(text: str) -> Any:
    try:
        return json_value(text, "the run")
    except InputError as error:
        raise InputError(f"This is not JSON: {error}.") from error


def _json_rows(content: Any) -> tuple[list[dict[str, Any]], Any]:
    if not isinstance(content, dict) or not isinstance(content.get("rows"), list):
        raise InputError(
            'JSON must be an object with "pool_sizes" and a list of "rows", or with the columns of the card: "query_id", "query_language" and so on.'
        )
    rows: list[dict[str, Any]] = []
    for number, row in enumerate(content["rows"], start=1):
        if not isinstance(row, dict):
            raise InputError(f"Row {number} is not an object.")
        rows.extend(_spread(row, number) if any(name in row for name in LISTS) else [row])
        if len(rows) > MAX_ROWS:
            raise InputError(f"The run has more than {MAX_ROWS:,} rows: use the metric in Python for large runs.")
    return rows, content.get("pool_sizes")


def _column_form(content: dict[str, Any]) -> Run:
    """The columns of one of the metric's configurations, with keywords beside them."""
    config = "embeddings" if "embedding" in content else "top_k" if "scores" in content else "ranks"
    columns = {name: content[name] for name in COLUMNS[config] if name in content}
    check_columns(config, columns)
    if sum(_entries(value) for value in columns.values()) > MAX_ROWS * len(columns):
        raise InputError(f"The run has more than {MAX_ROWS:,} rows: use the metric in Python for large runs.")
    keywords = {name: value for name, value in content.items() if name not in columns}
    unknown = next((name for name in keywords if name not in KEYWORDS[config]), None)
    if unknown is not None:
        raise InputError(
            f"{_shown(unknown)} is not known here: beside the columns there may be {', '.join(KEYWORDS[config])}."
        )
    if "k" in keywords and not (type(keywords["k"]) is int and 1 <= keywords["k"] <= MAX_K):
        raise InputError(f"k must be a whole number from 1 to {MAX_K:,}, got {_shown(keywords['k'])}.")
    if config == "ranks":
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        columns = _columns([one for number, row in enumerate(rows, start=1) for one in _spread(row, number)])
        keywords["pool_sizes"] = _pool_sizes(keywords.get("pool_sizes"))
    languages = keywords.get("candidate_languages", ())
    tags = languages.values() if isinstance(languages, dict) else languages if isinstance(languages, list) else ()
    number = len({tag for tag in (*tags, *columns["query_language"]) if isinstance(tag, str)})
    if number > MAX_LANGUAGES:
        raise InputError(f"There are {number:,} languages: this page shows at most {MAX_LANGUAGES}.")
    return Run(config, columns, keywords)


def _entries(values: list) -> int:
    return sum(len(value) if isinstance(value, list) else 1 for value in values)


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
        found["pool_ranks"].append(_whole(row.get("pool_rank"), f"Row {number}: pool_rank", 1))
        found["language_ranks"].append(_whole(row.get("language_rank"), f"Row {number}: language_rank", 1))
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
    twice = [tag for tag, times in Counter(tag.strip() for tag in sizes).items() if times > 1]
    if twice:
        raise InputError(f"In the pool sizes, {_shown(twice[0])} is named twice.")
    return {tag.strip(): _whole(size, f"The pool size of {_shown(tag)}", 0) for tag, size in sizes.items()}


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


def _whole(value: Any, what: str, least: int) -> int:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 12:
        text = int(text)
    if isinstance(text, bool) or not isinstance(text, int) or not least <= text <= MAX_POOL:
        raise InputError(f"{what} must be a whole number from {least} to {MAX_POOL:,}, got {_shown(value)}.")
    return text


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
