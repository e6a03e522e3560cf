"""Friedman's test with Kendall's W: are the translations of an answer ranked alike, or is a language always ahead?

Every query is a block, its relevant candidates, one in each language, are ranked among themselves. Over n blocks and L
languages with rank sums S_l

    chi2 = 12 / (n L (L + 1)) * sum over l of S_l^2 - 3 n (L + 1),
    divided by 1 - sum(t^3 - t) / (n L (L^2 - 1)) for ties,

compared with a chi-square of L - 1 degrees of freedom, and Kendall's W = chi2 / (n (L - 1)): 0, no language is
preferred; 1, the order of the languages is the same in every query. (Friedman 1937; Kendall and Babington Smith 1939.)
It takes the place of PEER on parallel data, where PEER is degenerate.

The p value takes blocks to be independent. Questions about one paragraph are not: use W as the size of the effect, and
the p value over clusters, where the ranks of a paragraph's questions are averaged into one block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from hf_hybrid.metrics.relevant_order import RelevantOrder, mean_of_language, queries_of_entries


@dataclass(frozen=True)
class Friedman:
    """Friedman's test of one set of blocks.

    Attributes:
        kendall_w: effect size between 0 and 1.
        chi2: test statistic.
        p_value: of independent blocks.
        mean_ranks: float64 ``[L]``, mean rank of each language among the L; (L + 1) / 2 without a preference.
        blocks: number of blocks, n.
    """

    kendall_w: float
    chi2: float
    p_value: float
    mean_ranks: np.ndarray
    blocks: int


def within_query_ranks(
    offsets: np.ndarray, languages: np.ndarray, higher: np.ndarray, num_languages: int
) -> np.ndarray:
    """Rank the relevant candidates of each query among themselves.

    Args:
        offsets: int ``[Q + 1]``.
        languages: int ``[nnz]``.
        higher: int ``[nnz]``, candidates of the multilingual pool scored strictly higher; equal numbers are ties.
        num_languages: L.

    Returns:
        float64 ``[Q, L]``, ranks from 1 to L, ties sharing their mean; a row of NaN for a query that has not exactly
        one relevant candidate in each of the L languages.

    Example:
        >>> within_query_ranks(np.array([0, 3]), np.array([2, 0, 1]), np.array([40, 7, 7]), 3).tolist()
        [[1.5, 1.5, 3.0]]
    """
    order = RelevantOrder.of(queries_of_entries(offsets), higher)
    ranks, counts = mean_of_language(order.mid_ranks, offsets, languages, num_languages)
    ranks[(counts != 1).any(axis=1)] = np.nan
    return ranks


def friedman(ranks: np.ndarray) -> Friedman | None:
    """Friedman's test over blocks.

    Args:
        ranks: float64 ``[n, L]`` from `within_query_ranks`; rows with NaN are left out.

    Returns:
        The test, or None where it does not exist: fewer than two blocks or languages, or nothing but ties.

    Example:
        >>> result = friedman(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0]]))
        >>> round(result.chi2, 4), round(result.kendall_w, 4)
        (4.6667, 0.7778)
    """
    ranks = ranks[~np.isnan(ranks).any(axis=1)]
    blocks, languages = ranks.shape
    if blocks < 2 or languages < 2:
        return None
    mean_ranks = ranks.mean(axis=0)
    # Within each block the squares of the ranks sum to L(L+1)(2L+1)/6 less what ties take away: the correction,
    # without counting ties.
    spread = (ranks**2).sum() - blocks * languages * (languages + 1) ** 2 / 4
    if spread <= 1e-9 * blocks:
        return None
    chi2 = blocks**2 * (languages - 1) * ((mean_ranks - (languages + 1) / 2) ** 2).sum() / spread
    return Friedman(
        kendall_w=float(chi2 / (blocks * (languages - 1))),
        chi2=float(chi2),
        p_value=float(stats.chi2.sf(chi2, languages - 1)),
        mean_ranks=mean_ranks,
        blocks=blocks,
    )


def cluster_blocks(ranks: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Make one block of each cluster: the mean ranks of its queries, ranked again.

    Args:
        ranks: float64 ``[Q, L]``; rows with NaN are left out.
        clusters: int ``[Q]``.

    Returns:
        float64 ``[C, L]``.

    Example:
        >>> cluster_blocks(np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]]), np.array([5, 5, 5])).tolist()
        [[1.0, 2.0]]
    """
    whole = ~np.isnan(ranks).any(axis=1)
    if not whole.any():
        return np.zeros((0, ranks.shape[1]))
    _, cluster, size = np.unique(clusters[whole], return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(cluster, weights=column) for column in ranks[whole].T], axis=1)
    # Rounding keeps equal means equal whatever the order of their terms.
    return stats.rankdata(np.round(sums / size[:, None], 9), axis=1)
