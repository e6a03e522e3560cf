"""Your own benchmark: a folder as BEIR's, with a language in every line.

    corpus.jsonl     {"_id": "d1", "lang": "de", "title": "...", "text": "..."}     title is optional, text may be
    empty queries.jsonl    {"_id": "q1", "lang": "en", "text": "...", "example": "q", "cluster": "c"}     example and
    cluster are optional qrels/test.tsv   query-id, corpus-id, score, with a header line; a score above 0 is relevant

``example`` is shared by the translations of one question; ``cluster`` by questions that are not independent of each
other. A question without either (or with null) stands for itself. Languages are BCP-47 tags; a document of a title
alone, or of nothing, stays in the pool, as BEIR's own tools have it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.downloads import benchmark_folder
from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag, canonical_tags
from hf_hybrid.text_files import json_lines, text_lines

HOW_TO_GET = (
    "pass --data_dir DIR with corpus.jsonl and queries.jsonl (_id, lang, text) and qrels/test.tsv (query-id, "
    "corpus-id, score)"
)


def load_local(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    split: str = "test",
) -> Benchmark:
    """Load a folder (or a dataset repository) as described above. Queries without a relevant passage are left out.

    Args:
        data_dir: the folder.
        hub_id: dataset repository with the same files.
        revision: its revision.
        split: which file of ``qrels``.

    Raises:
        InputError: a missing file or field, an unknown id; names the file and the line.

    Example:
        >>> load_local("my_benchmark").languages  # doctest: +SKIP
        ('de', 'en')
    """
    patterns = ["corpus.jsonl", "queries.jsonl", f"qrels/{split}.tsv"]
    folder = benchmark_folder("local", HOW_TO_GET, data_dir, hub_id, revision, patterns)
    for name in patterns:
        if not (folder / name).is_file():
            raise InputError(f"{folder} lacks {name}: {HOW_TO_GET}")
    corpus, queries = _read(folder / "corpus.jsonl", ""), _read(folder / "queries.jsonl", None)
    relevant = _read_qrels(folder / "qrels" / f"{split}.tsv", corpus, queries)
    asked = [name for name in queries if relevant.get(name)]
    if not asked:
        raise InputError(f"{folder / 'qrels' / split}.tsv makes no passage relevant: {HOW_TO_GET}")
    tags = canonical_tags(_tags_in_order(corpus, queries), str(folder))
    languages = sorted(
        {tags[row["lang"]] for row in corpus.values()} | {tags[queries[name]["lang"]] for name in asked}
    )
    number = {tag: place for place, tag in enumerate(languages)}
    code = {spelt: number[tag] for spelt, tag in tags.items() if tag in number}
    examples = {name: _first_given(queries[name], ("example",), name) for name in asked}
    row_of = {name: row for row, name in enumerate(corpus)}
    return Benchmark(
        name="local",
        languages=tuple(languages),
        query_ids=asked,
        queries=[queries[name]["text"] for name in asked],
        query_languages=np.array([code[queries[name]["lang"]] for name in asked]),
        query_examples=_codes(list(examples.values())),
        candidate_ids=list(corpus),
        candidates=[f"{row.get('title') or ''} {row['text']}".strip() for row in corpus.values()],
        candidate_languages=np.array([code[row["lang"]] for row in corpus.values()]),
        relevance_offsets=np.concatenate([[0], np.cumsum([len(relevant[name]) for name in asked])]),
        relevance_candidates=np.array([row_of[passage] for name in asked for passage in relevant[name]]),
        clusters=_codes([_first_given(queries[name], ("cluster", "example"), name) for name in asked]),
        settings={"split": split},
        empty_candidates=True,
    )


def _read(path: Path, text_where_none: str | None) -> dict[str, dict[str, Any]]:
    """id -> line. A row without a text gets `text_where_none`; where that is None, it is a mistake."""
    rows: dict[str, dict[str, Any]] = {}
    for number, row in json_lines(path):
        where = f"{path}, line {number}"
        if isinstance(row.get("_id"), int) and not isinstance(row["_id"], bool):
            row["_id"] = str(row["_id"])
        if text_where_none is not None and row.get("text") is None and row.get("title"):
            row["text"] = text_where_none
        for field in ("_id", "lang", "text"):
            may_be_empty = field == "text" and text_where_none is not None
            if not isinstance(row.get(field), str) or not (row[field].strip() or may_be_empty):
                raise InputError(f"{where}: field {field!r} is missing or empty; fill it in")
        if not isinstance(row.get("title") or "", str):
            raise InputError(f"{where}: field 'title' is no text; write it as a string or leave it out")
        try:
            canonical_tag(row["lang"])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if row["_id"] in rows:
            raise InputError(f"{where}: _id {row['_id']!r} was there before; make ids unique")
        rows[row["_id"]] = row
    return rows


def _tags_in_order(*parts: dict[str, dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["lang"] for rows in parts for row in rows.values()))


def _first_given(row: dict[str, Any], fields: tuple[str, ...], otherwise: str) -> str:
    return next((str(row[field]) for field in fields if row.get(field) is not None), otherwise)


def _read_qrels(path: Path, corpus: dict, queries: dict) -> dict[str, list[str]]:
    """query id -> relevant passage ids, each once."""
    relevant: dict[str, dict[str, None]] = {}
    is_first = True
    for number, line in text_lines(path):
        fields = line.split("\t")
        is_header, is_first = is_first and fields[:2] == ["query-id", "corpus-id"], False
        if is_header:
            continue
        if len(fields) != 3 or not _is_number(fields[2]):
            raise InputError(f"{path}, line {number}: not `query-id<TAB>corpus-id<TAB>score`; mend the line")
        query, passage, score = fields
        for name, known, file in ((query, queries, "queries.jsonl"), (passage, corpus, "corpus.jsonl")):
            if name not in known:
                raise InputError(f"{path}, line {number}: {file} has no _id {name!r}; add it or remove the line")
        if float(score) > 0:
            relevant.setdefault(query, {})[passage] = None
    return {query: list(passages) for query, passages in relevant.items()}


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def _codes(names: list[str]) -> np.ndarray:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])
