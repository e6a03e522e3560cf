"""Evaluate an encoder on corpora that do not fit in memory: encode into shards, search exactly, measure what was
judged.

Few of millions of passages were judged. As MIRACL does, only the top is measured: nDCG@10, Recall@100, and judged@10,
the share of the first ten that anybody looked at: where it is low, the other two say little.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.encoders.prompts import resolve_prompt
from hf_hybrid.evaluation.figures import CORPORA, columns
from hf_hybrid.retrieval.encode_corpus import ROWS_PER_SHARD, encode_corpus
from hf_hybrid.retrieval.encode_texts import batch_tokens_of, encode_texts
from hf_hybrid.retrieval.search import search_exactly
from hf_hybrid.retrieval.shards import wait_until_complete

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks.corpus_benchmark import Collection, CorpusBenchmark

NDCG_DEPTH = 10
RECALL_DEPTH = 100
MEASURES = (f"ndcg_at_{NDCG_DEPTH}", f"recall_at_{RECALL_DEPTH}", f"judged_at_{NDCG_DEPTH}")


@dataclass(frozen=True)
class CorpusEvaluation:
    """What was measured on a `CorpusBenchmark`.

    Attributes:
        benchmark: its name.
        per_query: language -> measure -> float64 ``[Q_l]``, in the order of the language's queries.
        passages: language -> passages searched.
        seconds: ``encode`` and ``search``.
        settings: prompts, dtype, batch size.
    """

    benchmark: str
    per_query: dict[str, dict[str, np.ndarray]] = field(repr=False)
    passages: dict[str, int]
    seconds: dict[str, float]
    settings: dict[str, Any]

    def per_language(self) -> dict[str, dict[str, float]]:
        """language -> measure -> mean over its queries."""
        return {
            tag: {name: float(values.mean()) for name, values in measures.items()}
            for tag, measures in self.per_query.items()
        }

    def summary(self) -> dict[str, float]:
        """measure -> mean over languages, as the paper's tables have it."""
        languages = self.per_language().values()
        return {name: float(np.mean([values[name] for values in languages])) for name in MEASURES}

    def describe(self, benchmark: CorpusBenchmark) -> dict[str, Any]:
        """What a results file keeps of the benchmark."""
        return benchmark.describe(self.passages)

    def record(self) -> dict[str, Any]:
        """What a results file keeps of the measured values: only same-language cells exist, and there is no
        multilingual pool.
        """
        languages, per_language = list(self.per_query), self.per_language()
        measures = {}
        for name in MEASURES:
            cells: list[list[float | None]] = [[None] * len(languages) for _ in languages]
            for number, tag in enumerate(languages):
                cells[number][number] = per_language[tag][name]
            measures[name] = {"cells": cells, "pool": [None] * len(languages)}
        return {
            "summary": {f"mo_{name}": value for name, value in self.summary().items()},
            "measures": measures,
            "per_language": {
                tag: {f"mo_{name}": value for name, value in values.items()} for tag, values in per_language.items()
            },
            "language_share": {},
            "bias": None,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }

    def table(self) -> str:
        """One line per language, in percent."""
        shown = columns(CORPORA, corpora=True)
        head = f"{'':<8}{'passages':>12}{'queries':>9}" + "".join(f"{column.title:>13}" for column in shown)
        lines = [head]
        for tag, values in self.per_language().items():
            queries = len(next(iter(self.per_query[tag].values())))
            cells = "".join(f"{column.text(values[column.key.removeprefix('mo_')]):>13}" for column in shown)
            lines.append(f"{tag:<8}{self.passages[tag]:>12,}{queries:>9,}{cells}")
        summary = self.summary()
        mean = "".join(f"{column.text(summary[column.key.removeprefix('mo_')]):>13}" for column in shown)
        return "\n".join([*lines, f"{'mean':<29}{mean}"])


def evaluate_corpora(
    model: SentenceTransformer,
    benchmark: CorpusBenchmark,
    vectors: str | Path,
    *,
    model_name: str,
    revision: str | None = None,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    dtype: str = "float32",
    rows_per_shard: int = ROWS_PER_SHARD,
    batch_size: int = 128,
    max_memory_mb: float = 256,
    show_progress: bool = False,
    similarity: str | None = None,
) -> CorpusEvaluation:
    """Encode every corpus into ``<vectors>/<language>``, going on where an earlier run stopped, and search it.

    Under `accelerate launch` the processes share the encoding; all of them then search.

    Args:
        model: the encoder.
        benchmark: queries, judgements and corpora.
        vectors: folder for the shards; they stay there for further runs.
        model_name: kept in the shards' manifests.
        revision: likewise.
        query_prompt: instead of the prompt saved with the model; an empty string means none.
        passage_prompt: likewise for passages.
        dtype: of the vectors on disk.
        rows_per_shard: passages of a shard.
        batch_size: texts of 512 tokens that a batch may hold.
        max_memory_mb: bound on a block of passages with its scores, in MiB.
        show_progress: show progress bars (first process only).
        similarity: instead of the model's own.

    Raises:
        InputError: ``vectors`` holds those of another model or corpus; a damaged corpus.

    Example:
        >>> evaluate_corpora(model, load_miracl("miracl"), "vectors", model_name="m").summary()  # doctest: +SKIP
        {'ndcg_at_10': 0.4148, 'recall_at_100': 0.7683, 'judged_at_10': 0.41}
    """
    per_query: dict[str, dict[str, np.ndarray]] = {}
    passages: dict[str, int] = {}
    seconds = {"encode": 0.0, "search": 0.0}
    for collection in benchmark.collections:
        started = time.perf_counter()
        folder = Path(vectors) / collection.language
        shards = encode_corpus(
            model,
            collection.corpus,
            folder,
            model_name=model_name,
            revision=revision,
            prompt=passage_prompt,
            dtype=dtype,
            rows_per_shard=rows_per_shard,
            batch_size=batch_size,
            show_progress=show_progress,
            similarity=similarity,
        ) or wait_until_complete(folder)
        queries = encode_texts(
            model,
            collection.queries,
            kind="query",
            prompt=query_prompt,
            batch_tokens=batch_tokens_of(model, batch_size),
            normalise=shards.settings.similarity == "cosine",
        )
        encoded = time.perf_counter()
        found = search_exactly(
            queries,
            shards,
            RECALL_DEPTH,
            max_memory_mb=max_memory_mb,
            device=model.device,
            show_progress=show_progress,
        )
        names = shards.ids(found.rows.reshape(-1))
        rankings = [names[start : start + found.k] for start in range(0, len(names), found.k)]
        per_query[collection.language] = measure(collection, rankings)
        passages[collection.language] = shards.num_rows
        seconds["encode"] += encoded - started
        seconds["search"] += time.perf_counter() - encoded
    settings = {
        "query_prompt": resolve_prompt(model, "query", query_prompt),
        "passage_prompt": resolve_prompt(model, "passage", passage_prompt),
        "dtype": dtype,
        "batch_size": batch_size,
        "dimension": shards.dimension,
        "max_seq_length": shards.settings.max_seq_length,
        "similarity": shards.settings.similarity,
        "compute_dtype": shards.settings.compute_dtype,
    }
    return CorpusEvaluation(benchmark.name, per_query, passages, seconds, settings)


def measure(collection: Collection, rankings: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Measures of each query, from passage ids, best first; as ``ndcg_cut_10`` and ``recall_100`` of trec_eval."""
    columns: dict[str, list[float]] = {name: [] for name in MEASURES}
    for grades, ranking in zip(collection.judgements, rankings, strict=True):
        top = ranking[:NDCG_DEPTH]
        columns[MEASURES[0]].append(ndcg(grades, top, NDCG_DEPTH))
        relevant = {passage for passage, grade in grades.items() if grade > 0}
        columns[MEASURES[1]].append(len(relevant.intersection(ranking[:RECALL_DEPTH])) / len(relevant))
        columns[MEASURES[2]].append(sum(passage in grades for passage in top) / max(len(top), 1))
    return {name: np.array(values) for name, values in columns.items()}


def ndcg(grades: Mapping[str, int], ranking: Sequence[str], depth: int) -> float:
    """nDCG of the first ``depth`` passages: gain is the grade, discount ``log2(rank + 1)``, unjudged passages gain
    nothing.

    Example:
        >>> round(ndcg({"a": 1, "b": 1}, ["x", "a"], depth=10), 4)
        0.3869
    """

    def dcg(gains: Sequence[int]) -> float:
        return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains[:depth]))

    ideal = dcg(sorted((max(grade, 0) for grade in grades.values()), reverse=True))
    return dcg([max(grades.get(passage, 0), 0) for passage in ranking]) / ideal if ideal else math.nan
