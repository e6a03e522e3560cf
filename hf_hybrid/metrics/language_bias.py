"""All bias measures of an evaluation that need more than one figure, from the counts of the relevant candidates."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hf_hybrid.metrics.bias import RankDistance, max_rank, summarise_rank_distance
from hf_hybrid.metrics.exposure import TopLanguages, top_languages
from hf_hybrid.metrics.language_matrix import LanguageScores, language_scores
from hf_hybrid.metrics.one_target import gold_rank_shift, one_target_average_precision
from hf_hybrid.metrics.parallel_ranks import Friedman, cluster_blocks, friedman, within_query_ranks
from hf_hybrid.metrics.peer import Peer, peer
from hf_hybrid.metrics.tie_groups import TieGroups

NOT_PARALLEL = "no language asks two queries that have exactly one relevant candidate in every language"


@dataclass(frozen=True)
class LanguageBias:
    """Language bias of an evaluation.

    Attributes:
        top: languages of the top k against those of the pool (divergence, AWRF).
        one_target: average precision with one target in the pool at a time; ``cells`` is LAReQA's heat map, ``pool``
            its row means.
        rank_shift: MLRS with gold translations in percent; ``cells`` is query language by target language.
        friedman: Friedman's test of each query language, None where it does not exist.
        friedman_clusters: the same over clusters of queries.
        friedman_reason: why no query language has the test; None where one has.
        peer: PEER of the relevant candidates, or the reason why there is none.
        max_rank: Max@R, summarised like the rank distance.
        per_query: ``one_target`` (float64 ``[Q, L]``) and ``max_rank`` (float64 ``[Q]``).
    """

    top: TopLanguages
    one_target: LanguageScores
    rank_shift: LanguageScores
    friedman: tuple[Friedman | None, ...]
    friedman_clusters: tuple[Friedman | None, ...]
    friedman_reason: str | None
    peer: Peer
    max_rank: RankDistance
    per_query: dict[str, np.ndarray] = field(repr=False)

    @property
    def kendall_w(self) -> np.ndarray:
        """float64 ``[L]``: Kendall's W per query language, NaN where there is none."""
        return np.array([np.nan if test is None else test.kendall_w for test in self.friedman])

    @property
    def mean_ranks(self) -> np.ndarray:
        """float64 ``[L, L]``, query language by candidate language: mean rank of the answer among its translations."""
        absent = np.full(len(self.friedman), np.nan)
        return np.stack([absent if test is None else test.mean_ranks for test in self.friedman])


def language_bias(
    offsets: np.ndarray,
    languages: np.ndarray,
    higher: np.ndarray,
    tied: np.ndarray,
    *,
    query_languages: np.ndarray,
    clusters: np.ndarray,
    pool_sizes: np.ndarray,
    top_k: int,
    top_counts: np.ndarray,
    top_exposure: np.ndarray | None = None,
    in_pool: TieGroups | None = None,
) -> LanguageBias:
    """Measure language bias in the multilingual pool.

    Args:
        offsets: int ``[Q + 1]``, entries (relevant candidates) of each query.
        languages: int ``[nnz]``, language of each entry.
        higher: int ``[nnz]``, candidates of the pool scored strictly higher.
        tied: int ``[nnz]``, other candidates of the pool with the same score.
        query_languages: int ``[Q]``.
        clusters: int ``[Q]``, queries that are not independent (questions about one paragraph) share a number.
        pool_sizes: int ``[L]``.
        top_k: number of places behind ``top_counts``.
        top_counts: float64 ``[Q, L]``, languages of the first ``top_k`` places.
        top_exposure: float64 ``[Q, 2, L]`` with the weights of `place_weights`, or None: then there is no AWRF.
        in_pool: `TieGroups` of the same counts, where they exist already.

    Example:
        >>> bias = language_bias(
        ...     np.array([0, 2, 4]), np.array([0, 1, 0, 1]), np.array([0, 3, 2, 0]), np.zeros(4, int),
        ...     query_languages=np.array([0, 1]), clusters=np.array([0, 0]), pool_sizes=np.array([2, 2]),
        ...     top_k=1, top_counts=np.array([[1.0, 0.0], [0.0, 1.0]]))
        >>> bias.one_target.cells.round(3).tolist()
        [[1.0, 0.333], [0.5, 1.0]]
    """
    num_languages = len(pool_sizes)
    counts = offsets, languages, higher, tied
    in_pool = TieGroups.from_ranks(offsets, higher, tied) if in_pool is None else in_pool
    one_target = one_target_average_precision(*counts, num_languages)
    rank_shift = gold_rank_shift(*counts, num_languages)
    ranks = within_query_ranks(offsets, languages, higher, num_languages)
    of_language = [np.flatnonzero(query_languages == code) for code in range(num_languages)]
    tests = tuple(friedman(ranks[rows]) for rows in of_language)
    lowest = max_rank(in_pool)
    return LanguageBias(
        top=top_languages(top_counts, top_exposure, query_languages, pool_sizes, top_k),
        one_target=language_scores(one_target, _row_means(one_target), query_languages),
        rank_shift=language_scores(rank_shift, _row_means(rank_shift), query_languages),
        friedman=tests,
        friedman_clusters=tuple(friedman(cluster_blocks(ranks[rows], clusters[rows])) for rows in of_language),
        friedman_reason=None if any(tests) else NOT_PARALLEL,
        peer=peer(offsets, languages, higher),
        max_rank=summarise_rank_distance(lowest, query_languages, num_languages, int(pool_sizes.sum())),
        per_query={"one_target": one_target, "max_rank": lowest},
    )


def _row_means(values: np.ndarray) -> np.ndarray:
    """Mean over the defined values of each row, NaN where there is none."""
    defined = ~np.isnan(values)
    number = defined.sum(axis=1)
    return np.where(number > 0, np.where(defined, values, 0).sum(axis=1) / np.maximum(number, 1), np.nan)
