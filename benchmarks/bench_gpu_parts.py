"""Parts of the GPU benchmark: random token ids of given lengths, one training step of either side, and the file that
results go to.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_gpu_encoders import Encoder
from bench_training_common import summary
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.util import cos_sim, dot_score

from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.tokenised import Ragged
from hf_hybrid.losses import HybridContrastiveLoss
from hf_hybrid.output_files import write_json

# Ids below are special.
FIRST_ID = 10
# Tokens of a query and a passage: log-normal, (median, deviation of the logarithm, most).
QUERY_TOKENS, PASSAGE_TOKENS = (16, 0.3, 32), (150, 0.35, 256)


def exact_dot_score(queries: torch.Tensor, passages: torch.Tensor) -> torch.Tensor:
    """Products in float32, as our loss makes them: under mixed precision the other's scores have eight bits."""
    with torch.autocast(queries.device.type, enabled=False):
        return dot_score(queries.float(), passages.float())


SIMILARITIES = {"cos_sim": cos_sim, "dot_score": exact_dot_score}


@dataclass(frozen=True)
class Batch:
    """Token ids of queries and passages."""

    query: Ragged
    passage: Ragged

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int(self.query.lengths.sum() + self.passage.lengths.sum())


def make_batch(rows: int, encoder: Encoder, seed: int) -> Batch:
    """Random ids of log-normal lengths, cut where the recipe cuts."""
    rng = np.random.default_rng(seed)
    vocabulary, limit = encoder.shape.vocabulary, encoder.max_tokens
    shapes = ((*shape[:2], min(shape[2], limit)) for shape in (QUERY_TOKENS, PASSAGE_TOKENS))
    return Batch(*(_ragged(rng, rows, vocabulary, *shape) for shape in shapes))


def _ragged(rng: np.random.Generator, rows: int, vocabulary: int, median: int, deviation: float, most: int) -> Ragged:
    lengths = np.clip(rng.lognormal(np.log(median), deviation, rows).round(), 4, most).astype(np.int64)
    return Ragged(rng.integers(FIRST_ID, vocabulary, int(lengths.sum()), dtype=np.int32), lengths)


def useful_operations(batch: Batch, encoder: Encoder) -> float:
    """Floating-point operations of one forward and backward pass over the tokens without padding, nothing made
    twice.
    """
    shape = encoder.shape
    per_token = 2 * shape.layers * (4 * shape.width**2 + 2 * shape.width * shape.feed_forward)
    lengths = np.concatenate([batch.query.lengths, batch.passage.lengths]).astype(np.float64)
    attention = 4 * shape.layers * shape.width * float((lengths**2).sum())
    return encoder.passes() * (per_token * batch.tokens + attention)


Step = Callable[[Batch], torch.Tensor]


def our_step(encoder: Encoder, device: torch.device, chunk_tokens: int, budget: float | None) -> Step:
    """Collate, embed in chunks, loss: as the trainer does; returns the loss, not yet propagated."""
    model, training = encoder.model, encoder.training
    collator = HybridCollator.of(model, chunk_tokens, 8 if device.type == "cuda" else None)
    loss = HybridContrastiveLoss(training.scale, "in_batch", training.symmetric)

    def step(batch: Batch) -> torch.Tensor:
        texts = Ragged(
            np.concatenate([batch.query.values, batch.passage.values]),
            np.concatenate([batch.query.lengths, batch.passage.lengths]),
        )
        chunks, positions = collator.chunks(texts)
        ids = torch.arange(len(batch.query.lengths), device=device)
        inputs = {
            "chunks": [{name: value.to(device) for name, value in chunk.items()} for chunk in chunks],
            "positions": torch.from_numpy(positions).to(device),
            "example_ids": ids,
            "passage_ids": ids,
            "cache_budget": budget,
        }
        return loss(model, inputs)[0]

    return step


def their_step(
    encoder: Encoder,
    device: torch.device,
    cached: bool,
    similarity: str = "cos_sim",
    presorted: bool = False,
    **loss_settings: Any,
) -> Step:
    """Pad each side to its longest text, as the other library's collator does, and its loss; tokenising is left
    out.
    """
    loss_class = CachedMultipleNegativesRankingLoss if cached else MultipleNegativesRankingLoss
    settings = {"scale": encoder.training.scale, "similarity_fct": SIMILARITIES[similarity], **loss_settings}
    loss, pad = loss_class(encoder.model, **settings), encoder.model.tokenizer.pad_token_id

    def step(batch: Batch) -> torch.Tensor:
        rows = np.argsort(-batch.passage.lengths, kind="stable") if presorted else np.arange(len(batch.query.lengths))
        features = [_padded(side, rows, pad, device) for side in (batch.query, batch.passage)]
        return loss(features, None)

    return step


def _padded(texts: Ragged, rows: np.ndarray, pad: int, device: torch.device) -> dict[str, torch.Tensor]:
    starts = (np.cumsum(texts.lengths) - texts.lengths)[rows]
    lengths = texts.lengths[rows]
    column = np.arange(int(lengths.max()))
    mask = column < lengths[:, None]
    ids = np.full(mask.shape, pad, dtype=np.int64)
    ids[mask] = texts.values[(starts[:, None] + column)[mask]]
    features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))}
    return {name: value.to(device) for name, value in features.items()}


def matrix_rate(device: torch.device, size: int) -> dict[str, float]:
    """Operations a second of a large bf16 product, the best of ten."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        synchronise(device)
        started = time.perf_counter()
        a @ b
        synchronise(device)
        best = min(best, time.perf_counter() - started)
    return {"size": size, "operations_per_second": 2 * size**3 / best}


def synchronise(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def rates(rows: int, times: list[float], runs: list[dict[str, Any]], rate: float) -> dict[str, Any]:
    """Rates of a variant from its median time; `rate` is that of the device, in operations a second."""
    seconds = summary(times)
    median = seconds["median"]
    return {
        "seconds": seconds,
        "pairs_per_second": rows / median,
        "tokens_per_second": runs[0]["tokens"] / median,
        "share_of_matrix_rate": runs[0]["operations"] / median / rate,
        "peak_gib": max(run["peak_gib"] for run in runs),
    }


class Record:
    """The results file of one encoder, written anew after every part, so that a run that is cut off keeps what it has.

    Args:
        path: The file, or None to keep nothing. Parts of a file that is there are taken over if `head` is what it
            begins with.
        head: What a part depends on.
    """

    def __init__(self, path: Path | None, head: dict[str, Any]):
        self.path = path
        self.head = json.loads(json.dumps(head))
        self.parts: dict[str, Any] = {}
        if path is not None and path.is_file():
            known = json.loads(path.read_text(encoding="utf-8"))
            if {name: known.get(name) for name in self.head} == self.head:
                self.parts = known["parts"]

    def part(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A part that is there, or made and written."""
        if name not in self.parts:
            self.parts[name] = make()
            if self.path is not None:
                write_json(self.path, {**self.head, "parts": self.parts}, overwrite=True)
        return self.parts[name]
