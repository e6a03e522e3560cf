"""Texts of a data set, whatever it is stored as: renditions, BEIR's corpus and queries, LAReQA's or SQuAD's JSON; read
as a stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hf_hybrid.data.tables import open_parquet
from hf_hybrid.errors import InputError, first_line
from hf_hybrid.text_files import json_lines, read_json

SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz", ".json")
FIELDS = ("query", "passage", "title")
# Columns by the name that a field has in renditions, in SQuAD-like rows, and in BEIR.
_COLUMNS = {
    "query": ("query", "question"),
    "passage": ("passage", "context"),
    "title": ("title",),
    "key": ("id", "_id", "docid", "query_id", "passage_id"),
    "lang": ("lang", "language"),
    "source": ("source",),
}
IDENTITY_COLUMNS = (*_COLUMNS["key"], *_COLUMNS["lang"])
_BATCH_ROWS = 4096


@dataclass(frozen=True)
class Row:
    """One row of a data set.

    Attributes:
        key: The example's id; file and row number where there is none.
        lang: Language tag; of the file's or folder's name where no column says it, `und` where that is none either.
        source: The row's source, empty where there is none.
        texts: Text by field: `query`, `passage`, `title`.
    """

    key: str
    lang: str
    source: str
    texts: Mapping[str, str]


def text_files(path: str | Path) -> list[Path]:
    """The data files of a file or folder, in the order of their names; reports and results beside them are no data.

    Raises:
        InputError: There is nothing to read.
    """
    path = Path(path).expanduser()
    if path.is_file():
        if not path.name.endswith(SUFFIXES):
            raise InputError(f"{path}: cannot be read; give {', '.join(SUFFIXES)} or a folder of them")
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; give a data set on this machine")
    inside = sorted(file for file in path.rglob("*") if file.is_file() and not _is_hidden(file, path))
    files = [file for file in inside if file.name.endswith(SUFFIXES) and (file.suffix != ".json" or _is_squad(file))]
    if not files:
        raise InputError(f"{path}: no file of renditions, queries, passages or paragraphs in it")
    return files


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _is_squad(file: Path) -> bool:
    """Whether a JSON file begins as LAReQA's and SQuAD's do, with `data` or `version`."""
    with file.open("rb") as stream:
        return re.match(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(data|version)"', stream.read(64)) is not None


def read_rows(file: Path) -> Iterator[Row]:
    """Rows of one data file.

    Raises:
        InputError: It cannot be read, or has no column of text.
    """
    if file.suffix == ".parquet":
        records = _parquet_records(file)
    elif file.suffix == ".json":
        yield from _squad_rows(file)
        return
    else:
        records = _json_records(file)
    is_queries = "quer" in file.stem or file.parent.name == "queries"
    for number, record in enumerate(records):
        # A plain column `text` holds questions in files of queries, passages elsewhere.
        if isinstance(record.get("text"), str):
            record = {("query" if is_queries else "passage"): record["text"], **record}
        texts = {field: text for field in FIELDS if (text := _first(record, _COLUMNS[field]))}
        if number == 0 and not any(column in record for names in FIELDS for column in _COLUMNS[names]):
            raise InputError(f"{file}: no column of text; expected query, question, passage, context or text")
        yield Row(*identity(record, file, number), source=_first(record, _COLUMNS["source"]), texts=texts)


def identity(record: Mapping[str, Any], file: Path, number: int) -> tuple[str, str]:
    """Id and language of a row, by which what overlaps is reported and left out; see `Row`.

    Args:
        record: At least its columns of `IDENTITY_COLUMNS`.
        number: Of the row in the file, from 0.

    Example:
        >>> identity({"id": None, "_id": 7}, Path("de.jsonl"), 0)
        ('7', 'de')
    """
    key = _first(record, _COLUMNS["key"]) or f"{file.name}:{number}"
    return key, _first(record, _COLUMNS["lang"]) or _lang_of(file)


def count_rows(files: list[Path]) -> int | None:
    """How many rows there are, for a progress bar; None where that would need reading them."""
    if any(file.suffix != ".parquet" for file in files):
        return None
    return sum(_count_rows(file) for file in files)


def _count_rows(file: Path) -> int:
    with open_parquet(file) as parquet:
        return parquet.metadata.num_rows


def _first(record: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    for column in columns:
        value = record.get(column)
        if value is not None and not isinstance(value, (list, dict)):
            return str(value)
    return ""


@cache
def _lang_of(file: Path) -> str:
    import langcodes

    for name in (file.name.split(".")[0], file.parent.name):
        if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,4})?", name) and langcodes.Language.get(name).is_valid():
            return name
    return "und"


def _parquet_records(file: Path) -> Iterator[dict[str, Any]]:
    wanted = {"text", *(column for names in _COLUMNS.values() for column in names)}
    with open_parquet(file) as parquet:
        columns = [name for name in parquet.schema_arrow.names if name in wanted]
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
            yield from batch.to_pylist()


def _json_records(file: Path) -> Iterator[dict[str, Any]]:
    return (record for _, record in json_lines(file))


def _squad_rows(file: Path) -> Iterator[Row]:
    """Questions, paragraphs and sentences; the title comes with the first paragraph of its article."""
    lang, content = _lang_of(file), read_json(file)
    try:
        articles = content["data"]
        for number, article in enumerate(articles):
            title = article.get("title", "")
            for place, paragraph in enumerate(article["paragraphs"]):
                key = f"{title or number}/{place}"
                texts = {"passage": paragraph["context"], **({"title": title} if title and place == 0 else {})}
                yield Row(key, lang, "", texts)
                for index, sentence in enumerate(paragraph.get("sentences", [])):
                    yield Row(f"{key}/{index}", lang, "", {"passage": sentence})
                for question in paragraph["qas"]:
                    yield Row(question["id"], lang, "", {"query": question["question"]})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file}: not in the layout of SQuAD and LAReQA ({first_line(error)}); copy it again"
        ) from None
