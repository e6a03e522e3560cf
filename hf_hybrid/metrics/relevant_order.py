"""Order of the relevant candidates among themselves: from ranks in the pool to ranks within the query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RelevantOrder:
    """How the entries of a segment (the relevant candidates of a query) stand to each other.

    Attributes:
        before: int64 ``[nnz]``, entries of the same segment that stand strictly higher.
        beside: int64 ``[nnz]``, other entries of the same segment with the same place.
    """

    before: np.ndarray
    beside: np.ndarray

    @classmethod
    def of(cls, segment: np.ndarray, higher: np.ndarray) -> RelevantOrder:
        """Order entries within their segments.

        Args:
            segment: int ``[nnz]``, the segment of each entry.
            higher: int ``[nnz]``, candidates above the entry in the pool.

        Example:
            >>> order = RelevantOrder.of(np.array([0, 0, 0, 1]), np.array([7, 2, 7, 5]))
            >>> order.before.tolist(), order.beside.tolist()
            ([1, 0, 1, 0], [1, 0, 1, 0])
        """
        segment = np.asarray(segment, dtype=np.int64)
        higher = np.asarray(higher, dtype=np.int64)
        key = segment * (int(higher.max(initial=0)) + 1) + higher
        _, group, size = np.unique(key, return_inverse=True, return_counts=True)
        start = np.cumsum(size) - size
        per_segment = np.bincount(segment) if len(segment) else np.zeros(0, dtype=np.int64)
        segment_start = np.cumsum(per_segment) - per_segment
        return cls(before=start[group] - segment_start[segment], beside=size[group] - 1)

    @property
    def mid_ranks(self) -> np.ndarray:
        """float64 ``[nnz]``: ranks within the segment from 1, equal places sharing their mean."""
        return self.before + self.beside / 2 + 1


def queries_of_entries(offsets: np.ndarray) -> np.ndarray:
    """int64 ``[nnz]``: the query of each entry, from offsets ``[Q + 1]``."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def mean_of_language(
    values: np.ndarray, offsets: np.ndarray, languages: np.ndarray, num_languages: int
) -> tuple[np.ndarray, np.ndarray]:
    """Average entries by query and language.

    Args:
        values: float ``[nnz]``.
        offsets: int ``[Q + 1]``.
        languages: int ``[nnz]``.
        num_languages: L.

    Returns:
        float64 ``[Q, L]``, NaN where a query has no entry in a language; int64 ``[Q, L]``, the number of entries.

    Example:
        >>> mean_of_language(np.array([1.0, 3.0, 5.0]), np.array([0, 3]), np.array([0, 0, 1]), 2)[0].tolist()
        [[2.0, 5.0]]
    """
    shape = (len(offsets) - 1, num_languages)
    cell = queries_of_entries(offsets) * num_languages + languages
    counts = np.bincount(cell, minlength=shape[0] * shape[1])
    sums = np.bincount(cell, weights=values, minlength=shape[0] * shape[1])
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means.reshape(shape), counts.reshape(shape)
