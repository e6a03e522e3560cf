"""LAReQA's benchmarks as a dataset repository: Parquet tables of queries, corpus and relevance, one file per language.

    queries/<language>.parquet    questions
    corpus/<language>.parquet     candidate sentences, each with its paragraph
    qrels/<language>.parquet      which sentence of its own language answers a question
    qrels/cross.parquet           which sentences of the other languages do

A card's configurations are named as `mteb` looks for them: ``<language>-queries``, ``<language>-corpus`` and ``<language>-qrels``, and the same
with ``pool`` for all languages together, which take the files of all languages: nothing is stored twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.lareqa import (
    Paragraph,
    Pool,
    assemble,
    candidate_id,
    check_candidate_text,
    clusters_of,
    paragraph_id,
    query_id,
    text_of_candidate,
)
from hf_hybrid.errors import InputError, first_line

TABLES = ("queries", "corpus", "qrels")
SPLIT = "test"
POOL = "pool"
CROSS = "cross"
DEFAULT_CONFIG = f"{POOL}-queries"
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
# The Hub's viewer reads whole row groups; with a page index it reads pages.
_ROWS_PER_GROUP = 10_000


def tables_of(paragraphs: Mapping[str, Sequence[Paragraph]]) -> dict[str, pa.Table]:
    """The tables of all files.

    Args:
        paragraphs: language -> paragraphs of its file.

    Returns:
        Path within the folder, without suffix -> table.
    """
    tables: dict[str, pa.Table] = {}
    asked = [(tag, paragraph, question) for tag in paragraphs for paragraph, question in _questions(paragraphs[tag])]
    clusters = clusters_of(
        [question.id for _, _, question in asked],
        [paragraph_id(tag, paragraph.number) for tag, paragraph, _ in asked],
    )
    answers: dict[str, list[tuple[str, str]]] = {}
    queries: dict[str, list[dict[str, Any]]] = {tag: [] for tag in paragraphs}
    for (tag, paragraph, question), cluster in zip(asked, clusters.tolist(), strict=True):
        answers.setdefault(question.id, []).append((tag, candidate_id(tag, paragraph.number, question.sentence)))
        row = {"id": query_id(tag, question.id), "lang": tag, "text": question.text, "example": question.id}
        row |= {"answer": question.answer, "answer_start": question.answer_start, "cluster": cluster}
        queries[tag].append(row | _place(tag, paragraph))
    cross: list[dict[str, Any]] = []
    for tag in paragraphs:
        tables[f"queries/{tag}"] = pa.Table.from_pylist(queries[tag], schema=SCHEMAS["queries"])
        tables[f"corpus/{tag}"] = pa.Table.from_pylist(
            list(_candidates(tag, paragraphs[tag])), schema=SCHEMAS["corpus"]
        )
        own: list[dict[str, Any]] = []
        for query in queries[tag]:
            for language, candidate in answers[query["example"]]:
                row = {"query-id": query["id"], "corpus-id": candidate, "score": 1}
                (own if language == tag else cross).append(row)
        tables[f"qrels/{tag}"] = pa.Table.from_pylist(own, schema=SCHEMAS["qrels"])
    tables[f"qrels/{CROSS}"] = pa.Table.from_pylist(cross, schema=SCHEMAS["qrels"])
    return tables


def write_table(table: pa.Table, path: Path) -> None:
    """Write a Parquet file: the same bytes for the same rows and version of PyArrow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        compression="zstd",
        row_group_size=_ROWS_PER_GROUP,
        write_page_index=True,
        use_content_defined_chunking=True,
        store_schema=False,
    )


def card_configs(languages: Sequence[str], build: str) -> list[dict[str, Any]]:
    """The ``configs`` of the card.

    Args:
        languages: tags.
        build: stands for the content of all files. The library `datasets` names its cache of a local folder after the card, not after the
            files: without it a folder built anew would give the old rows.
    """
    configs = []
    for scope in (POOL, *languages):
        for table in TABLES:
            config: dict[str, Any] = {"config_name": f"{scope}-{table}"}
            if config["config_name"] == DEFAULT_CONFIG:
                config |= {"default": True, "description": f"build {build}"}
            path = f"{table}/*.parquet" if scope == POOL else f"{table}/{scope}.parquet"
            config["data_files"] = [{"split": SPLIT, "path": path}]
            configs.append(config)
    return configs


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


def _questions(paragraphs: Sequence[Paragraph]) -> Iterator[tuple[Paragraph, Any]]:
    for paragraph in paragraphs:
        for question in paragraph.questions:
            yield paragraph, question


def _place(tag: str, paragraph: Paragraph) -> dict[str, str]:
    return {
        "paragraph": paragraph_id(tag, paragraph.number),
        "article": f"{tag}:{paragraph.article:03d}",
        "article_title": paragraph.title,
    }


def _candidates(tag: str, paragraphs: Sequence[Paragraph]) -> Iterator[dict[str, Any]]:
    for paragraph in paragraphs:
        for index, (sentence, (start, end)) in enumerate(zip(paragraph.sentences, paragraph.breaks, strict=True)):
            row = {"id": candidate_id(tag, paragraph.number, index), "lang": tag, "text": sentence}
            yield row | {"context": paragraph.context, "start": start, "end": end} | _place(tag, paragraph)


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
