"""Share a stream of rows among groups in fixed proportions: exact, monotone, and known at any position.

How many of the first `k` rows belong to group `g`? Rounding each group's quota would not add up to `k`; rounding cumulative
quotas adds up, but lets a group's count fall as `k` grows. A binary tree does both: a node that has had `k` rows gives
`floor(k p)` to its left child and the rest to its right one. Both are monotone in `k`, so every leaf is, and the leaves add
up to `k`. Counts stay within the tree's depth of the quota, and come from a closed formula at any position.
"""

from __future__ import annotations

import numpy as np

_UNIT_BITS = 30


class Apportionment:
    """Counts of groups among the first rows of a stream.

    Args:
        shares: Positive weights `[num_groups]`.

    Example:
        >>> Apportionment(np.array([0.5, 0.25, 0.25])).counts(8).tolist()
        [4, 2, 2]
    """

    def __init__(self, shares: np.ndarray):
        self.num_groups = len(shares)
        self._levels = _levels(np.asarray(shares, dtype=np.float64))

    def counts(self, rows: int) -> np.ndarray:
        """How many of the first `rows` rows belong to each group, int64 `[num_groups]`."""
        return self._descend(rows, lambda total, left: (total * left) >> _UNIT_BITS)

    def most_per_window(self, rows: int) -> np.ndarray:
        """An upper bound of each group's count among any `rows` consecutive rows."""
        return self._descend(
            rows,
            lambda total, left: -((-total * left) >> _UNIT_BITS),
            lambda total, left: -((-total * ((1 << _UNIT_BITS) - left)) >> _UNIT_BITS),
        )

    def _descend(self, rows, to_left, to_right=None) -> np.ndarray:
        """Pass a number from the root to the leaves, level by level."""
        values = np.array([rows], dtype=np.int64)
        leaves = np.empty(self.num_groups, dtype=np.int64)
        for left_share, inner, leaf_groups in self._levels:
            leaves[leaf_groups] = values[~inner]
            total = values[inner]
            left = to_left(total, left_share)
            right = total - left if to_right is None else to_right(total, left_share)
            values = np.stack([left, right], axis=1).ravel()
        return leaves


def _levels(shares: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Levels of a tree that halves the weight: per level the inner nodes' left shares, which nodes are inner, the leaves' groups.

    Groups are sorted by weight first, so that small groups sit together and deep, where rounding weighs least on them.
    """
    order = np.argsort(-shares, kind="stable")
    cumulative = np.concatenate([[0.0], np.cumsum(shares[order])])
    nodes, levels = [(0, len(order))], []
    while nodes:
        inner = np.array([stop - start > 1 for start, stop in nodes])
        left_shares, below = [], []
        for start, stop in nodes:
            if stop - start > 1:
                half = (cumulative[start] + cumulative[stop]) / 2
                split = int(np.clip(np.searchsorted(cumulative[start:stop], half) + start, start + 1, stop - 1))
                total = cumulative[stop] - cumulative[start]
                left_shares.append(round((cumulative[split] - cumulative[start]) / total * (1 << _UNIT_BITS)))
                below += [(start, split), (split, stop)]
        leaf_groups = order[[start for start, stop in nodes if stop - start == 1]].astype(np.int64)
        levels.append((np.array(left_shares, dtype=np.int64), inner, leaf_groups))
        nodes = below
    return levels
