"""`HybridCollator`: token ids of a batch to the tensors that the encoder and the loss take. It only pads."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from hf_hybrid.plan_types import ARMS
from hf_hybrid.tokenised import Ragged, TokenisedBatch


class HybridCollator:
    """Pad (or, for a static encoder, concatenate) token ids and carry the ids that the loss masks by.

    Args:
        pad_token_id: Id that fills short rows; `None` for a static encoder, whose texts are laid end to end.
        pad_to_multiple_of: Round the padded length up, for tensor cores.

    A call returns:
        `query`, `passage` and, with hard negatives, `negative`: features of the encoder (`input_ids` with
        `attention_mask`, or with `offsets`). `example_ids`, `passage_ids`: int64 `[rows]`; rows that share either are
        never each other's negatives. `query_languages`, `passage_languages` `[rows]` and `address` `[epoch, step, arm]`
        stay numpy arrays on the host, where they are counted. No key is named `labels`: the Trainer would then scale the
        loss by their count.
    """

    def __init__(self, pad_token_id: int | None, pad_to_multiple_of: int | None = None):
        self.pad_token_id = pad_token_id
        self.pad_to_multiple_of = pad_to_multiple_of

    def __call__(self, batch: TokenisedBatch) -> dict[str, Any]:
        rows = batch.rows
        features = {"query": self.features(batch.query), "passage": self.features(batch.passage)}
        if batch.negative is not None:
            features["negative"] = self.features(batch.negative)
        return {
            **features,
            "example_ids": _int64(rows.examples),
            "passage_ids": _int64(rows.passages),
            "query_languages": rows.query_languages,
            "passage_languages": rows.passage_languages,
            "address": np.array([batch.address.epoch, batch.address.step, ARMS.index(rows.arm)]),
        }

    def features(self, tokens: Ragged) -> dict[str, torch.Tensor]:
        """Features of one side: padded ids and mask `[rows, longest]`, or flat ids and offsets."""
        if self.pad_token_id is None:
            offsets = np.cumsum(tokens.lengths) - tokens.lengths
            return {"input_ids": _int64(tokens.values), "offsets": _int64(offsets)}
        longest = int(tokens.lengths.max(initial=1))
        if self.pad_to_multiple_of:
            longest = -(-longest // self.pad_to_multiple_of) * self.pad_to_multiple_of
        mask = np.arange(longest) < tokens.lengths[:, None]
        ids = np.full(mask.shape, self.pad_token_id, dtype=np.int64)
        ids[mask] = tokens.values
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))}


def _int64(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64))
