"""Evaluate an encoder on a benchmark: Mo, Cr, Mul with every language pair, rank distance and language bias, exact."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.encode_benchmark import EncodedBenchmark, encoded_benchmark
from hf_hybrid.evaluation.measured import Evaluation, kept_values, measured_values
from hf_hybrid.metrics import (
    TieGroups,
    language_bias,
    language_scores,
    own_language_share,
    place_weights,
    rank_distance,
    summarise_rank_distance,
)
from hf_hybrid.retrieval.encode import DEFAULT_BATCH_SIZE
from hf_hybrid.retrieval.ranks import Pool, RelevantRanks, relevant_ranks, trec_order

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.evaluation.remove_language import Removal

__all__ = [
    "TIE_RULES",
    "Evaluation",
    "HybridEvaluator",
    "evaluate_embeddings",
    "evaluate_encoded",
    "evaluate_model",
    "evaluate_ranks",
]

TIE_RULES = ("expected", "trec")


def evaluate_model(
    model: SentenceTransformer,
    benchmark: Benchmark,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    ties: str = "expected",
    k: int = 10,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    max_memory_mb: float = 256,
    show_progress: bool = True,
    similarity: str | None = None,
    remove_language: Removal | None = None,
) -> Evaluation:
    """Encode a benchmark and measure everything there is to measure.

    Args:
        model: the encoder; its saved prompts apply.
        benchmark: what to search for what.
        batch_size: texts of 512 tokens encoded at once; of shorter ones more.
        ties: ``expected``: mean over all orders of equally scored candidates; ``trec``: by candidate id, descending,
            as trec_eval and pytrec_eval do.
        k: cutoff of recall, nDCG and of the language share.
        query_prompt: put before queries instead of the saved prompt; an empty string means none.
        passage_prompt: likewise for candidates.
        max_memory_mb: bound on the memory for scores, in MiB.
        show_progress: show progress bars (first process only).
        similarity: ``cosine``, ``dot``, ``euclidean`` or ``manhattan``, instead of the model's own.
        remove_language: takes out of the vectors what their languages add, see `evaluation.remove_language`.

    Returns:
        The measured values.

    Raises:
        InputError: an unknown option, or vectors that are not finite.

    Example:
        >>> evaluation = evaluate_model(model, benchmark)  # doctest: +SKIP
        >>> evaluation.summary()["mul_map"]  # doctest: +SKIP
        0.5121
    """
    encoded = encoded_benchmark(
        model,
        benchmark,
        batch_size=batch_size,
        query_prompt=query_prompt,
        passage_prompt=passage_prompt,
        show_progress=show_progress,
        similarity=similarity,
        remove_language=remove_language,
    )
    return evaluate_encoded(
        encoded, benchmark, ties=ties, k=k, max_memory_mb=max_memory_mb, show_progress=show_progress
    )


def evaluate_encoded(
    encoded: EncodedBenchmark,
    benchmark: Benchmark,
    *,
    ties: str = "expected",
    k: int = 10,
    max_memory_mb: float = 256,
    show_progress: bool = False,
) -> Evaluation:
    """The second half of `evaluate_model`, for who needs the vectors for something else, too."""
    evaluation = evaluate_embeddings(
        encoded.queries,
        encoded.candidates,
        benchmark,
        ties=ties,
        k=k,
        max_memory_mb=max_memory_mb,
        show_progress=show_progress,
        similarity=encoded.similarity,
    )
    evaluation.seconds["encode"] = encoded.seconds
    evaluation.settings.update(encoded.settings)
    return evaluation


def evaluate_embeddings(
    queries: torch.Tensor,
    candidates: torch.Tensor,
    benchmark: Benchmark,
    *,
    ties: str = "expected",
    k: int = 10,
    max_memory_mb: float = 256,
    show_progress: bool = False,
    similarity: str = "dot",
) -> Evaluation:
    """Measure given vectors: float32 queries ``[Q, d]`` and candidates ``[N, d]``, by default scored by dot product.

    Otherwise as `evaluate_model`. Vectors of unit length make the dot product the cosine similarity.
    """
    if ties not in TIE_RULES:
        raise InputError(f"ties is {ties!r}: choose one of {', '.join(TIE_RULES)}")
    if k < 1:
        raise InputError(f"k must be at least 1, got {k}")
    for kind, vectors, count in (
        ("query", queries, benchmark.num_queries),
        ("candidate", candidates, benchmark.num_candidates),
    ):
        if len(vectors) != count:
            raise InputError(
                f"{len(vectors)} {kind} vectors for a benchmark of {count}: give one row per {kind}, in its order"
            )
    started = time.perf_counter()
    pool = Pool(
        relevance_offsets=benchmark.relevance_offsets,
        relevance_candidates=benchmark.relevance_candidates,
        candidate_languages=benchmark.candidate_languages,
        num_languages=len(benchmark.languages),
        tie_order=trec_order(benchmark.candidate_ids) if ties == "trec" else None,
        query_names=benchmark.query_ids,
        candidate_names=benchmark.candidate_ids,
    )
    ranks = relevant_ranks(
        queries,
        candidates,
        pool,
        top_k=k,
        max_memory_mb=max_memory_mb,
        show_progress=show_progress,
        place_weights=place_weights(k),
        similarity=similarity,
    )
    ranked = time.perf_counter()
    evaluation = evaluate_ranks(ranks, benchmark)
    evaluation.settings["ties"] = ties
    evaluation.seconds.update(encode=0.0, rank=ranked - started, metrics=time.perf_counter() - ranked)
    return evaluation


def evaluate_ranks(ranks: RelevantRanks, benchmark: Benchmark) -> Evaluation:
    """Turn ranks of the relevant candidates into all measures; the last step of `evaluate_embeddings`.

    Args:
        ranks: from `relevant_ranks`; with ``place_weights(k)`` of `hf_hybrid.metrics` there is an AWRF, else there is
            none.
        benchmark: what was searched for what.
    """
    num_languages, k = len(benchmark.languages), ranks.top_k
    in_pool = TieGroups.from_ranks(ranks.offsets, ranks.pool_higher, ranks.pool_tied)
    by_language = TieGroups.from_ranks(*ranks.by_language())
    values = measured_values(by_language, in_pool, num_languages, k)
    distances = rank_distance(in_pool)
    languages = benchmark.query_languages
    share = own_language_share(ranks.top_counts, languages, ranks.pool_sizes, k)
    bias = language_bias(
        ranks.offsets,
        ranks.languages,
        ranks.pool_higher,
        ranks.pool_tied,
        query_languages=languages,
        clusters=benchmark.clusters,
        pool_sizes=ranks.pool_sizes,
        top_k=k,
        top_counts=ranks.top_counts,
        top_exposure=ranks.top_exposure,
        in_pool=in_pool,
    )
    own_places = ranks.top_counts[np.arange(len(languages)), languages]
    per_query = {
        **kept_values(values, k),
        "rank_distance": distances,
        "own_language_share": own_places / min(k, benchmark.num_candidates),
        **bias.per_query,
    }
    return Evaluation(
        benchmark=benchmark.name,
        languages=tuple(benchmark.languages),
        measures={name: language_scores(*pair, languages) for name, pair in values.items()},
        rank_distance=summarise_rank_distance(distances, languages, num_languages, benchmark.num_candidates),
        language_share=share,
        bias=bias,
        per_query=per_query,
        seconds={},
        settings={"k": k},
    )


class HybridEvaluator(SentenceEvaluator):
    """`evaluate_model` as an evaluator for the sentence-transformers trainer; ``mean_map`` chooses the best
    checkpoint.

    Args:
        benchmark: what to evaluate on.
        batch_size: texts of 512 tokens encoded at once; of shorter ones more.
        ties: see `evaluate_model`.
        k: see `evaluate_model`.
        name: put before the names of the metrics, as ``<name>_``; none by default.
        show_progress: show progress bars.
        similarity: see `evaluate_model`.

    Calling it with a model returns `Evaluation.summary`. Where an output path is given (the trainer gives one), the
    evaluation is also written there as ``hybrid_evaluation_<benchmark>_step_<steps>.json``.

    Example:
        >>> evaluator = HybridEvaluator(Benchmark.from_pairs(dev_pairs))  # doctest: +SKIP
        >>> evaluator(model)["mean_map"]  # doctest: +SKIP
        0.61
    """

    def __init__(
        self,
        benchmark: Benchmark,
        batch_size: int = DEFAULT_BATCH_SIZE,
        ties: str = "expected",
        k: int = 10,
        name: str = "",
        show_progress: bool = False,
        similarity: str | None = None,
    ) -> None:
        super().__init__()
        self.benchmark = benchmark
        self.batch_size = batch_size
        self.ties = ties
        self.k = k
        self.name = name
        self.show_progress = show_progress
        self.similarity = similarity
        self.greater_is_better = True
        self.primary_metric = "mean_map"
        self.last: Evaluation | None = None

    def __call__(
        self, model: SentenceTransformer, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Evaluate the model; also keeps the whole `Evaluation` as ``last``."""
        self.last = evaluate_model(
            model,
            self.benchmark,
            batch_size=self.batch_size,
            ties=self.ties,
            k=self.k,
            show_progress=self.show_progress,
            similarity=self.similarity,
        )
        if output_path is not None:
            self._write(Path(output_path), epoch, steps)
        metrics = self.prefix_name_to_metrics(self.last.summary(), self.name)
        self.store_metrics_in_model_card_data(model, metrics, epoch, steps)
        return metrics

    def get_config_dict(self) -> dict[str, Any]:
        """Settings for the model card that sentence-transformers writes."""
        return {"benchmark": self.benchmark.name, "ties": self.ties, "k": self.k}

    def _write(self, folder: Path, epoch: float, steps: int) -> None:
        from hf_hybrid.output_files import write_json

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"hybrid_evaluation_{self.benchmark.name}_step_{steps}.json"
        # A resumed run comes by the same step again and measures the same: the file is the run's own.
        last = self.last
        measured = {"benchmark": last.benchmark, "languages": list(last.languages), "settings": last.settings}
        write_json(path, {"epoch": epoch, "steps": steps, **measured, **last.record()}, overwrite=True)
