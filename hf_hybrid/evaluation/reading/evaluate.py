"""Read what a retriever found, and measure: answers of the gold passage, of the pool of a language, of all languages.

Every (question, passage) is read once, whatever pools it was found in. A passage gives its best span; between passages
that span counts of which the reader believes most against "no answer here", plus, on request, a weight times the
retriever's similarity.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.reading.passages import best_passages
from hf_hybrid.evaluation.reading_figures import (
    ANSWER_RECALL,
    EXACT,
    F1,
    GOLD,
    MEASURES,
    PASSAGE_RECALL,
    READING_FIGURES,
)
from hf_hybrid.metrics.answers import exact_match, f1_score, holds_answer
from hf_hybrid.reading.reader import ReadingSettings

if TYPE_CHECKING:
    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.evaluation.encode_benchmark import EncodedBenchmark
    from hf_hybrid.evaluation.reading.kept import KeptSpans
    from hf_hybrid.reading.reader import Reader
    from hf_hybrid.reading.spans import Span

POOLS = ("mo", "mul")
# Passages read between two times that what was read is kept.
_KEPT_AT_ONCE = 4096


@dataclass(frozen=True)
class ReadingOptions:
    """How answers are looked for.

    Attributes:
        k: passages that are read of each pool.
        retriever_weight: what a passage's similarity counts beside the reader's score.
        settings: how a passage is read.
    """

    k: int = 5
    retriever_weight: float = 0.0
    settings: ReadingSettings = field(default_factory=ReadingSettings)

    def check(self, reader: Reader) -> None:
        """Refuse what does not fit the reader, before anything is encoded.

        Raises:
            InputError: names the flag.
        """
        if self.k < 1:
            raise InputError(f"--reader_k must be at least 1, got {self.k}")
        if not np.isfinite(self.retriever_weight):
            raise InputError(f"--retriever_weight must be a number, got {self.retriever_weight}")
        self.settings.check()
        self.settings.windows.check(reader.tokenizer)

    def to_json(self) -> dict[str, Any]:
        """What a results file keeps of them."""
        return {
            "k": self.k,
            "retriever_weight": self.retriever_weight,
            "max_length": self.settings.windows.max_length,
            "stride": self.settings.windows.stride,
            "max_answer_tokens": self.settings.max_answer_tokens,
        }


@dataclass(frozen=True)
class ReadingEvaluation:
    """What a reader answered.

    Attributes:
        languages: of the benchmark.
        query_languages: int64 ``[Q]``.
        per_query: key of a reading figure -> float64 ``[Q]``.
        answers: ``gold``, ``mo``, ``mul`` -> the Q answers; "" where none was found.
        facts: reader, settings, digest of the right answers, seconds: what a results file keeps.
    """

    languages: tuple[str, ...]
    query_languages: np.ndarray = field(repr=False)
    per_query: dict[str, np.ndarray] = field(repr=False)
    answers: dict[str, list[str]] = field(repr=False)
    facts: dict[str, Any]

    def per_language(self) -> dict[str, dict[str, float]]:
        """language -> figure -> mean over its questions."""
        return {
            tag: {name: float(values[self.query_languages == code].mean()) for name, values in self.per_query.items()}
            for code, tag in enumerate(self.languages)
            if (self.query_languages == code).any()
        }

    def summary(self) -> dict[str, float]:
        """figure -> mean over languages."""
        languages = list(self.per_language().values())
        return {name: float(np.mean([values[name] for values in languages])) for name in self.per_query}


def check_answers(benchmark: Benchmark) -> None:
    """Refuse a benchmark that a reader cannot be measured on.

    Raises:
        InputError: it has no answers, or keeps some back.
    """
    if benchmark.answers is None:
        raise InputError(f"--reader: benchmark {benchmark.name} has no answers to compare with; leave it out")
    hidden = [name for name, answers in zip(benchmark.query_ids, benchmark.answers, strict=True) if not answers]
    if hidden:
        raise InputError(
            f"--reader: {len(hidden)} of {benchmark.num_queries} questions of {benchmark.name} have no answer in its "
            f"files, such as {hidden[0]!r}: copies of evaluation sets often have them taken out; take the files as "
            "published, or another --split"
        )


def evaluate_reading(
    reader: Reader,
    encoded: EncodedBenchmark,
    benchmark: Benchmark,
    options: ReadingOptions | None = None,
    *,
    kept: KeptSpans | None = None,
    max_memory_mb: float = 256,
    show_progress: bool = False,
) -> ReadingEvaluation:
    """Retrieve with given vectors, read, and measure.

    Args:
        reader: what reads.
        encoded: the retriever's vectors of the benchmark.
        benchmark: with answers of all its queries.
        options: how.
        kept: what this reader said of passages before: it is not asked again, and what it says now is added.
        max_memory_mb: bound on the memory for scores, in MiB.
        show_progress: show a progress bar.

    Raises:
        InputError: the benchmark keeps answers back, or options do not fit the reader.

    Example:
        >>> evaluate_reading(reader, encoded, benchmark).summary()["mo_f1"]  # doctest: +SKIP
        0.52
    """
    options = options or ReadingOptions()
    check_answers(benchmark)
    options.check(reader)
    started = time.perf_counter()
    found = best_passages(
        encoded.queries,
        encoded.candidates,
        benchmark,
        options.k,
        similarity=encoded.similarity,
        max_memory_mb=max_memory_mb,
    )
    retrieved = time.perf_counter()
    offsets, relevant = benchmark.relevance_offsets, benchmark.relevance_candidates
    gold = [relevant[offsets[query] : offsets[query + 1]].tolist() for query in range(benchmark.num_queries)]
    pools = {
        name: [
            {int(row): float(score) for row, score in zip(rows, scores, strict=True) if row >= 0}
            for rows, scores in zip(top.rows, top.scores, strict=True)
        ]
        for name, top in found.items()
    }
    # Without a score of the retriever: it is not asked for the gold passage.
    pools[GOLD] = [dict.fromkeys(rows, 0.0) for rows in gold]
    spans = _read_once(reader, benchmark, pools, options, kept, show_progress)
    answers = {
        name: [_chosen(query, rows, spans, options.retriever_weight) for query, rows in enumerate(of_queries)]
        for name, of_queries in pools.items()
    }
    return ReadingEvaluation(
        languages=tuple(benchmark.languages),
        query_languages=benchmark.query_languages,
        per_query=_measured(benchmark, pools, gold, answers),
        answers=answers,
        facts={
            "reader": reader.describe(),
            "settings": options.to_json(),
            "answers_sha256": answers_sha256(benchmark),
            "pairs": len(spans),
            "seconds": {
                "retrieve": round(retrieved - started, 3),
                "read": round(time.perf_counter() - retrieved, 3),
            },
        },
    )


def answers_sha256(benchmark: Benchmark) -> str:
    """Digest of the right answers of all queries."""
    rows = [[name, *answers] for name, answers in zip(benchmark.query_ids, benchmark.answers or (), strict=True)]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def _read_once(
    reader: Reader,
    benchmark: Benchmark,
    pools: Mapping[str, list[dict[int, float]]],
    options: ReadingOptions,
    kept: KeptSpans | None,
    show_progress: bool,
) -> dict[tuple[int, int], Span | None]:
    """(query, candidate) -> the best span of that passage."""
    pairs = sorted(
        {(query, row) for of_queries in pools.values() for query, rows in enumerate(of_queries) for row in rows}
    )
    known = kept.load() if kept else {}
    missing = [pair for pair in pairs if pair not in known]
    step = _KEPT_AT_ONCE if kept else max(1, len(missing))
    for start in range(0, len(missing), step):
        part = missing[start : start + step]
        found = reader.read(
            [benchmark.queries[query] for query, _ in part],
            [benchmark.candidates[row] for _, row in part],
            options.settings,
            show_progress=show_progress,
        )
        fresh = {pair: spans[0] if spans else None for pair, spans in zip(part, found, strict=True)}
        if kept:
            kept.add(fresh)
        known |= fresh
    return {pair: known[pair] for pair in pairs}


def _chosen(query: int, rows: Mapping[int, float], spans: Mapping[tuple[int, int], Span | None], weight: float) -> str:
    """The answer of the passage that reader and retriever like best; of equal ones that of the better passage."""
    rated = [(span.evidence + weight * score, span.text) for row, score in rows.items() if (span := spans[query, row])]
    return max(rated, key=lambda one: one[0])[1] if rated else ""


def _measured(
    benchmark: Benchmark,
    pools: Mapping[str, list[dict[int, float]]],
    gold: list[list[int]],
    answers: Mapping[str, list[str]],
) -> dict[str, np.ndarray]:
    """Key of each reading figure -> its values per query, in the order of the figures."""
    right = benchmark.answers
    values: dict[str, list[float]] = {}
    for name, given in answers.items():
        for measure, function in ((EXACT, exact_match), (F1, f1_score)):
            values[f"{name}_{measure}"] = [function(*pair) for pair in zip(given, right, strict=True)]
    for name in POOLS:
        held = [not set(rows).isdisjoint(golden) for rows, golden in zip(pools[name], gold, strict=True)]
        values[f"{name}_{PASSAGE_RECALL}"] = held
        values[f"{name}_{ANSWER_RECALL}"] = [
            found or any(holds_answer(benchmark.candidates[row], of_query) for row in rows)
            for found, rows, of_query in zip(held, pools[name], right, strict=True)
        ]
        for measure in MEASURES:
            ceiling, reached = values[f"{GOLD}_{measure}"], values[f"{name}_{measure}"]
            values[f"{name}_{measure}_loss"] = [a - b for a, b in zip(ceiling, reached, strict=True)]
    return {figure.key: np.array(values[figure.key], dtype=np.float64) for figure in READING_FIGURES}
