"""Packed chunks of one shape: as many tokens and as many segments in every pass of a run, so that a compiled encoder
is compiled once and a CUDA graph can be replayed.

What texts leave over is filled with segments of padding tokens behind them. These are segments like any other: they
see themselves only, no text sees them, and pooling makes a vector of each, which nobody picks (`HybridCollator` says
at which rows the texts are), so that they get no gradient and give none.

No segment is empty and every token is in one. Varlen kernels leave the rows of tokens outside of all segments
unwritten, in outputs and in gradients; pooling by the first token would read behind the end at an empty last segment;
and what a kernel makes of an empty one is nowhere promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_hybrid.encoders.packed import pack


@dataclass(frozen=True)
class ChunkSize:
    """The shape of every packed chunk of a run.

    Attributes:
        tokens: Of a chunk, fillers included.
        segments: Texts and fillers.
        longest: Most tokens in a segment; no text is longer.

    Example:
        >>> size = ChunkSize(tokens=16, segments=4, longest=6)
        >>> size.takes(texts=3, tokens=12), size.takes(texts=2, tokens=15), size.takes(texts=3, tokens=9)
        (True, False, False)
    """

    tokens: int
    segments: int
    longest: int

    def takes(self, texts: Any, tokens: Any) -> Any:
        """Whether so many texts with so many tokens can be filled up: no filler empty, none longer than `longest`.

        Args:
            texts, tokens: Numbers, or arrays of chunks.
        """
        left, fillers = self.tokens - tokens, self.segments - texts
        return (fillers >= 0) & (fillers <= left) & (left <= fillers * self.longest)

    def fillers(self, lengths: np.ndarray) -> np.ndarray:
        """Lengths of the fillers behind texts of `lengths`, as even as they can be: attention takes the least then.

        Raises:
            ValueError: The texts do not fit, see `takes`.

        Example:
            >>> ChunkSize(tokens=16, segments=4, longest=6).fillers(np.array([6, 5])).tolist()
            [3, 2]
        """
        left, count = self.tokens - int(lengths.sum()), self.segments - len(lengths)
        if not self.takes(len(lengths), int(lengths.sum())):
            raise ValueError(f"{len(lengths)} texts of {int(lengths.sum())} tokens do not fit into {self}")
        return np.full(count, left // max(count, 1)) + (np.arange(count) < left % max(count, 1))


def pack_filled(
    values: np.ndarray, lengths: np.ndarray, size: ChunkSize, padding: int, first: int = 0
) -> dict[str, Any]:
    """Features of one packed chunk, filled up to its size; see `packed.pack`.

    Args:
        values: Token ids of all texts, end to end.
        lengths: Tokens of each text, int `[n]`; none is empty.
        size: Of the chunk.
        padding: Token id of the fillers.
        first: Position of a segment's first token.

    Example:
        >>> features = pack_filled(np.array([5, 6, 7]), np.array([1, 2]), ChunkSize(8, 4, 4), padding=1)
        >>> features["input_ids"].tolist(), features["cu_seq_lens_q"].tolist(), features["max_length_q"]
        ([[5, 6, 7, 1, 1, 1, 1, 1]], [0, 1, 3, 6, 8], 4)
    """
    fillers = size.fillers(lengths)
    filled = np.concatenate([values, np.full(int(fillers.sum()), padding, dtype=values.dtype)])
    features = pack(filled, np.concatenate([lengths, fillers]), first)
    return {**features, "max_length_q": size.longest, "max_length_k": size.longest}
