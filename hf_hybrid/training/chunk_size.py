"""The one shape of a compiled run's packed chunks: chosen once, kept with every checkpoint, told with what is filler.

Which shape suits a run follows from its texts, from what a pass costs and from how many tokens a chunk may have
(`data.fixed_chunks`). A resumed run takes the shape that it was begun with, and so makes the same chunks.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from hf_hybrid.data.fixed_chunks import choose_chunk_size, deal_chunks
from hf_hybrid.data.tokenised import TokenisedBatch, TokenisedPairs
from hf_hybrid.encoders.fixed_chunk import ChunkSize
from hf_hybrid.plan.batch_plan import HybridBatchSampler

# Batches by which a shape is chosen; of very large ones fewer do.
SAMPLED = 16
SAMPLED_TEXTS = 400_000
LEAST_SAMPLED = 3


class ChunkSizeState(TrainerCallback, ExportableState):
    """Keeps the shape of a run's chunks in the trainer state, and so in every checkpoint; None until it is chosen."""

    def __init__(self, size: ChunkSize | None = None):
        self.size = size

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"size": self.size and dataclasses.asdict(self.size)}}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ChunkSizeState:
        size = state["attributes"]["size"]
        return cls(size and ChunkSize(**size))

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        # The state of a checkpoint from before has no place for it, and the trainer makes none.
        state.stateful_callbacks.setdefault(type(self).__name__, self.state())


def stored_chunk_size(checkpoint: str | Path) -> ChunkSize | None:
    """The shape of the chunks of a checkpoint's run; None where that was not compiled, or padded."""
    path = Path(checkpoint) / "trainer_state.json"
    if not path.is_file():
        return None
    callbacks = json.loads(path.read_text(encoding="utf-8")).get("stateful_callbacks", {})
    size = callbacks.get(ChunkSizeState.__name__, {}).get("attributes", {}).get("size")
    return size and ChunkSize(**size)


def chunk_size_of(data: TokenisedPairs, sampler: HybridBatchSampler, chunk_tokens: int, overhead: int) -> ChunkSize:
    """The shape that suits a run, by the first batches of its plan.

    Args:
        data: Of the run.
        sampler: This rank's batches.
        chunk_tokens: Most tokens in a chunk.
        overhead: What a pass costs, in tokens.
    """
    lengths = sampled_lengths(data, sampler)
    sides = [side for side in ("query", "passage", "negative") if side != "negative" or data.num_negatives]
    longest = max(int(data.lengths(side).max(initial=1)) for side in sides)
    return choose_chunk_size(lengths, longest, chunk_tokens, overhead)


def sampled_lengths(data: TokenisedPairs, sampler: HybridBatchSampler) -> list[np.ndarray]:
    """Tokens of all texts of each of the first batches."""
    batches = (text_lengths(data.__getitems__(address)) for address in sampler)
    first = next(batches)
    count = max(LEAST_SAMPLED, min(SAMPLED, SAMPLED_TEXTS // len(first)))
    return [first, *itertools.islice(batches, count - 1)]


def text_lengths(batch: TokenisedBatch) -> np.ndarray:
    """Tokens of all texts of a batch."""
    return np.concatenate([side.lengths for side in (batch.query, batch.passage, batch.negative) if side is not None])


def describe_chunk_size(size: ChunkSize, lengths: list[np.ndarray]) -> str:
    """For the log, with the share of filler in some batches.

    Example:
        >>> describe_chunk_size(ChunkSize(64, 6, 40), [np.array([9, 40, 8, 30])])
        'Compiled passes: 64 tokens in 6 segments, whatever the batch; 32 % are filler'
    """
    held = sum(len(deal_chunks(each, size)) * size.tokens for each in lengths)
    filler = 1 - sum(int(each.sum()) for each in lengths) / held
    return (
        f"Compiled passes: {size.tokens:,} tokens in {size.segments:,} segments, whatever the batch; "
        f"{100 * filler:.0f} % are filler"
    )
