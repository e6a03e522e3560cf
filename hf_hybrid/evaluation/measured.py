"""`Evaluation`: the values measured on a benchmark, and the figures drawn from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.evaluation.figures import Cells, measures_at
from hf_hybrid.metrics import Friedman, LanguageBias, LanguageScores, LanguageShare, RankDistance, TieGroups

if TYPE_CHECKING:
    from hf_hybrid.benchmarks import Benchmark


@dataclass(frozen=True)
class Evaluation:
    """What was measured on a benchmark.

    Attributes:
        benchmark: name of the benchmark.
        languages: its L languages, the order of all per-language values.
        measures: measure name -> its values over all settings: ``map`` and ``recall_at_1``, ``recall_at_<k>``,
            ``mrr``, ``ndcg_at_<k>``.
        rank_distance: in the multilingual pool.
        language_share: languages of the top k of the multilingual pool.
        bias: the other measures of language bias.
        per_query: one row per query of the benchmark: ``map_pool``, ``rank_distance``, ``max_rank``,
            ``own_language_share`` (float64 ``[Q]``), ``map_by_language`` and ``one_target`` (float64 ``[Q, L]``, NaN
            where the query has no relevant candidate in the language).
        seconds: time of each step: ``encode`` (0 from given vectors), ``rank``, ``metrics``.
        settings: batch size, tie rule, k, prompts.
    """

    benchmark: str
    languages: tuple[str, ...]
    measures: dict[str, LanguageScores]
    rank_distance: RankDistance
    language_share: LanguageShare
    bias: LanguageBias
    per_query: dict[str, np.ndarray] = field(repr=False)
    seconds: dict[str, float]
    settings: dict[str, Any]

    @property
    def matrix(self) -> np.ndarray:
        """mAP of every (query language, candidate language): float64 ``[L, L]``."""
        return self.measures["map"].cells

    @property
    def mo(self) -> float:
        """mAP, mean of the same-language cells."""
        return self.measures["map"].mo

    @property
    def cr(self) -> float:
        """mAP, mean of the ordered cross-language cells (NaN with one language)."""
        return self.measures["map"].cr

    @property
    def mul(self) -> float:
        """mAP in one pool of all languages, mean over query languages."""
        return self.measures["map"].mul

    @property
    def mean(self) -> float:
        """Mean of Mo, Cr and Mul, of those that are defined."""
        return float(np.nanmean([self.mo, self.cr, self.mul]))

    def summary(self) -> dict[str, float]:
        """The figures that matter, by names without spaces or slashes; a figure that does not exist for the benchmark
        is left out.

        ``mo_map``, ``cr_map``, ``mul_map``, ``mean_map``, then ``mo_``, ``cr_`` and ``mul_`` of the other measures;
        ``rank_distance``, ``rank_distance_median``, ``rank_distance_normalised``; ``own_language_share_at_<k>`` and
        ``own_language_share_of_pool``; of
        `LanguageBias`: ``language_divergence_at_<k>``, ``awrf_at_<k>`` (divergence form), ``awrf_min_max_at_<k>``,
        ``one_target_own_map`` and ``one_target_other_map`` (mean on and off the diagonal of the heat map) with their
        difference ``one_target_own_advantage``, ``kendall_w``, ``peer``, ``mlrs_own`` and ``mlrs_other`` (percent),
        ``max_rank``, ``max_rank_median``.
        """
        figures = {"mo_map": self.mo, "cr_map": self.cr, "mul_map": self.mul, "mean_map": self.mean}
        for name, scores in self.measures.items():
            figures |= {f"mo_{name}": scores.mo, f"cr_{name}": scores.cr, f"mul_{name}": scores.mul}
        figures["rank_distance"] = self.rank_distance.mean
        figures["rank_distance_median"] = self.rank_distance.median
        figures["rank_distance_normalised"] = self.rank_distance.normalised
        figures[f"own_language_share_at_{self.language_share.k}"] = self.language_share.own
        figures["own_language_share_of_pool"] = self.language_share.pool
        figures |= self._bias_figures()
        return {name: float(value) for name, value in figures.items() if not math.isnan(value)}

    def per_language(self) -> dict[str, dict[str, float]]:
        """Values of each query language: tag -> ``mo_map``, ``cr_map``, ``mul_map``, ``rank_distance``,
        ``own_language_share`` ...
        """
        columns = {
            f"{setting}_{name}": values
            for name, scores in self.measures.items()
            for setting, values in (
                ("mo", np.diagonal(scores.cells)),
                ("cr", scores.cross_by_language),
                ("mul", scores.pool),
            )
        }
        columns["rank_distance"] = self.rank_distance.by_language
        columns["own_language_share"] = self.language_share.own_by_language
        columns["own_language_share_of_pool"] = self.language_share.pool_by_language
        columns |= self._bias_columns()
        return {
            tag: {name: float(values[code]) for name, values in columns.items() if not math.isnan(values[code])}
            for code, tag in enumerate(self.languages)
        }

    def describe(self, benchmark: Benchmark) -> dict[str, Any]:
        """What a results file keeps of the benchmark."""
        return benchmark.describe()

    def record(self) -> dict[str, Any]:
        """What a results file keeps of the measured values, as JSON types."""
        return {
            "summary": self.summary(),
            "measures": {
                name: {"cells": _numbers(scores.cells), "pool": _numbers(scores.pool)}
                for name, scores in self.measures.items()
            },
            "per_language": self.per_language(),
            "language_share": {"k": self.language_share.k, "top": _numbers(self.language_share.top_by_language)},
            "bias": self._bias_record(),
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }

    def _bias_record(self) -> dict[str, Any]:
        bias, tests = self.bias, {}
        for tag, test, clusters in zip(self.languages, bias.friedman, bias.friedman_clusters, strict=True):
            if test is not None:
                of_test = {name: getattr(test, name) for name in ("kendall_w", "chi2", "p_value", "blocks")}
                of_clusters = (None, None) if clusters is None else (clusters.p_value, clusters.blocks)
                tests[tag] = {**of_test, "p_value_of_clusters": of_clusters[0], "clusters": of_clusters[1]}
        return {
            "one_target": _numbers(bias.one_target.cells),
            "mlrs": _numbers(bias.rank_shift.cells),
            "mean_ranks": _numbers(bias.mean_ranks),
            "peer": {"value": bias.peer.value, "queries": bias.peer.queries, "reason": bias.peer.reason},
            "friedman": {"reason": bias.friedman_reason, "tests": tests},
        }

    def _bias_figures(self) -> dict[str, float]:
        bias, k = self.bias, self.bias.top.k
        columns = {
            f"language_divergence_at_{k}": bias.top.divergence,
            f"awrf_at_{k}": bias.top.awrf,
            f"awrf_min_max_at_{k}": bias.top.awrf_min_max,
            "kendall_w": bias.kendall_w,
        }
        figures = {name: _mean_of_defined(values) for name, values in columns.items() if values is not None}
        return figures | {
            "one_target_own_map": bias.one_target.mo,
            "one_target_other_map": bias.one_target.cr,
            "one_target_own_advantage": bias.one_target.mo - bias.one_target.cr,
            "peer": math.nan if bias.peer.value is None else bias.peer.value,
            "mlrs_own": bias.rank_shift.mo,
            "mlrs_other": bias.rank_shift.cr,
            "max_rank": bias.max_rank.mean,
            "max_rank_median": bias.max_rank.median,
        }

    def _bias_columns(self) -> dict[str, np.ndarray]:
        bias = self.bias
        columns = {
            "language_divergence": bias.top.divergence,
            "awrf": bias.top.awrf,
            "awrf_min_max": bias.top.awrf_min_max,
            "one_target_own_map": np.diagonal(bias.one_target.cells),
            "one_target_other_map": bias.one_target.cross_by_language,
            "kendall_w": bias.kendall_w,
            "friedman_p_value": _p_values(bias.friedman),
            "friedman_p_value_of_clusters": _p_values(bias.friedman_clusters),
            "mlrs_own": np.diagonal(bias.rank_shift.cells),
            "mlrs_other": bias.rank_shift.cross_by_language,
            "max_rank": bias.max_rank.by_language,
        }
        return {name: values for name, values in columns.items() if values is not None}


def measured_values(
    by_language: TieGroups, in_pool: TieGroups, num_languages: int, k: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every measure of `hf_hybrid.evaluation.figures` by name: float64 ``[Q, L]`` within each language, ``[Q]`` in the
    pool of all.
    """
    return {
        name: (measure.function(by_language, k).reshape(-1, num_languages), measure.function(in_pool, k))
        for name, measure in measures_at(k).items()
    }


def kept_values(values: Mapping[str, tuple[np.ndarray, np.ndarray]], k: int) -> dict[str, np.ndarray]:
    """Those that are kept per query, by the name of their column; from `measured_values`."""
    return {
        measure.column(cells): of_cells
        for name, measure in measures_at(k).items()
        if measure.per_query
        for cells, of_cells in zip((Cells.OWN, Cells.POOL), values[name], strict=True)
    }


def _numbers(values: np.ndarray) -> list:
    """Nested lists; NaN, a value that does not exist, becomes None."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [None if math.isnan(value) else float(value) for value in values]


def _p_values(tests: tuple[Friedman | None, ...]) -> np.ndarray:
    return np.array([np.nan if test is None else test.p_value for test in tests])


def _mean_of_defined(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else math.nan
