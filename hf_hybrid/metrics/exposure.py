"""Languages at the top of the multilingual pool against their share of the pool: Jensen-Shannon divergence and AWRF.

* **Divergence**: JSD(P, Q) = (KL(P | M) + KL(Q | M)) / 2 with M = (P + Q) / 2, in bits, between the mean share of the
  languages among the top k and their share of the pool: 0, the top looks like the pool; 1, they have no language in
  common.
* **AWRF, divergence form** (the default; attention-weighted rank fairness, Sapiezynski et al. 2019, as scored by TREC
  Fair Ranking 2021): ``1 - JSD(exposure share, pool share)``, place r having the exposure ``1 / log2(max(r, 2))``. 1
  is fair. In bits, so that it lies between 0 and 1; TREC's script takes the natural logarithm (multiply 1 - AWRF by
  0.6931).
* **AWRF, min/max form** (as in FairRankTune): place r has the attention ``100 (1 - p)^(r - 1) p``; attention is summed
  over the queries, divided by the number of candidates of each language, and the smallest such mean is divided by the
  largest. 1 is fair, 0 says that some language never reaches the top k. The divergence form is the default because one
  absent language does not hide all others.

All are taken of the queries of one language together and then averaged over query languages: k places cannot mirror
the shares of more than k languages, so single queries would look unfair under any ranking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hf_hybrid.metrics.language_matrix import mean_by_language

# With one half, the places behind the first ten together hold a thousandth of the attention.
ATTENTION_TO_FIRST = 0.5


@dataclass(frozen=True)
class TopLanguages:
    """How the languages at the top compare with those of the pool; float64 ``[L]`` by query language, NaN where none
    is asked.

    Attributes:
        k: number of places looked at.
        divergence: Jensen-Shannon divergence in bits of the top-k share from the pool share.
        awrf: divergence form, or None where the places were not weighed.
        awrf_min_max: min/max form, or None.
    """

    k: int
    divergence: np.ndarray
    awrf: np.ndarray | None
    awrf_min_max: np.ndarray | None


def place_weights(k: int, attention_to_first: float = ATTENTION_TO_FIRST) -> np.ndarray:
    """Weights of the first k places for the two forms of AWRF: float64 ``[2, k]``, logarithmic and geometric.

    Example:
        >>> place_weights(3).round(3).tolist()
        [[1.0, 1.0, 0.631], [50.0, 25.0, 12.5]]
    """
    places = np.arange(1, k + 1)
    geometric = 100 * (1 - attention_to_first) ** (places - 1) * attention_to_first
    return np.stack([1 / np.log2(np.maximum(places, 2)), geometric])


def jensen_shannon_divergence(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence in bits over the last axis; both sides are scaled to sum to one.

    Args:
        left: float64 ``[..., L]``, not negative.
        right: float64, broadcastable.

    Returns:
        float64 ``[...]`` between 0 and 1; NaN where a side is NaN or sums to 0.

    Example:
        >>> jensen_shannon_divergence(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0.0, 2.0])).round(4).tolist()
        [1.0, 0.3113]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        left = left / left.sum(axis=-1, keepdims=True)
        right = right / right.sum(axis=-1, keepdims=True)
        middle = (left + right) / 2
        # Half of the smallest number is 0: such a share adds nothing either.
        terms = [
            np.where((side > 0) & (middle > 0), side * np.log2(side / middle), 0 * side) for side in (left, right)
        ]
    # Rounding can leave the divergence of equal sides an ulp below zero.
    return np.clip((terms[0] + terms[1]).sum(axis=-1) / 2, 0.0, 1.0)


def awrf(exposure: np.ndarray, pool_sizes: np.ndarray) -> np.ndarray:
    """AWRF, divergence form: ``1 - JSD(exposure share, pool share)``.

    Args:
        exposure: float64 ``[..., L]``, exposure that falls to each language (first row of `place_weights`).
        pool_sizes: int ``[L]``, candidates of each language.

    Example:
        >>> awrf(np.array([3.0, 1.0]), np.array([75, 25])).item()
        1.0
    """
    return 1 - jensen_shannon_divergence(exposure, pool_sizes)


def awrf_min_max(attention: np.ndarray, pool_sizes: np.ndarray) -> np.ndarray:
    """AWRF, min/max form: smallest over largest mean attention per candidate.

    Args:
        attention: float64 ``[..., L]``, attention that falls to each language (second row of `place_weights`), summed
            or averaged over rankings.
        pool_sizes: int ``[L]``; languages without candidates are left out.

    Example:
        >>> awrf_min_max(np.array([60.0, 40.0]), np.array([10, 20])).round(4).item()
        0.3333
    """
    present = pool_sizes > 0
    per_candidate = attention[..., present] / pool_sizes[present]
    largest = per_candidate.max(axis=-1)
    return np.where(largest > 0, per_candidate.min(axis=-1) / np.where(largest > 0, largest, 1), np.nan)


def top_languages(
    top_counts: np.ndarray,
    top_exposure: np.ndarray | None,
    query_languages: np.ndarray,
    pool_sizes: np.ndarray,
    k: int,
) -> TopLanguages:
    """Compare the languages at the top with those of the pool, per query language.

    Args:
        top_counts: float64 ``[Q, L]``, candidates of each language among the first k.
        top_exposure: float64 ``[Q, 2, L]``, weight of the first k places by language, weights as in `place_weights`;
            or None.
        query_languages: int ``[Q]``.
        pool_sizes: int ``[L]``.
        k: number of places.

    Example:
        >>> top = top_languages(np.array([[1.0, 1.0]]), None, np.array([0]), np.array([5, 5]), k=2)
        >>> top.divergence.tolist()
        [0.0, nan]
    """
    num_languages = len(pool_sizes)

    def by_query_language(values: np.ndarray) -> np.ndarray:
        return np.stack([mean_by_language(column, query_languages, num_languages) for column in values.T], axis=1)

    divergence = jensen_shannon_divergence(by_query_language(top_counts), pool_sizes)
    if top_exposure is None:
        return TopLanguages(k, divergence, None, None)
    logarithmic, geometric = (by_query_language(top_exposure[:, index]) for index in (0, 1))
    return TopLanguages(k, divergence, awrf(logarithmic, pool_sizes), awrf_min_max(geometric, pool_sizes))
