"""PEER: is a language's place among the relevant candidates more than chance? For several relevant candidates in a
language.

PEER (Yang et al., SIGIR 2024): for a query and a relevance level m, the ranks of the level's candidates are grouped by
language and compared by the Kruskal-Wallis test

    H = (N - 1) * sum over l of n_l (mean_l - mean)^2 / sum over l, i of (r_li - mean)^2,
    p = P(chi2 with L - 1 degrees >= H),

``PEER = sum over m of w_m p_m`` with weights that sum to one, 1 where there are fewer than two groups; then the mean
over queries. A value near 1 means that languages are ranked alike. Ranks are within the level (places shared by ties
have their mean), and all candidates are ranked: the published package ranks by place in the list and puts what was not
retrieved in front of much that was.

Where every language has one relevant candidate, as on parallel data, each group is a single rank and H is N - 1
whatever the
ranking: p = .4405 with 11 languages. That says nothing, so it is not reported; see `hf_hybrid.metrics.parallel_ranks`
instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hf_hybrid.metrics.relevant_order import RelevantOrder, queries_of_entries

DEGENERATE = (
    "no query has two relevant candidates in one language and a further language beside it: the test statistic "
    "is the same for every ranking; read Kendall's W instead"
)


@dataclass(frozen=True)
class Peer:
    """PEER over queries.

    Attributes:
        value: mean over queries, or None where it would be the same for every ranking.
        queries: number of queries behind the mean.
        reason: why there is no value; None where there is one.
        per_query: float64 ``[Q]``, NaN for queries left out.
    """

    value: float | None
    queries: int
    reason: str | None
    per_query: np.ndarray


def peer(
    offsets: np.ndarray,
    languages: np.ndarray,
    higher: np.ndarray,
    levels: np.ndarray | None = None,
    weights: Mapping[int, float] | None = None,
) -> Peer:
    """Compute PEER.

    Args:
        offsets: int ``[Q + 1]``, the judged candidates (entries) of each query.
        languages: int ``[nnz]``.
        higher: int ``[nnz]``, candidates of the multilingual pool above the entry; equal numbers are ties.
        levels: int ``[nnz]``, relevance level of each entry; None: one level for all.
        weights: weight of each level; equal weights by default. They are scaled to sum to one.

    Returns:
        The mean over queries of their p values. A query in which no level can tell rankings apart, for each of its
        languages has a single candidate, is left out; a level with fewer than two languages counts 1, as defined.

    Raises:
        ValueError: a level has no weight, or weights do not sum to more than 0.

    Example:
        >>> result = peer(np.array([0, 4]), np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3]))
        >>> round(result.value, 4)  # H = 2.4, one degree of freedom
        0.1213
        >>> peer(np.array([0, 2]), np.array([0, 1]), np.array([0, 7])).value is None
        True
    """
    offsets = np.asarray(offsets, dtype=np.int64)
    languages = np.asarray(languages, dtype=np.int64)
    levels = np.zeros_like(languages) if levels is None else np.asarray(levels)
    found, level = np.unique(levels, return_inverse=True)
    share = _level_shares(found.tolist(), weights)

    num_queries = len(offsets) - 1
    segment = queries_of_entries(offsets) * len(found) + level
    p_values, can_tell = _kruskal_wallis(segment, languages, np.asarray(higher), num_queries * len(found))
    per_query = (p_values.reshape(num_queries, -1) * share).sum(axis=1)
    informative = can_tell.reshape(num_queries, -1).any(axis=1)
    per_query[~informative] = np.nan
    if not informative.any():
        return Peer(None, 0, DEGENERATE, per_query)
    return Peer(float(np.nanmean(per_query)), int(informative.sum()), None, per_query)


def _level_shares(found: list[int], weights: Mapping[int, float] | None) -> np.ndarray:
    if weights is None:
        return np.full(len(found), 1 / max(len(found), 1))
    missing = [level for level in found if level not in weights]
    if missing:
        raise ValueError(f"relevance level {missing[0]} has no weight: give one for each of {found}")
    share = np.array([weights[level] for level in found], dtype=float)
    if (share < 0).any() or share.sum() <= 0:
        raise ValueError(f"weights must be at least 0 and sum to more than 0, got {dict(weights)}")
    return share / share.sum()


def _kruskal_wallis(
    segment: np.ndarray, languages: np.ndarray, higher: np.ndarray, num_segments: int
) -> tuple[np.ndarray, np.ndarray]:
    """p value of each segment, float64 ``[S]``, and whether its statistic can differ between rankings, bool
    ``[S]``.
    """
    ranks = RelevantOrder.of(segment, higher).mid_ranks
    total = np.bincount(segment, minlength=num_segments)
    middle = (total + 1) / 2
    spread = np.bincount(segment, weights=(ranks - middle[segment]) ** 2, minlength=num_segments)

    num_languages = int(languages.max(initial=0)) + 1
    group, member, size = np.unique(segment * num_languages + languages, return_inverse=True, return_counts=True)
    group_segment = group // num_languages
    group_mean = np.bincount(member, weights=ranks, minlength=len(group)) / np.maximum(size, 1)
    between = np.bincount(
        group_segment, weights=size * (group_mean - middle[group_segment]) ** 2, minlength=num_segments
    )
    num_groups = np.bincount(group_segment, minlength=num_segments)
    statistic = np.where(spread > 0, (total - 1) * between / np.where(spread > 0, spread, 1), 0.0)
    p_values = stats.chi2.sf(statistic, np.maximum(num_groups - 1, 1))
    p_values[num_groups < 2] = 1.0
    return p_values, (num_groups >= 2) & (total > num_groups)
