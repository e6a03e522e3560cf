"""Share every batch among groups in fixed proportions: full batches, fair over time, and known at any batch.

Batch `m` uses systematic sampling: lay the groups' shares end to end on `[0, G)` and take the rows at `j - theta_m`,
`j = 1..G`. Each group then gets the floor or the ceiling of its quota, never more, and the batch is always full. The
offset `theta_m` is the bit-reversed number of the batch (van der Corput's sequence, shifted by a key), so that a group
with a quota of 0.3 gets its row in three of any ten batches or so. How many rows earlier batches took from a group,
which says where in the group's order the batch continues, is a count of van der Corput points in an interval: a closed
formula, all in integers.
"""

from __future__ import annotations

import numpy as np

BITS = 32
ONE = 1 << BITS


class Apportionment:
    """Rows of each group in every batch.

    Args:
        shares: Positive weights `[num_groups]`.
        batch_size: Rows per batch.
        key: Shifts the offsets: which batches the fractional rows fall into.

    Example:
        >>> quota = Apportionment(np.array([2.0, 1.0, 1.0]), batch_size=2)
        >>> [(quota.before(m + 1) - quota.before(m)).tolist() for m in range(2)]
        [[1, 0, 1], [1, 1, 0]]
    """

    def __init__(self, shares: np.ndarray, batch_size: int, key: int = 0):
        self.batch_size = batch_size
        cumulative = np.cumsum(np.asarray(shares, dtype=np.float64))
        exact = [round(float(c / cumulative[-1]) * batch_size * ONE) for c in cumulative[:-1]]
        # Boundaries of the groups on [0, batch_size), in units of 2^-32.
        self._boundaries = np.array([0, *exact, batch_size * ONE], dtype=np.int64)
        self._shift = key % ONE

    @property
    def most(self) -> np.ndarray:
        """Most rows of each group in any batch: the ceiling of its quota."""
        return -(-np.diff(self._boundaries) // ONE)

    def before(self, batch: int) -> np.ndarray:
        """Rows that batches `0 .. batch - 1` took from each group, int64 `[num_groups]`."""
        if len(self._boundaries) == 2:
            return np.array([batch * self.batch_size], dtype=np.int64)
        whole, fraction = np.divmod(self._boundaries, ONE)
        # Sum over batches of floor(boundary + offset): one more wherever the offset reaches 1 - fraction.
        return np.diff(batch * whole + (batch - self._offsets_below(batch, ONE - fraction)))

    def _offsets_below(self, batch: int, limits: np.ndarray) -> np.ndarray:
        """How many of the first `batch` offsets lie below each limit (in units of 2^-32)."""
        count, first = np.zeros_like(limits), 0
        for bit in reversed(range(int(batch).bit_length())):
            if not batch >> bit & 1:
                continue
            # Batches [first, first + 2^bit) differ in their low bits only: their offsets are evenly spaced.
            spacing = ONE >> bit
            lowest = (_reverse_bits(first) ^ self._shift) & (spacing - 1)
            count += np.clip(-((lowest - limits) // spacing), 0, 1 << bit)
            first += 1 << bit
        return count


def _reverse_bits(value: int) -> int:
    return int(f"{value:0{BITS}b}"[::-1], 2)
