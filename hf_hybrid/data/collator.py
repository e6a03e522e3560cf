"""`HybridCollator`: token ids of a batch to the tensors that the encoder and the loss take.

All texts of a batch (queries, passages, hard negatives) mostly go through one encoder, so they are laid out together:
as chunks of texts of about one length for a transformer, as one run of token ids for a static encoder. Where an
encoder reads queries otherwise than passages, each kind gets chunks of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hf_hybrid.data.chunks import CHUNK_OVERHEAD, cut_chunks, fill_chunks
from hf_hybrid.data.fixed_chunks import deal_chunks
from hf_hybrid.data.tokenised import Ragged, TokenisedBatch
from hf_hybrid.encoders.fixed_chunk import ChunkSize, pack_filled
from hf_hybrid.encoders.packed import pack, spans
from hf_hybrid.encoders.text_inputs import InputLayout, text_inputs
from hf_hybrid.plan.types import ARMS

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

CHUNK_TOKENS = 16_384


class HybridCollator:
    """Pad token ids chunk by chunk (or, for a static encoder, lay them end to end) and carry the ids that the loss
    masks by.

    Args:
        layout: What becomes of token ids, see `encoders.text_inputs`.
        chunk_tokens: Most padded tokens in a chunk.
        pad_to_multiple_of: Round the width of chunks up, for tensor cores.
        query_layout: That of queries, where it is another one.
        chunk_overhead: What one more chunk costs, in tokens; may be set later, before the loader starts.
        packed_from: Lay the texts of a chunk end to end instead, with positions that start here (`encoders.packed`).
        chunk_size: Fill every packed chunk up to this shape (`encoders.fixed_chunk`); may be set later, as well.

    A call returns:
        `chunks`: features of the encoder, one dictionary a chunk (`input_ids` with `attention_mask`, with `offsets`,
            or those of `encoders.packed.pack`).
        `positions`: int64 `[texts]`, where among the rows of all chunks each text is (other rows are fillers): first
        the queries, then the passages, then the hard negatives row by row, then, where `parallel_queries` says so,
        the parallel queries. `example_ids`, `passage_ids`: int64 `[rows]`; rows that share either are never each
        other's negatives. `query_languages`, `passage_languages` `[rows]` and `address` `[epoch, step, arm]` stay
        numpy arrays on the host, where they are counted. With a teacher also `teacher_texts`, `teacher_vectors` and
        `teacher_count` (module `losses.teacher`). No key is named `labels`: the Trainer would then scale the loss by
        their count.
    """

    def __init__(
        self,
        layout: InputLayout,
        chunk_tokens: int = CHUNK_TOKENS,
        pad_to_multiple_of: int | None = None,
        query_layout: InputLayout | None = None,
        chunk_overhead: int = CHUNK_OVERHEAD,
        packed_from: int | None = None,
        chunk_size: ChunkSize | None = None,
    ):
        self.layout = layout
        self.query_layout = query_layout or layout
        self.chunk_tokens = chunk_tokens
        self.pad_to_multiple_of = pad_to_multiple_of
        self.chunk_overhead = chunk_overhead
        self.packed_from = packed_from
        self.chunk_size = chunk_size

    @classmethod
    def of(
        cls, model: SentenceTransformer, chunk_tokens: int = CHUNK_TOKENS, pad_to_multiple_of: int | None = None
    ) -> HybridCollator:
        """The collator whose features this encoder takes."""
        query, passage = text_inputs(model)
        return cls(passage.layout, chunk_tokens, pad_to_multiple_of, query.layout)

    def __call__(self, batch: TokenisedBatch) -> dict[str, Any]:
        rows = batch.rows
        passages = [side for side in (batch.passage, batch.negative) if side is not None]
        parallel = [] if batch.parallel is None else [batch.parallel]
        if self.query_layout == self.layout:
            chunks, positions = self.chunks(_end_to_end([batch.query, *passages, *parallel]), self.layout)
        else:
            # Passages first: they are longer, and memory is judged by the first chunk.
            chunks, passage_positions = self.chunks(_end_to_end(passages), self.layout)
            query_chunks, query_positions = self.chunks(_end_to_end([batch.query, *parallel]), self.query_layout)
            chunks += query_chunks
            own, others = np.split(query_positions + len(passage_positions), [len(rows)])
            positions = np.concatenate([own, passage_positions, others])
        teacher = batch.teacher
        targets = (
            {}
            if teacher is None
            else {
                "teacher_texts": _int64(teacher.texts),
                "teacher_vectors": teacher.vectors,
                "teacher_count": teacher.global_count,
            }
        )
        return {
            **targets,
            **({"parallel_queries": True} if parallel else {}),
            "chunks": chunks,
            "positions": _int64(positions),
            "example_ids": _int64(rows.examples),
            "passage_ids": _int64(rows.passages),
            "query_languages": rows.query_languages,
            "passage_languages": rows.passage_languages,
            "address": np.array([batch.address.epoch, batch.address.step, ARMS.index(rows.arm)]),
        }

    def chunks(self, texts: Ragged, layout: InputLayout | None = None) -> tuple[list[dict[str, Any]], np.ndarray]:
        """Features of the encoder, chunk by chunk, and where each text is among their rows."""
        layout = layout or self.layout
        if layout.static:
            offsets = np.cumsum(texts.lengths) - texts.lengths
            features = {"input_ids": _int64(texts.values), "offsets": _int64(offsets), **dict(layout.constants)}
            return [features], np.arange(len(texts.lengths))
        cut = self.cut(texts.lengths)
        starts = np.cumsum(texts.lengths) - texts.lengths
        if self.packed_from is not None and self.chunk_size is not None:
            return self._filled(texts, starts, cut, layout, self.chunk_size)
        make = self.padded if self.packed_from is None else self.packed
        positions = np.empty(len(texts.lengths), dtype=np.int64)
        positions[np.concatenate(cut)] = np.arange(len(positions))
        return [make(texts.values, starts[rows], texts.lengths[rows], layout) for rows in cut], positions

    def cut(self, lengths: np.ndarray) -> list[np.ndarray]:
        """The texts of each chunk, by their lengths alone."""
        if self.packed_from is None:
            return cut_chunks(lengths, self.chunk_tokens, self.chunk_overhead)
        if self.chunk_size is not None:
            return deal_chunks(lengths, self.chunk_size)
        return fill_chunks(lengths, self.chunk_tokens)

    def _filled(
        self, texts: Ragged, starts: np.ndarray, cut: list[np.ndarray], layout: InputLayout, size: ChunkSize
    ) -> tuple[list[dict[str, Any]], np.ndarray]:
        """Chunks of one shape; the rows of a chunk are those of its texts, then those of its fillers."""
        positions = np.empty(len(texts.lengths), dtype=np.int64)
        chunks = []
        for number, rows in enumerate(cut):
            positions[rows] = number * size.segments + np.arange(len(rows))
            lengths = texts.lengths[rows]
            values = texts.values[spans(starts[rows], lengths)]
            features = pack_filled(values, lengths, size, layout.pad_token_id, self.packed_from or 0)
            chunks.append({**features, **dict(layout.constants)})
        return chunks, positions

    def packed(
        self, values: np.ndarray, starts: np.ndarray, lengths: np.ndarray, layout: InputLayout
    ) -> dict[str, Any]:
        """Features of one chunk: its texts end to end, each from its place in `values`."""
        return {**pack(values[spans(starts, lengths)], lengths, self.packed_from or 0), **dict(layout.constants)}

    def padded(
        self, values: np.ndarray, starts: np.ndarray, lengths: np.ndarray, layout: InputLayout
    ) -> dict[str, Any]:
        """Features of one chunk: the rows of a table, each from its place in `values`."""
        longest = int(lengths.max(initial=1))
        if self.pad_to_multiple_of:
            longest = -(-longest // self.pad_to_multiple_of) * self.pad_to_multiple_of
        column = np.arange(longest) - (longest - lengths[:, None] if layout.pad_left else 0)
        mask = np.broadcast_to((column >= 0) & (column < lengths[:, None]), (len(lengths), longest))
        ids = np.full(mask.shape, layout.pad_token_id, dtype=np.int64)
        ids[mask] = values[(starts[:, None] + column)[mask]]
        tokens = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))}
        return {**tokens, **dict(layout.constants)}


def _end_to_end(sides: list[Ragged]) -> Ragged:
    return Ragged(np.concatenate([side.values for side in sides]), np.concatenate([side.lengths for side in sides]))


def _int64(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64))
