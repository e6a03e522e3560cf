"""LAReQA's benchmarks as a dataset repository: Parquet tables of queries, corpus and relevance, one file per language.

    queries/<language>.parquet    questions
    corpus/<language>.parquet     candidate sentences, each with its paragraph
    qrels/<language>.parquet      which sentence of its own language answers a question
    qrels/cross.parquet           which sentences of the other languages do

A card's configurations are named as `mteb` looks for them: ``<language>-queries``, ``<language>-corpus`` and
``<language>-qrels``, and the same with ``pool`` for all languages together, which take the files of all languages:
nothing is stored twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.lareqa import (
    Pool,
    assemble,
    check_candidate_text,
    text_of_candidate,
)
from hf_hybrid.errors import InputError, first_line

TABLES = ("queries", "corpus", "qrels")
CROSS = "cross"
_QUERIES = {
    "id": pa.string(),
    "lang": pa.string(),
    "text": pa.string(),
    "example": pa.string(),
    "answer": pa.string(),
    "answer_start": pa.int32(),
    "paragraph": pa.string(),
    "article": pa.string(),
    "article_title": pa.string(),
    "cluster": pa.int32(),
}
# The column is not called `title`: mteb would put it before the sentence, which is another task.
_CORPUS = {
    "id": pa.string(),
    "lang": pa.string(),
    "text": pa.string(),
    "context": pa.string(),
    "start": pa.int32(),
    "end": pa.int32(),
    "paragraph": pa.string(),
    "article": pa.string(),
    "article_title": pa.string(),
}
_QRELS = {"query-id": pa.string(), "corpus-id": pa.string(), "score": pa.int32()}
SCHEMAS = {
    name: pa.schema([pa.field(column, kind, nullable=False) for column, kind in columns.items()])
    for name, columns in zip(TABLES, (_QUERIES, _CORPUS, _QRELS), strict=True)
}


def read_layout(name: str, folder: Path, languages: Sequence[str], candidate_text: str = "sentence") -> Benchmark:
    """Read a folder in this layout: the benchmark that LAReQA's files give, down to its ``data_sha256``.

    Args:
        name: name of the benchmark.
        folder: with the folders of `TABLES`.
        languages: tags to read.
        candidate_text: see `hf_hybrid.benchmarks.lareqa.read_lareqa`.

    Raises:
        InputError: a missing or damaged file; names it and the remedy.
    """
    tags = sorted(languages)
    tables = {
        table: pa.concat_tables([_read(folder, table, part) for part in (*tags, *extra)])
        for table, extra in (("queries", ()), ("corpus", ()), ("qrels", (CROSS,) if len(tags) > 1 else ()))
    }
    return benchmark_of_tables(name, tags, tables, candidate_text)


def benchmark_of_tables(
    name: str, languages: Sequence[str], tables: Mapping[str, pa.Table], candidate_text: str = "sentence"
) -> Benchmark:
    """The benchmark of the three tables of a pool, from wherever they were loaded.

    Args:
        name: name of the benchmark.
        languages: tags, in the order of the tables' rows.
        tables: ``queries``, ``corpus`` and ``qrels``; relevance from and to other languages is left out.
        candidate_text: see `hf_hybrid.benchmarks.lareqa.read_lareqa`.

    Raises:
        InputError: the tables do not belong together.
    """
    check_candidate_text(candidate_text)
    code = {tag: number for number, tag in enumerate(languages)}
    queries, corpus, qrels = (tables[table].to_pydict() for table in TABLES)
    pool = Pool(tuple(languages))
    pool.candidate_ids.extend(corpus["id"])
    pool.candidates.extend(
        text_of_candidate(sentence, context, candidate_text)
        for sentence, context in zip(corpus["text"], corpus["context"], strict=True)
    )
    pool.candidate_languages.extend(code[tag] for tag in corpus["lang"])
    pool.query_ids.extend(queries["id"])
    pool.queries.extend(queries["text"])
    pool.query_languages.extend(code[tag] for tag in queries["lang"])
    pool.examples.extend(queries["example"])
    pool.paragraphs.extend(queries["paragraph"])
    row_of = {identifier: row for row, identifier in enumerate(corpus["id"])}
    relevant: dict[str, list[int]] = {identifier: [] for identifier in queries["id"]}
    for query, candidate in zip(qrels["query-id"], qrels["corpus-id"], strict=True):
        # Ids begin with their language, and those of other languages are not asked for here.
        if query.partition(":")[0] in code and candidate.partition(":")[0] in code:
            if query not in relevant or candidate not in row_of:
                raise InputError(
                    f"{name}: qrels names {query} and {candidate}, of which one is missing; build it again"
                )
            relevant[query].append(row_of[candidate])
    pool.relevant.extend(sorted(relevant[identifier]) for identifier in queries["id"])
    return assemble(name, pool, candidate_text)


def _read(folder: Path, table: str, part: str) -> pa.Table:
    path = folder / table / f"{part}.parquet"
    try:
        found = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"cannot read {path} ({first_line(error)}); build or download the folder again") from error
    missing = [column for column in SCHEMAS[table].names if column not in found.column_names]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}; build or download the folder again")
    return found.select(SCHEMAS[table].names)
