"""The tables of a LAReQA benchmark as its dataset repository has them, see `hf_hybrid.benchmarks.hub_layout`, which
reads them back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.benchmarks.hub_layout import CROSS, SCHEMAS, TABLES
from hf_hybrid.benchmarks.lareqa import Paragraph, candidate_id, clusters_of, paragraph_id, query_id

SPLIT = "test"
POOL = "pool"
DEFAULT_CONFIG = f"{POOL}-queries"
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
        build: stands for the content of all files. The library `datasets` names its cache of a local folder after the
            card, not after the
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
