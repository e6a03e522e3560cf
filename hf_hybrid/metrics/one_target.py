"""One relevant candidate left in the pool at a time: which language of the answer is found, with no translation
competing.

LAReQA (Roy et al., EMNLP 2020, section on bias): for a query and a target language, the relevant candidates of all
other languages are taken out of the multilingual pool, and the one that is left is searched among all irrelevant
candidates of all languages. A strong diagonal of the language matrix then is same-language bias. It is the only
measure here that competing answers do not blur.

No search is needed: the rank of the only target is its rank in the pool less the number of other relevant candidates
above it.
"""

from __future__ import annotations

import numpy as np

from hf_hybrid.metrics.average_precision import average_precision
from hf_hybrid.metrics.relevant_order import RelevantOrder, mean_of_language, queries_of_entries
from hf_hybrid.metrics.tie_groups import TieGroups

# Queries x languages that are sorted at once: bounds the memory with a hundred languages.
_CELLS_AT_ONCE = 1 << 20


def one_target_counts(offsets: np.ndarray, higher: np.ndarray, tied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each relevant candidate stands once the query's other relevant candidates are gone.

    Args:
        offsets: int ``[Q + 1]``, the entries (relevant candidates) of each query.
        higher: int ``[nnz]``, candidates of the pool scored strictly higher.
        tied: int ``[nnz]``, other candidates of the pool with the same score.

    Returns:
        The same two counts, int64 ``[nnz]``, of irrelevant candidates only.

    Example:
        >>> offsets, higher, tied = np.array([0, 3]), np.array([0, 4, 4]), np.array([0, 2, 2])
        >>> [counts.tolist() for counts in one_target_counts(offsets, higher, tied)]
        [[0, 3, 3], [0, 1, 1]]
    """
    order = RelevantOrder.of(queries_of_entries(offsets), higher)
    # Where a rule has ordered the ties nobody is tied, and every place is held once.
    return higher - order.before, np.maximum(tied - order.beside, 0)


def one_target_average_precision(
    offsets: np.ndarray, languages: np.ndarray, higher: np.ndarray, tied: np.ndarray, num_languages: int
) -> np.ndarray:
    """Average precision of each target language: with one relevant candidate, one over its rank (expected over tied
    orders).

    Args:
        offsets: int ``[Q + 1]``.
        languages: int ``[nnz]``, language of each entry.
        higher: int ``[nnz]``, see `one_target_counts`.
        tied: int ``[nnz]``.
        num_languages: L.

    Returns:
        float64 ``[Q, L]``; NaN where a query has no relevant candidate in the language. Where it has several, each is
        left alone in turn and the mean is taken.

    Example:
        >>> counts = np.array([0, 3]), np.array([0, 1, 2]), np.array([0, 4, 1]), np.array([0, 0, 0])
        >>> one_target_average_precision(*counts, num_languages=3).round(4).tolist()
        [[1.0, 0.3333, 1.0]]
    """
    alone, beside = one_target_counts(offsets, higher, tied)
    values = average_precision(TieGroups.from_ranks(np.arange(len(alone) + 1), alone, beside))
    return mean_of_language(values, offsets, languages, num_languages)[0]


def gold_rank_shift(
    offsets: np.ndarray, languages: np.ndarray, higher: np.ndarray, tied: np.ndarray, num_languages: int
) -> np.ndarray:
    """MLRS with gold translations: how far the answers of a query would rise, were they written in another language.

    MultiLingualRankShift (Park and Lee, Findings of ACL 2025, arXiv 2502.11175) translates retrieved passages to a
    language t and ranks
    again: ``MLRS = 100 * sum over d of max(r_init - r_new, 0) / sum over d of (r_init - 1)``. On parallel data no
        machine translation is
    needed: the passages d are the relevant candidates of languages other than t, each alone among the irrelevant
    candidates (`one_target_counts`), and the translation of each is the relevant candidate in t.

    Args:
        offsets: int ``[Q + 1]``.
        languages: int ``[nnz]``.
        higher: int ``[nnz]``, see `one_target_counts`.
        tied: int ``[nnz]``; equal scores count half: expected ranks are compared.
        num_languages: L.

    Returns:
        float64 ``[Q, L]`` in percent, by target language t: 0, nothing rises; 100, all rise to the top: the language
        is preferred. NaN where the query has not exactly one relevant candidate in t and in some other language, or
        where all others are first already.

    Example:
        >>> counts = np.array([0, 2]), np.array([0, 1]), np.array([2, 11]), np.array([0, 0])
        >>> gold_rank_shift(*counts, num_languages=2).tolist()  # alone, the answers stand at ranks 3 and 11
        [[80.0, 0.0]]
    """
    alone, beside = one_target_counts(offsets, higher, tied)
    ranks, counts = mean_of_language(1 + alone + beside / 2, offsets, languages, num_languages)
    ranks[counts != 1] = np.nan
    shift = np.empty_like(ranks)
    rows = max(1, _CELLS_AT_ONCE // num_languages)
    for start in range(0, len(ranks), rows):
        shift[start : start + rows] = _rank_shift(ranks[start : start + rows])
    return shift


def _rank_shift(ranks: np.ndarray) -> np.ndarray:
    """MLRS of ranks ``[Q, L]``, NaN where a query has no single candidate in a language."""
    # Sorted by rank, what stands behind a place is a suffix. Absent ranks become 0: they stand in front and add
    # nothing.
    filled = np.nan_to_num(ranks, nan=0.0)
    order = np.argsort(filled, axis=1)
    ascending = np.take_along_axis(filled, order, axis=1)
    behind = np.cumsum(ascending[:, ::-1], axis=1)[:, ::-1] - ascending
    number_behind = np.arange(ranks.shape[1])[::-1]
    gain = np.empty_like(filled)
    np.put_along_axis(gain, order, behind - number_behind * ascending, axis=1)
    places = np.where(np.isnan(ranks), 0.0, ranks - 1)
    possible = places.sum(axis=1, keepdims=True) - places
    return np.where(np.isnan(ranks) | (possible <= 0), np.nan, 100 * gain / np.where(possible > 0, possible, 1))
