"""Your own benchmark: a folder as BEIR's, with a language in every line.

    corpus.jsonl     {"_id": "d1", "lang": "de", "title": "...", "text": "..."}     title is optional
    queries.jsonl    {"_id": "q1", "lang": "en", "text": "...", "example": "q", "cluster": "c"}     example and cluster are optional
    qrels/test.tsv   query-id, corpus-id, score, with a header line; a score above 0 is relevant

``example`` is shared by the translations of one question; ``cluster`` by questions that are not independent of each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.downloads import benchmark_folder
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode_sources import parse_line

HOW_TO_GET = "pass --data_dir DIR with corpus.jsonl and queries.jsonl (_id, lang, text) and qrels/test.tsv (query-id, corpus-id, score)"


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
    corpus, queries = (_read(folder / name) for name in ("corpus.jsonl", "queries.jsonl"))
    relevant = _read_qrels(folder / "qrels" / f"{split}.tsv", corpus, queries)
    asked = [name for name in queries if relevant.get(name)]
    if not asked:
        raise InputError(f"{folder / 'qrels' / split}.tsv makes no passage relevant: {HOW_TO_GET}")
    languages = sorted({row["lang"] for row in corpus.values()} | {queries[name]["lang"] for name in asked})
    code = {tag: number for number, tag in enumerate(languages)}
    row_of = {name: row for row, name in enumerate(corpus)}
    return Benchmark(
        name="local",
        languages=tuple(languages),
        query_ids=asked,
        queries=[queries[name]["text"] for name in asked],
        query_languages=np.array([code[queries[name]["lang"]] for name in asked]),
        query_examples=_codes([str(queries[name].get("example", name)) for name in asked]),
        candidate_ids=list(corpus),
        candidates=[f"{row.get('title') or ''} {row['text']}".strip() for row in corpus.values()],
        candidate_languages=np.array([code[row["lang"]] for row in corpus.values()]),
        relevance_offsets=np.concatenate([[0], np.cumsum([len(relevant[name]) for name in asked])]),
        relevance_candidates=np.array([row_of[passage] for name in asked for passage in relevant[name]]),
        clusters=_codes([str(queries[name].get("cluster", queries[name].get("example", name))) for name in asked]),
        settings={"split": split},
    )


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """id -> line."""
    rows: dict[str, dict[str, Any]] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.isspace():
                continue
            row = parse_line(line, path, number)
            for field in ("_id", "lang", "text"):
                if not isinstance(row.get(field), str) or not row[field].strip():
                    raise InputError(f"{path}, line {number}: field {field!r} is missing or empty; fill it in")
            if row["_id"] in rows:
                raise InputError(f"{path}, line {number}: _id {row['_id']!r} was there before; make ids unique")
            rows[row["_id"]] = row
    return rows


def _read_qrels(path: Path, corpus: dict, queries: dict) -> dict[str, list[str]]:
    """query id -> relevant passage ids, each once."""
    relevant: dict[str, dict[str, None]] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.rstrip("\r\n").split("\t")
            if number == 1 and fields[:2] == ["query-id", "corpus-id"] or not line.strip():
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
