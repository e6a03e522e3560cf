"""`Evaluation`: the values measured on a benchmark, and the figures drawn from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .metrics import LanguageScores, LanguageShare, RankDistance


@dataclass(frozen=True)
class Evaluation:
    """What was measured on a benchmark.

    Attributes:
        benchmark: name of the benchmark.
        languages: its L languages, the order of all per-language values.
        measures: measure name -> its values over all settings: ``map`` and ``recall_at_1``, ``recall_at_<k>``, ``mrr``,
            ``ndcg_at_<k>``.
        rank_distance: in the multilingual pool.
        language_share: languages of the top k of the multilingual pool.
        per_query: one row per query of the benchmark: ``map_pool``, ``rank_distance`` (float64 ``[Q]``) and ``map_by_language``
            (float64 ``[Q, L]``, NaN where the query has no relevant candidate in the language).
        seconds: time of each step: ``encode`` (0 from given vectors), ``rank``, ``metrics``.
        settings: batch size, tie rule, k, prompts.
    """

    benchmark: str
    languages: tuple[str, ...]
    measures: dict[str, LanguageScores]
    rank_distance: RankDistance
    language_share: LanguageShare
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
        """The figures that matter, by names without spaces or slashes; a figure that does not exist for the benchmark is left out.

        ``mo_map``, ``cr_map``, ``mul_map``, ``mean_map``, then ``mo_``, ``cr_`` and ``mul_`` of the other measures; ``rank_distance``,
        ``rank_distance_median``, ``rank_distance_normalised``; ``own_language_share_at_<k>`` and ``own_language_share_of_pool``.
        """
        figures = {"mo_map": self.mo, "cr_map": self.cr, "mul_map": self.mul, "mean_map": self.mean}
        for name, scores in self.measures.items():
            figures |= {f"mo_{name}": scores.mo, f"cr_{name}": scores.cr, f"mul_{name}": scores.mul}
        figures["rank_distance"] = self.rank_distance.mean
        figures["rank_distance_median"] = self.rank_distance.median
        figures["rank_distance_normalised"] = self.rank_distance.normalised
        figures[f"own_language_share_at_{self.language_share.k}"] = self.language_share.own
        figures["own_language_share_of_pool"] = self.language_share.pool
        return {name: float(value) for name, value in figures.items() if not math.isnan(value)}

    def per_language(self) -> dict[str, dict[str, float]]:
        """Values of each query language: tag -> ``mo_map``, ``cr_map``, ``mul_map``, ``rank_distance``, ``own_language_share`` ..."""
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
        return {
            tag: {name: float(values[code]) for name, values in columns.items() if not math.isnan(values[code])}
            for code, tag in enumerate(self.languages)
        }
