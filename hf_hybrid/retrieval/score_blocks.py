"""Counting within one block of scores: sort the columns of each language, then place the relevant scores by binary
search.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

Array = np.ndarray | torch.Tensor


class ScoreBlock:
    """Buffers for a block of queries, and the counting in it.

    Args:
        block_size: queries in a full block.
        pool_sizes: int ``[L]``, candidates of each language; a block's columns are grouped by language in this order.
        top_k: places whose languages are counted.
        tie_order: int64 ``[N]`` by column, or None; see `hf_hybrid.retrieval.ranks.Pool`.
        device: where the scores are.
        place_weights: float64 ``[D, top_k]`` or None, D sets of weights of the first places.

    After `rank`, ``counts`` (int64 ``[4, entries]``: higher and tied in the pool, higher and tied in the own
    language), ``top_counts`` (float64 ``[rows, L]``) and, with place weights, ``top_exposure`` (float64 ``[rows, D,
    L]``) describe the block.
    """

    def __init__(
        self,
        block_size: int,
        pool_sizes: np.ndarray,
        top_k: int,
        tie_order: np.ndarray | None,
        device: torch.device,
        place_weights: np.ndarray | None = None,
    ) -> None:
        num_candidates = int(pool_sizes.sum())
        self.block_size = block_size
        self.pool_sizes = pool_sizes
        self.starts = np.concatenate([[0], np.cumsum(pool_sizes)])
        self.top_k = min(top_k, num_candidates)
        self.tie_order = None if tie_order is None else torch.from_numpy(tie_order).to(device)
        self.scores = torch.empty((block_size, num_candidates), dtype=torch.float32, device=device)
        # Each language's columns lie together here: the binary search wants contiguous rows.
        self._sorted = torch.empty(block_size * num_candidates, dtype=torch.float32, device=device)
        self.counts = np.zeros((4, 0), dtype=np.int64)
        self.top_counts = np.zeros((0, len(pool_sizes)))
        self.place_weights = None if place_weights is None else place_weights[:, : self.top_k]
        self.top_exposure: np.ndarray | None = None

    def rank(self, scores: torch.Tensor, offsets: np.ndarray, columns: np.ndarray, languages: np.ndarray) -> bool:
        """Count what stands above and beside the relevant candidates of a block.

        Args:
            scores: float32 ``[rows, N]``, a view of ``self.scores``; left unchanged.
            offsets: int64 ``[rows + 1]``, entries of each row.
            columns: int64 ``[entries]``, column of each relevant candidate.
            languages: int64 ``[entries]``, its language.

        Returns:
            False where a score is not finite; nothing is counted then.
        """
        sections = self._sort_by_language(scores)
        if sections is None:
            return False
        rows = np.repeat(np.arange(len(scores)), np.diff(offsets))
        best, best_languages = self._best(sections)
        # What is placed in every language: the relevant scores, and behind them each row's k-th best.
        values = torch.cat([scores[torch.from_numpy(rows), torch.from_numpy(columns)], best[:, -1]])
        above, tied = self._place(len(scores), values, np.concatenate([rows, np.arange(len(scores))]))

        entries = np.arange(len(columns))
        entry_above, entry_tied = above[:, : len(columns)], tied[:, : len(columns)]
        self.counts = np.stack(
            [
                entry_above.sum(axis=0),
                entry_tied.sum(axis=0) - 1,  # a candidate is not tied with itself
                entry_above[languages, entries],
                entry_tied[languages, entries] - 1,
            ]
        )
        if self.tie_order is not None:
            self._order_ties(scores, rows, columns, languages)
        above, tied = above[:, len(columns) :].T, tied[:, len(columns) :].T
        self.top_counts = self._languages_of_top(above, tied)
        if self.place_weights is not None:
            self.top_exposure = _exposure(best.cpu().numpy(), best_languages.cpu().numpy(), tied, self.place_weights)
        return True

    def _place(self, num_rows: int, values: torch.Tensor, value_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores of each language above and equal to each value in the value's row: two int64 ``[L, values]``."""
        length = self.pool_sizes[:, None]
        first = num_rows * self.starts[:-1, None] + value_rows * length
        flat: Array = self._sorted
        end: Array = first + length
        if numpy_is_faster(flat):
            flat, values = flat.numpy(), values.numpy()
        else:
            first, end = torch.from_numpy(first).to(flat.device), torch.from_numpy(end).to(flat.device)
        lower = bisect(flat, first, end, values)
        # Only where the next element equals the value is there a second border to look for.
        equal = (lower < end) & (flat[lower.clip(max=len(flat) - 1)] == values)
        upper = lower + 0
        upper[equal] = bisect(flat, lower[equal], end[equal], flat[lower[equal]], right=True)
        above, tied = end - upper, upper - lower
        return (above, tied) if isinstance(above, np.ndarray) else (above.cpu().numpy(), tied.cpu().numpy())

    def _sort_by_language(self, scores: torch.Tensor) -> list[torch.Tensor] | None:
        """Ascending scores of each language, ``[rows, n_l]``; None where one is not finite."""
        rows = len(scores)
        spans = list(zip(self.starts[:-1], self.starts[1:], strict=True))
        sections = [self._sorted[rows * start : rows * stop].view(rows, stop - start) for start, stop in spans]
        # Languages sort side by side, on as many threads as the matrix product has: numpy lets go of the interpreter.
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            list(threads.map(lambda span, out: sort_rows(scores[:, span[0] : span[1]], out), spans, sections))
        # Infinities are sorted to the ends, NaN behind everything.
        if any(section.numel() and not torch.isfinite(section[:, [0, -1]]).all() for section in sections):
            return None
        return sections

    def _best(self, sections: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The ``top_k`` best scores of each row, descending, and their languages: they are among the last of each
        language.
        """
        ends = [section[:, -self.top_k :] for section in sections]
        languages = torch.repeat_interleave(torch.tensor([end.shape[1] for end in ends], device=ends[0].device))
        best = torch.topk(torch.cat(ends, dim=1), self.top_k, dim=1)
        return best.values, languages[best.indices]

    def _languages_of_top(self, above: np.ndarray, tied: np.ndarray) -> np.ndarray:
        """Expected candidates of each language in the top k, from those above and at the k-th best score, ``[rows,
        L]``.
        """
        places_left = self.top_k - above.sum(axis=1, keepdims=True)
        return above + tied * (places_left / tied.sum(axis=1, keepdims=True))

    def _order_ties(self, scores: torch.Tensor, rows: np.ndarray, columns: np.ndarray, languages: np.ndarray) -> None:
        """Turn ``counts`` into places: add the tied candidates that ``tie_order`` puts before the relevant one."""
        for entry in np.flatnonzero(self.counts[1] > 0):
            row, column = scores[rows[entry]], columns[entry]
            before = (row == row[column]) & (self.tie_order < self.tie_order[column])
            self.counts[0, entry] += int(before.sum())
            start, stop = self.starts[languages[entry]], self.starts[languages[entry] + 1]
            self.counts[2, entry] += int(before[start:stop].sum())
        self.counts[[1, 3]] = 0


def _exposure(best: np.ndarray, languages: np.ndarray, tied: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weight of the places that each language holds among the first k, expected over tied orders.

    Args:
        best: float32 ``[rows, k]``, descending.
        languages: int64 ``[rows, k]``.
        tied: int64 ``[rows, L]``, candidates of each language with the k-th best score, within the k and behind them.
        weights: float64 ``[D, k]``.

    Returns:
        float64 ``[rows, D, L]``.
    """
    num_rows, num_places = best.shape
    num_languages = tied.shape[1]
    # Places with one score share the mean of their weights.
    changes = np.diff(best, axis=1, prepend=np.inf) != 0
    group = np.cumsum(changes, axis=1) - 1 + np.arange(num_rows)[:, None] * num_places
    size = np.bincount(group.ravel(), minlength=num_rows * num_places)[group]
    inside = best > best[:, -1:]
    cell = languages + np.arange(num_rows)[:, None] * num_languages
    exposure = np.empty((num_rows, len(weights), num_languages))
    for index, weight in enumerate(weights):
        everywhere = np.broadcast_to(weight, best.shape)
        mean = np.bincount(group.ravel(), weights=everywhere.ravel(), minlength=num_rows * num_places)[group] / size
        of_cell = np.bincount(cell[inside], weights=mean[inside], minlength=num_rows * num_languages)
        # The candidates of the last score, not all of them within the k, share the places that are left.
        left = np.where(inside, 0.0, everywhere).sum(axis=1, keepdims=True)
        exposure[:, index] = of_cell.reshape(num_rows, -1) + left * tied / tied.sum(axis=1, keepdims=True)
    return exposure


def numpy_is_faster(tensor: torch.Tensor) -> bool:
    """Whether to sort and search through numpy: on a CPU, where both share the memory."""
    return tensor.device.type == "cpu"


def sort_rows(values: torch.Tensor, out: torch.Tensor) -> None:
    """Write the rows of float32 ``[rows, n]`` into ``out``, each sorted ascending, NaN last.

    On a CPU numpy sorts: its vectorised sort is more than ten times faster than ``torch.sort``, which carries indices
    along.
    """
    if numpy_is_faster(values):
        sorted_rows = out.numpy()
        np.copyto(sorted_rows, values.numpy())
        sorted_rows.sort(axis=1)
    else:
        out.copy_(torch.sort(values, dim=1).values)


def bisect(flat: Array, first: Array, end: Array, values: Array, right: bool = False) -> Array:
    """Binary search of many values in many sorted runs of one flat array: numpy arrays or torch tensors.

    Args:
        flat: float32 ``[M]``.
        first: int64 of any shape, where the run of each value begins in ``flat``.
        end: int64 of the same shape, where it ends (exclusive).
        values: float32, finite, of the same or a broadcastable shape.
        right: go past elements equal to the value.

    Returns:
        int64 of the same shape: the first place in ``flat`` from which the run is not below the value (``right``:
        above it).

    Example:
        >>> runs = np.array([1.0, 2.0, 2.0, 5.0, 7.0])  # [1, 2, 2] and [5, 7]
        >>> bisect(runs, np.array([0, 3]), np.array([3, 5]), np.array([2.0, 6.0])).tolist()
        [1, 4]
    """
    place = first + 0
    longest = int((end - first).max()) if len(first.flatten()) else 0
    step = 1 << (longest.bit_length() - 1) if longest else 0
    while step:
        # Everything before `place` is below; are the next `step` elements too? Only the last of them needs to be
        # looked at.
        probe = place + (step - 1)
        element = flat[probe.clip(max=len(flat) - 1)]
        is_below = (element <= values) if right else (element < values)
        place += (is_below & (probe < end)) * step
        step >>= 1
    return place


def duplicate_rows(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Find rows that repeat an earlier row bit by bit.

    Args:
        vectors: float32 ``[N, d]``.

    Returns:
        ``(duplicates, originals)``, int64 indices of equal length: row ``duplicates[i]`` equals row ``originals[i]``.

    Example:
        >>> [found.tolist() for found in duplicate_rows(torch.tensor([[1.0], [2.0], [1.0]]))]
        [[2], [0]]
    """
    generator = torch.Generator().manual_seed(0)
    weights = torch.randint(-(2**62), 2**62, (vectors.shape[1],), generator=generator).to(vectors.device)
    # Integer sums wrap around but do not round: equal rows have equal hashes wherever they stand.
    hashes = torch.cat([(chunk.view(torch.int32) * weights).sum(dim=1) for chunk in vectors.contiguous().split(4096)])
    _, group, size = torch.unique(hashes, return_inverse=True, return_counts=True)
    shared = torch.nonzero(size[group] > 1).flatten()
    first_of_group: dict[int, int] = {}
    pairs = []
    for row, key in zip(shared.tolist(), group[shared].tolist(), strict=True):
        original = first_of_group.setdefault(key, row)
        if original != row and torch.equal(vectors[row], vectors[original]):
            pairs.append((row, original))
    found = torch.tensor(pairs, dtype=torch.int64, device=vectors.device).reshape(-1, 2)
    return found[:, 0], found[:, 1]
