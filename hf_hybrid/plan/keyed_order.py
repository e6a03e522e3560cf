"""An endless, reshuffled order over a pool that can be entered anywhere in O(1).

Pass `p` over a pool of `size` rows is a keyed permutation: a Feistel network over the next power of two, walked until
it lands in the pool. Nothing is stored and nothing is drawn in sequence, so the rows at any position are a pure
function of `(key, position)`: the property that makes the batch plan independent of ranks, workers and restarts.

Consecutive positions never repeat a row within `window` of each other, also where one pass ends and the next begins:
rows that closed a pass are moved out of the opening of the next one. Batches may therefore straddle passes and stay
duplicate-free, and a pass still visits every row exactly once.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

ROUNDS = 6
BLOCK = 1024
CACHED_BLOCKS = 2

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


def mix64(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser: a bijection of uint64 with full avalanche (Steele et al. 2014)."""
    values = (values ^ (values >> _S30)) * _MIX_1
    values = (values ^ (values >> _S27)) * _MIX_2
    return values ^ (values >> _S31)


def derive_key(*parts: int) -> int:
    """Fold integers into one 64-bit key, order-sensitively."""
    with np.errstate(over="ignore"):
        key = np.uint64(len(parts))
        for part in parts:
            key = mix64(np.asarray((key ^ np.uint64(part & 0xFFFFFFFFFFFFFFFF)) + _GOLDEN))[()]
    return int(key)


def unit_interval(bits: np.ndarray) -> np.ndarray:
    """Random uint64 as float64 in `[0, 1)`: their upper 53 bits."""
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def keyed_permutation(positions: np.ndarray, size: int, key: int) -> np.ndarray:
    """Image of `positions` under the permutation of `range(size)` that `key` selects.

    Args:
        positions: Integers in `[0, size)`, any shape.
        size: Size of the permuted range.
        key: 64-bit key.

    Returns:
        int64 array of the same shape: distinct positions have distinct images.

    Example:
        >>> sorted(keyed_permutation(np.arange(5), 5, key=1).tolist())
        [0, 1, 2, 3, 4]
    """
    if size <= 1:
        return np.zeros_like(positions, dtype=np.int64)
    low_bits = (int(size - 1).bit_length() + 1) // 2
    high_bits = max(int(size - 1).bit_length() - low_bits, 1)
    keys = [np.uint64(derive_key(key, round_)) for round_ in range(ROUNDS)]
    image = np.array(positions, dtype=np.uint64, copy=True).reshape(-1)
    pending = np.arange(image.size)
    values = image
    while pending.size:
        values = _feistel(values, low_bits, high_bits, keys)
        inside = values < np.uint64(size)
        image[pending[inside]] = values[inside]
        pending, values = pending[~inside], values[~inside]
    return image.astype(np.int64).reshape(np.shape(positions))


def _feistel(values: np.ndarray, low_bits: int, high_bits: int, keys: list[np.uint64]) -> np.ndarray:
    low_mask, high_mask = np.uint64((1 << low_bits) - 1), np.uint64((1 << high_bits) - 1)
    low, high = values & low_mask, values >> np.uint64(low_bits)
    with np.errstate(over="ignore"):
        for round_, key in enumerate(keys):
            # An unbalanced network: each half is masked by a hash of the other, which is invertible for any widths.
            if round_ % 2 == 0:
                low = low ^ (mix64(high * _GOLDEN + key) & low_mask)
            else:
                high = high ^ (mix64(low * _GOLDEN + key) & high_mask)
    return (high << np.uint64(low_bits)) | low


class KeyedOrder:
    """Endless order over `range(size)` in which any `window` consecutive rows are distinct.

    Args:
        size: Number of rows in the pool.
        window: Most rows that one batch takes; at most `size`.
        key: 64-bit key; another key gives another order.

    A pool of fewer than `3 * window` rows is too small to keep a reshuffled pass apart from its neighbours without
    looking back through all of them: it cycles through one permutation, which keeps every window distinct.

    Example:
        >>> order = KeyedOrder(size=10, window=2, key=7)
        >>> sorted(order.take(0, 10).tolist()) == sorted(order.take(10, 10).tolist()) == list(range(10))
        True
    """

    def __init__(self, size: int, window: int, key: int):
        if not 0 < window <= size:
            raise ValueError(f"window must be in [1, size], got window={window}, size={size}")
        self.size, self.window, self.key = size, window, key
        self.cyclic = size < 3 * window
        self._block = max(BLOCK, 2 * window)
        self._cache: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()

    def take(self, start: int, count: int) -> np.ndarray:
        """The rows at positions `start, ..., start + count - 1`, int64."""
        parts = []
        while count > 0:
            pass_, offset = divmod(start, self.size)
            block, within = divmod(offset, self._block)
            rows = self._rows(0 if self.cyclic else pass_, block)[within : within + count]
            parts.append(rows)
            start, count = start + len(rows), count - len(rows)
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])

    def _rows(self, pass_: int, block: int) -> np.ndarray:
        """One block of a pass. The last few blocks are kept: consecutive batches read the same ones."""
        rows = self._cache.get((pass_, block))
        if rows is None:
            first, last = block * self._block, min((block + 1) * self._block, self.size)
            rows = self._permuted(pass_, first, last)
            if block == 0 and pass_ > 0:
                rows = self._keep_apart(rows, self._permuted(pass_ - 1, self.size - self.window, self.size))
            self._cache[pass_, block] = rows
            if len(self._cache) > CACHED_BLOCKS:
                self._cache.popitem(last=False)
        return rows

    def _permuted(self, pass_: int, first: int, last: int) -> np.ndarray:
        return keyed_permutation(np.arange(first, last), self.size, derive_key(self.key, pass_))

    def _keep_apart(self, rows: np.ndarray, closing: np.ndarray) -> np.ndarray:
        """Move rows that closed the last pass out of this one's first `window` positions, keeping the order otherwise.

        Only the first `2 * window` positions can change, and the pass has at least three windows: the closing rows of
        every pass are those of its own permutation, which is why no pass depends on more than its predecessor.
        """
        head = rows[: 2 * self.window]
        fresh = np.flatnonzero(~np.isin(head, closing))[: self.window]
        later = np.setdiff1d(np.arange(len(head)), fresh, assume_unique=True)
        return np.concatenate([head[fresh], head[later], rows[2 * self.window :]])
