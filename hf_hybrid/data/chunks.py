"""Cut the texts of a batch into chunks: ordered by length, each at most so many padded tokens, with little padding.

Queries are short, passages long, and languages differ: a batch padded as a whole is mostly padding. Sorted by length
and cut well, each chunk is padded to its own longest text only. A chunk also costs something by itself (launching the
encoder): little on a CPU, on a GPU as much as tens of thousands of tokens (module `training.pass_cost`). So the cuts
weigh padding against the number of chunks. Where texts are laid end to end instead, there is no padding, and chunks
are filled one after the other.
"""

from __future__ import annotations

import numpy as np

# What starting one more forward and backward pass costs on a CPU, in tokens.
CHUNK_OVERHEAD = 64
# Cuts are sought between classes of lengths this wide; finer ones change the padding by a percent.
LENGTH_CLASS = 8


def cut_chunks(lengths: np.ndarray, chunk_tokens: int, overhead: int = CHUNK_OVERHEAD) -> list[np.ndarray]:
    """Partition texts into chunks of at most `chunk_tokens` padded tokens with the least padding.

    Args:
        lengths: Number of tokens of each text, int `[n]`.
        chunk_tokens: Most padded tokens (rows times the longest row) in a chunk; a longer text gets a chunk of its
            own.
        overhead: Cost of one more chunk, in tokens.

    Returns:
        Positions of the texts of each chunk, longest texts first; every text is in exactly one. The result depends on
        the lengths alone.

    Example:
        >>> [chunk.tolist() for chunk in cut_chunks(np.array([9, 120, 8, 110]), chunk_tokens=1000, overhead=64)]
        [[1, 3], [0, 2]]
    """
    if not len(lengths):
        return []
    order = np.argsort(-lengths, kind="stable")
    ordered = np.maximum(lengths[order], 1)
    chunks: list[np.ndarray] = []
    for start, stop in _groups(ordered, chunk_tokens, overhead):
        pieces = -(-(stop - start) // max(1, chunk_tokens // int(ordered[start])))
        chunks += np.array_split(order[start:stop], pieces)
    return chunks


def fill_chunks(lengths: np.ndarray, chunk_tokens: int) -> list[np.ndarray]:
    """Partition texts that need no padding into few chunks of at most `chunk_tokens` tokens, about as many in each.

    Args:
        lengths: Number of tokens of each text, int `[n]`.
        chunk_tokens: Most tokens in a chunk; a longer text gets a chunk of its own.

    Returns:
        As `cut_chunks`.

    Example:
        >>> [chunk.tolist() for chunk in fill_chunks(np.array([9, 120, 8, 110]), chunk_tokens=240)]
        [[1, 3], [0, 2]]
    """
    if not len(lengths):
        return []
    order = np.argsort(-lengths, kind="stable")
    tokens = np.maximum(lengths[order], 1)
    ends = np.cumsum(tokens)
    total = int(ends[-1])
    # Even shares: filled to the brim, the last chunk would be a few texts and cost a whole pass all the same.
    share = -(-total // -(-total // chunk_tokens))
    chunks, start, held = [], 0, 0
    while start < len(order):
        reached = int(np.searchsorted(ends, held + share)) + 1
        within = int(np.searchsorted(ends, held + chunk_tokens, side="right"))
        stop = max(start + 1, min(reached, within))
        chunks.append(order[start:stop])
        start, held = stop, int(ends[stop - 1])
    return chunks


def _groups(ordered: np.ndarray, chunk_tokens: int, overhead: int) -> list[tuple[int, int]]:
    """Spans of the descending lengths that are padded together: the cheapest partition, by dynamic programming."""
    classes = -(-ordered // LENGTH_CLASS)
    starts = np.flatnonzero(np.r_[True, classes[1:] != classes[:-1]])
    ends = np.r_[starts[1:], len(ordered)]
    widths = ordered[starts].astype(np.float64)
    cost = np.zeros(len(ends) + 1)
    best_start = np.zeros(len(ends), dtype=np.int64)
    for last in range(len(ends)):
        rows = ends[last] - starts[: last + 1]
        padded = rows * widths[: last + 1]
        pieces = np.ceil(rows / np.maximum(1, chunk_tokens // widths[: last + 1]))
        total = cost[: last + 1] + padded + overhead * pieces
        best_start[last] = np.argmin(total)
        cost[last + 1] = total[best_start[last]]
    spans, last = [], len(ends) - 1
    while last >= 0:
        first = int(best_start[last])
        spans.append((int(starts[first]), int(ends[last])))
        last = first - 1
    return spans[::-1]
