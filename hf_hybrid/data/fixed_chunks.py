"""Chunks of one shape: what shape suits a run, and how a batch's texts are dealt into chunks of it.

A compiled encoder wants every chunk to have as many tokens and segments as the last (module `encoders.fixed_chunk`).
So the texts of a batch are dealt out like cards, longest first, there and back: all chunks get about as many texts and
as many tokens, and little is left to fill. The shape is chosen once, by some of the run's batches and by what a pass
costs: small chunks leave little over, large ones make few passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hf_hybrid.encoders.fixed_chunk import ChunkSize

# Matrix kernels like rows in multiples of their tiles.
MULTIPLE = 256
# Shapes that are dealt into for comparison, the cheapest by an estimate.
TRIED = 32
# Segments beside the text, of a chunk that is made for the longest one.
SPARE = 64


def deal_chunks(lengths: np.ndarray, size: ChunkSize) -> list[np.ndarray]:
    """Partition texts into as few chunks of one shape as dealing them out evenly gives.

    Args:
        lengths: Number of tokens of each text, int `[n]`; at least 1, at most `size.longest`.
        size: Of a chunk.

    Returns:
        Positions of the texts of each chunk, longest texts first; every text is in exactly one. The result depends on
        the lengths alone.

    Raises:
        ValueError: A text fits into no chunk, even alone.

    Example:
        >>> [chunk.tolist() for chunk in deal_chunks(np.array([9, 40, 8, 30]), ChunkSize(64, 6, 40))]
        [[1, 2], [3, 0]]
    """
    if not len(lengths):
        return []
    order = np.argsort(-lengths, kind="stable")
    count, chunks = len(lengths), _fewest(int(lengths.sum()), len(lengths), size)
    while chunks <= count:
        place = _dealt(count, chunks)
        tokens = np.bincount(place, weights=lengths[order]).astype(np.int64)
        texts = np.bincount(place)
        if np.all(size.takes(texts, tokens)):
            by_chunk = np.argsort(place, kind="stable")
            return [order[part] for part in np.split(by_chunk, np.cumsum(texts)[:-1])]
        chunks += 1
    raise ValueError(f"texts of up to {int(lengths.max())} tokens do not fit into {size}")


def choose_chunk_size(batches: Sequence[np.ndarray], longest: int, chunk_tokens: int, overhead: int) -> ChunkSize:
    """The shape with which some batches cost the least: their tokens, fillers, and what their passes cost.

    Args:
        batches: Lengths of all texts of each batch.
        longest: Tokens of the longest text that may come.
        chunk_tokens: Most tokens in a chunk, unless the longest text needs more.
        overhead: What a pass costs, in tokens.

    Returns:
        A shape into which every text of at most `longest` tokens fits, if need be alone.

    Example:
        >>> choose_chunk_size([np.full(64, 30), np.full(64, 20)], longest=60, chunk_tokens=16_384, overhead=4_000)
        ChunkSize(tokens=2048, segments=99, longest=60)
    """
    likely = sorted(_candidates(batches, longest, chunk_tokens, overhead), key=lambda pair: pair[0])[:TRIED]
    sizes = [size for _, size in likely] or [_smallest(longest)]
    costs = [sum(len(deal_chunks(lengths, size)) for lengths in batches) * (size.tokens + overhead) for size in sizes]
    return sizes[int(np.argmin(costs))]


def _candidates(
    batches: Sequence[np.ndarray], longest: int, chunk_tokens: int, overhead: int
) -> Iterator[tuple[float, ChunkSize]]:
    """Shapes with about what they cost: as if texts could be dealt out to the token."""
    totals, counts = (np.array([f(lengths) for lengths in batches]) for f in (np.sum, len))
    for tokens in range(MULTIPLE, chunk_tokens + 1, MULTIPLE):
        # So many fillers of full length could fill a chunk: with as many segments to spare, any rest can be filled.
        spare = -(-tokens // longest)
        texts = -(-counts.max() // max(1, -(-totals.min() // max(tokens - spare, 1))))
        size = ChunkSize(tokens, int(texts) + spare, longest)
        if size.takes(1, 1) and size.takes(1, longest):
            passes = np.maximum(1, -(-(totals - counts) // (tokens - size.segments)))
            yield float(passes.mean()) * (tokens + overhead), size


def _smallest(longest: int) -> ChunkSize:
    """A shape for the longest text, where `chunk_tokens` is too small for it."""
    tokens = -(-(longest + SPARE) // MULTIPLE) * MULTIPLE
    return ChunkSize(tokens, min(max(SPARE, -(-tokens // longest)), tokens - longest) + 1, longest)


def _fewest(tokens: int, texts: int, size: ChunkSize) -> int:
    """No fewer chunks can hold so much: each segment that is no text's takes a token at least."""
    by_tokens = -(-(tokens - texts) // max(size.tokens - size.segments, 1))
    return max(1, by_tokens, -(-texts // size.segments))


def _dealt(count: int, chunks: int) -> np.ndarray:
    """The chunk of each text, dealt there and back."""
    turn, place = np.divmod(np.arange(count), chunks)
    return np.where(turn % 2 == 0, place, chunks - 1 - place)
