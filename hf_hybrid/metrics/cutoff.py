"""Metrics that look at the top of a ranking: recall at k, reciprocal rank, nDCG at k. Ties give the mean over tied
orders.
"""

from __future__ import annotations

import numpy as np

from hf_hybrid.metrics.tie_groups import TieGroups


def recall_at_k(groups: TieGroups, k: int) -> np.ndarray:
    """Share of a ranking's relevant candidates within the first k places.

    Args:
        groups: the relevant candidates of S rankings.
        k: number of places, at least 1.

    Returns:
        float64 ``[S]``; NaN where a ranking has no relevant candidate. With more than k relevant candidates it cannot
        reach 1: at most 10/11 on XQuAD-R's multilingual pool.

    Example:
        >>> recall_at_k(TieGroups.from_ranks(np.array([0, 2]), np.array([0, 2])), k=1).tolist()
        [0.5]
    """
    _check_k(k)
    places_inside = np.clip(k - groups.higher, 0, groups.size)
    return groups.sum_by_segment(groups.relevant * places_inside / groups.size) / np.maximum(groups.num_relevant, 1)


def reciprocal_rank(groups: TieGroups) -> np.ndarray:
    """One over the rank of the first relevant candidate; its mean over queries is MRR.

    In a group of n with r relevant candidates the first relevant one stands at place j with probability
    ``C(n - j, r - 1) / C(n, r)``.

    Args:
        groups: the relevant candidates of S rankings.

    Returns:
        float64 ``[S]``; NaN where a ranking has no relevant candidate.

    Example:
        >>> reciprocal_rank(TieGroups.from_ranks(np.array([0, 2]), np.array([1, 4]))).tolist()
        [0.5]
    """
    first = np.flatnonzero(groups.relevant_higher == 0)
    higher = groups.higher[first].astype(float)
    size = groups.size[first].astype(float)
    relevant = groups.relevant[first].astype(float)
    expected = np.zeros(len(first))
    probability = relevant / size
    active = np.arange(len(first))
    place = 1
    while len(active):
        expected[active] += probability[active] / (higher[active] + place)
        # P(first at j + 1) = P(first at j) * (n - j - r + 1) / (n - j): zero once only relevant candidates are left.
        remaining = size[active] - place
        probability[active] *= (remaining - relevant[active] + 1) / np.maximum(remaining, 1)
        active = active[(remaining > 0) & (probability[active] > 0)]
        place += 1
    values = np.zeros(len(groups.segment))
    values[first] = expected
    return groups.sum_by_segment(values)


def ndcg_at_k(groups: TieGroups, k: int) -> np.ndarray:
    """Normalised discounted cumulative gain of the first k places, binary relevance, discount ``1 / log2(rank + 1)``.

    Args:
        groups: the relevant candidates of S rankings.
        k: number of places, at least 1.

    Returns:
        float64 ``[S]``; NaN where a ranking has no relevant candidate.

    Example:
        >>> ndcg_at_k(TieGroups.from_ranks(np.array([0, 1]), np.array([1])), k=10).round(4).tolist()
        [0.6309]
    """
    _check_k(k)
    discount_sum = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])
    gain = discount_sum[np.minimum(groups.higher + groups.size, k)] - discount_sum[np.minimum(groups.higher, k)]
    ideal = discount_sum[np.clip(groups.num_relevant, 1, k)]
    return groups.sum_by_segment(groups.relevant / groups.size * gain) / ideal


def _check_k(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
