"""Language bias: how far apart the translations of an answer are ranked, and whether the query's language crowds the
top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hf_hybrid.metrics.language_matrix import mean_by_language
from hf_hybrid.metrics.tie_groups import TieGroups


@dataclass(frozen=True)
class RankDistance:
    """Rank distance of a set of queries (lower is better).

    It falls whenever effectiveness rises and a single outlier moves it far: read the median beside the mean, and
    compare pools of different sizes by the normalised form.

    Attributes:
        mean: mean over the queries of a language, then over languages (the paper's number).
        median: median over the queries of a language, then the mean over languages.
        normalised: ``mean / (N - 1)`` for a pool of N candidates, between 0 and 1.
        by_language: float64 ``[L]``, the mean per query language.
    """

    mean: float
    median: float
    normalised: float
    by_language: np.ndarray


@dataclass(frozen=True)
class LanguageShare:
    """Share of the query's own language among the top k of the multilingual pool, against its share of the pool.

    Attributes:
        k: number of places asked for; a smaller pool fills fewer.
        own: mean over languages of the share of the query's language in the top k.
        pool: the same mean of the share of the query's language in the whole pool: what a ranking blind to language
            gives.
        own_by_language: float64 ``[L]``.
        pool_by_language: float64 ``[L]``, NaN where a language asks no query.
        top_by_language: float64 ``[L, L]``, query language x candidate language: mean share of the top k.
    """

    k: int
    own: float
    pool: float
    own_by_language: np.ndarray
    pool_by_language: np.ndarray
    top_by_language: np.ndarray


def rank_distance(groups: TieGroups) -> np.ndarray:
    """Distance between the lowest and the highest rank of a ranking's relevant candidates, full ranking.

    Among equal scores the expectation is taken: in a group of n candidates with r relevant ones the first relevant one
    is expected at place ``(n + 1) / (r + 1)``, the last at ``r (n + 1) / (r + 1)``.

    Args:
        groups: the relevant candidates of S rankings (queries in the multilingual pool).

    Returns:
        float64 ``[S]``; NaN for fewer than two relevant candidates, where there is nothing to be apart. The smallest
        possible value is R - 1; a random ranking of N candidates gives ``(R - 1) / (R + 1) * (N + 1)``.

    Example:
        >>> rank_distance(TieGroups.from_ranks(np.array([0, 3]), np.array([4, 0, 9]))).tolist()
        [9.0]
    """
    distance = np.full(groups.num_segments, np.nan)
    if len(groups.segment):
        first = np.flatnonzero(np.diff(groups.segment, prepend=-1))
        last = np.append(first[1:], len(groups.segment)) - 1
        step = (groups.size + 1.0) / (groups.relevant + 1.0)
        lowest = groups.higher[last] + groups.relevant[last] * step[last]
        distance[groups.segment[first]] = lowest - (groups.higher[first] + step[first])
    distance[groups.num_relevant < 2] = np.nan
    return distance


def max_rank(groups: TieGroups) -> np.ndarray:
    """Max@R: the rank down to which a ranking must be read to find all its relevant candidates (arXiv 2604.05684).

    Among equal scores the expectation is taken, as in `rank_distance`.

    Args:
        groups: the relevant candidates of S rankings (queries in the multilingual pool).

    Returns:
        float64 ``[S]``; NaN where a ranking has no relevant candidate. The smallest possible value is R; a random
        ranking of N candidates gives ``R / (R + 1) * (N + 1)``.

    Example:
        >>> max_rank(TieGroups.from_ranks(np.array([0, 3]), np.array([4, 0, 9]))).tolist()
        [10.0]
    """
    lowest = np.full(groups.num_segments, np.nan)
    if len(groups.segment):
        last = np.append(np.flatnonzero(np.diff(groups.segment)), len(groups.segment) - 1)
        step = (groups.size[last] + 1.0) / (groups.relevant[last] + 1.0)
        lowest[groups.segment[last]] = groups.higher[last] + groups.relevant[last] * step
    return lowest


def summarise_rank_distance(
    distances: np.ndarray, query_languages: np.ndarray, num_languages: int, pool_size: int
) -> RankDistance:
    """Average `rank_distance` over queries, then over query languages (PAPER: footnote 6 of arXiv 2408.10536).

    Args:
        distances: float64 ``[Q]`` from `rank_distance`; NaN leaves a query out.
        query_languages: int ``[Q]``.
        num_languages: L.
        pool_size: candidates in the multilingual pool, N.

    Example:
        >>> summary = summarise_rank_distance(np.array([2.0, 4.0, 9.0]), np.array([0, 0, 1]), 2, pool_size=11)
        >>> summary.mean, summary.median, summary.normalised
        (6.0, 6.0, 0.6)
    """
    by_language = mean_by_language(distances, query_languages, num_languages)
    present = [distances[(query_languages == code) & ~np.isnan(distances)] for code in range(num_languages)]
    present = [values for values in present if len(values)]
    if not present:
        return RankDistance(float("nan"), float("nan"), float("nan"), by_language)
    mean = float(np.nanmean(by_language))
    median = float(np.mean([np.median(values) for values in present]))
    return RankDistance(mean, median, mean / max(pool_size - 1, 1), by_language)


def own_language_share(
    top_counts: np.ndarray, query_languages: np.ndarray, pool_sizes: np.ndarray, k: int
) -> LanguageShare:
    """Compare the languages among the top k with the languages of the pool.

    Args:
        top_counts: float64 ``[Q, L]``, candidates of each language among the first k of the multilingual pool; where
            the k-th score is shared, the expected number over tied orders.
        query_languages: int ``[Q]``.
        pool_sizes: int ``[L]``, candidates of each language in the pool.
        k: number of places counted; a smaller pool fills fewer.

    Example:
        >>> share = own_language_share(np.array([[8.0, 2.0], [4.0, 6.0]]), np.array([0, 1]), np.array([50, 50]), k=10)
        >>> round(share.own, 2), share.pool
        (0.7, 0.5)
    """
    num_languages = len(pool_sizes)
    places = min(k, int(pool_sizes.sum()))
    shares = top_counts / places
    top_by_language = np.stack(
        [mean_by_language(shares[:, column], query_languages, num_languages) for column in range(num_languages)],
        axis=1,
    )
    asked = np.bincount(query_languages, minlength=num_languages) > 0
    pool_by_language = np.where(asked, pool_sizes / pool_sizes.sum(), np.nan)
    own_by_language = np.diagonal(top_by_language).copy()
    return LanguageShare(
        k=k,
        own=float(np.nanmean(own_by_language)),
        pool=float(np.nanmean(pool_by_language)),
        own_by_language=own_by_language,
        pool_by_language=pool_by_language,
        top_by_language=top_by_language,
    )
