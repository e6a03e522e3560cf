"""Average precision over the whole ranking, exact, with the expectation over tied orders in closed form.

Without ties ``AP = 1/R * sum over relevant d of (relevant candidates at or above d) / rank(d)``: trec_eval's ``map``,
over the full ranking. With ties the value is its mean over all orders of the equally scored candidates (McSherry and
Najork, ECIR 2008): a group of n candidates with r relevant ones that starts below h candidates, m of them relevant,
adds

    sum over j = 1..n of  (r / n) * (m + 1 + (j - 1) * (r - 1) / (n - 1)) / (h + j)

because place j holds a relevant candidate with probability r / n, and then (j - 1)(r - 1)/(n - 1) relevant ones are
expected among the places of the group before it.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma

from hf_hybrid.metrics.tie_groups import TieGroups

# The closed form subtracts two numbers near n. Up to this size the sum is taken term by term instead, so that the
# error stays below 1e-12 in pools of millions.
_LONGEST_PLAIN_SUM = 1024


def average_precision(groups: TieGroups) -> np.ndarray:
    """Average precision of each ranking.

    Args:
        groups: the relevant candidates of S rankings, see `TieGroups.from_ranks`.

    Returns:
        float64 ``[S]``; NaN where a ranking has no relevant candidate.

    Example:
        >>> average_precision(TieGroups.from_ranks(np.array([0, 2]), np.array([0, 2]))).round(4).tolist()
        [0.8333]
    """
    precision_sum = (groups.relevant_higher + 1.0) / (groups.higher + 1.0)
    tied = np.flatnonzero(groups.size > 1)
    if len(tied):
        precision_sum[tied] = _expected_precision_sum(
            groups.higher[tied].astype(float),
            groups.size[tied].astype(float),
            groups.relevant[tied].astype(float),
            groups.relevant_higher[tied].astype(float),
        )
    return groups.sum_by_segment(precision_sum) / np.maximum(groups.num_relevant, 1)


def _expected_precision_sum(
    higher: np.ndarray, size: np.ndarray, relevant: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """The sum of the module docstring for groups with ``size > 1``, float64 of the same length."""
    inverse_rank_sum = digamma(higher + size + 1) - digamma(higher + 1)  # sum of 1 / (h + j)
    place_sum = size - (higher + 1) * inverse_rank_sum  # sum of (j - 1) / (h + j)
    short = np.flatnonzero(size <= _LONGEST_PLAIN_SUM)
    short = short[np.argsort(-size[short], kind="stable")]
    inverse_rank_sum[short] = place_sum[short] = 0.0
    for j in range(1, int(size[short].max(initial=0)) + 1):
        # `short` is sorted from the largest group down: those that still have a place j are its head.
        active = short = short[: np.searchsorted(-size[short], -j, side="right")]
        inverse = 1.0 / (higher[active] + j)
        inverse_rank_sum[active] += inverse
        place_sum[active] += (j - 1) * inverse
    return relevant / size * ((before + 1) * inverse_rank_sum + (relevant - 1) / (size - 1) * place_sum)
