"""Relevant candidates grouped by equal score: what every rank metric here is computed from.

A metric of a ranking is a function of where the relevant candidates stand. Where candidates share a score their order
is arbitrary, so a *group* keeps how many candidates stand above it, how many it has, and how many of those are
relevant; the metrics are then expectations over all orders of the group. A relevant candidate whose score nobody
shares is a group of one, and the expectation is the plain metric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TieGroups:
    """Groups of equally scored relevant candidates, sorted by segment and then from the highest score down.

    A *segment* is one ranking: a query in the pool of all languages, or a query in the pool of one language.

    Attributes:
        num_segments: number of rankings, S.
        segment: int64 ``[G]``, the ranking a group belongs to.
        higher: int64 ``[G]``, candidates (relevant or not) with a strictly higher score.
        size: int64 ``[G]``, candidates with the group's score, relevant or not.
        relevant: int64 ``[G]``, relevant candidates among ``size``.
        relevant_higher: int64 ``[G]``, relevant candidates among ``higher``.
        num_relevant: int64 ``[S]``, relevant candidates of each ranking.
    """

    num_segments: int
    segment: np.ndarray
    higher: np.ndarray
    size: np.ndarray
    relevant: np.ndarray
    relevant_higher: np.ndarray
    num_relevant: np.ndarray

    @classmethod
    def from_ranks(cls, offsets: np.ndarray, higher: np.ndarray, tied: np.ndarray | None = None) -> TieGroups:
        """Group the relevant candidates of S rankings.

        Args:
            offsets: int ``[S + 1]``; ranking s has the entries ``offsets[s]:offsets[s + 1]``, in any order.
            higher: int ``[nnz]``, candidates of the ranking scored strictly higher than this relevant one.
            tied: int ``[nnz]``, *other* candidates of the ranking with the same score; None where no score is shared.

        Returns:
            The groups. Metrics of them give NaN for a ranking without a relevant candidate.

        Raises:
            ValueError: the arrays do not fit together, or cannot come from a ranking.

        Example:
            >>> groups = TieGroups.from_ranks(np.array([0, 2]), np.array([0, 2]))  # relevant at ranks 1 and 3
            >>> groups.relevant_higher.tolist()
            [0, 1]
        """
        offsets = np.asarray(offsets, dtype=np.int64)
        higher = np.asarray(higher, dtype=np.int64)
        tied = np.zeros_like(higher) if tied is None else np.asarray(tied, dtype=np.int64)
        _check_entries(offsets, higher, tied)

        counts = np.diff(offsets)
        segment_of_entry = np.repeat(np.arange(len(counts)), counts)
        # One combined key sorts by (segment, higher) in a single pass.
        span = int(higher.max(initial=0)) + 1
        key = segment_of_entry * span + higher
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(np.diff(key, prepend=-1))
        relevant = np.diff(first, append=len(key))
        segment = segment_of_entry[order[first]]
        groups = cls(
            num_segments=len(counts),
            segment=segment,
            higher=higher[order[first]],
            size=tied[order[first]] + 1,
            relevant=relevant,
            relevant_higher=first - offsets[segment],
            num_relevant=counts,
        )
        _check_groups(groups)
        return groups

    def sum_by_segment(self, values: np.ndarray) -> np.ndarray:
        """Add up one float per group within each ranking: float64 ``[S]``, NaN where a ranking has no relevant
        candidate.
        """
        total = np.bincount(self.segment, weights=values, minlength=self.num_segments).astype(np.float64)
        total[self.num_relevant == 0] = np.nan
        return total


def _check_entries(offsets: np.ndarray, higher: np.ndarray, tied: np.ndarray) -> None:
    if offsets.ndim != 1 or len(offsets) == 0 or offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise ValueError("offsets must be a rising one-dimensional array that starts with 0")
    if higher.shape != (offsets[-1],) or tied.shape != higher.shape:
        raise ValueError(
            f"offsets promise {offsets[-1]} entries, but higher has shape {higher.shape} and tied {tied.shape}"
        )
    if (higher < 0).any() or (tied < 0).any():
        raise ValueError("higher and tied are counts and cannot be negative")


def _check_groups(groups: TieGroups) -> None:
    if (groups.relevant > groups.size).any():
        bad = int(groups.segment[np.argmax(groups.relevant > groups.size)])
        raise ValueError(f"ranking {bad}: more relevant candidates share a rank than candidates are tied there")
    # Within a ranking a group starts no earlier than where the one before it ends.
    same_ranking = groups.segment[1:] == groups.segment[:-1]
    overlap = same_ranking & (groups.higher[1:] < (groups.higher + groups.size)[:-1])
    if overlap.any():
        bad = int(groups.segment[1:][np.argmax(overlap)])
        raise ValueError(
            f"ranking {bad}: groups of equal scores overlap, so these counts cannot come from one ranking"
        )
