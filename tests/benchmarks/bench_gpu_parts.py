"""Parts of the GPU benchmark: encoders of published shapes, random token ids of given lengths, one training step of either side."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.util import cos_sim, dot_score
from transformers import XLMRobertaConfig, XLMRobertaModel

from hf_hybrid.collator import HybridCollator
from hf_hybrid.losses import HybridContrastiveLoss
from hf_hybrid.tokenised import Ragged
from hf_hybrid.tokenizer_training import train_tokenizer

# XLM-R's published sizes: layers, width, heads, feed-forward width. `tiny` is for a look at the command on a CPU.
SHAPES = {"base": (12, 768, 12, 3072), "large": (24, 1024, 16, 4096), "tiny": (2, 32, 2, 64)}
VOCABULARY = {"base": 250_002, "large": 250_002, "tiny": 2_000}
MAX_TOKENS = 512
# Ids below are special.
FIRST_ID = 10
SIMILARITIES = {"cos_sim": cos_sim, "dot_score": dot_score}
# Tokens of a query and a passage: log-normal, (median, deviation of the logarithm, most).
QUERY_TOKENS, PASSAGE_TOKENS = (16, 0.3, 32), (150, 0.35, MAX_TOKENS)


def build(shape: str, attention: str | None, seed: int = 0) -> SentenceTransformer:
    """An XLM-R of the shape with random weights, mean pooling and unit vectors; no dropout, no pooler."""
    layers, width, heads, feed_forward = SHAPES[shape]
    config = XLMRobertaConfig(
        vocab_size=VOCABULARY[shape],
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=feed_forward,
        max_position_embeddings=MAX_TOKENS + 2,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(seed)
    words = [f"word{i} other{i}" for i in range(200)]
    settings: dict[str, Any] = {"dtype": torch.float32, "add_pooling_layer": False}
    if attention is not None:
        settings["attn_implementation"] = attention
    # sentence-transformers reads a transformer only from a folder, with a tokenizer, which is not used here.
    with tempfile.TemporaryDirectory() as folder:
        XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
        train_tokenizer(words, 400).save_pretrained(folder)
        module = Transformer(folder, model_kwargs=settings)
    pooling = Pooling(width, pooling_mode="mean")
    return SentenceTransformer(modules=[module, pooling, Normalize()], device="cpu")


@dataclass(frozen=True)
class Batch:
    """Token ids of queries and passages."""

    query: Ragged
    passage: Ragged

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int(self.query.lengths.sum() + self.passage.lengths.sum())


def make_batch(rows: int, vocabulary: int, seed: int) -> Batch:
    """Random ids of log-normal lengths."""
    rng = np.random.default_rng(seed)
    return Batch(*(_ragged(rng, rows, vocabulary, *shape) for shape in (QUERY_TOKENS, PASSAGE_TOKENS)))


def _ragged(rng: np.random.Generator, rows: int, vocabulary: int, median: int, deviation: float, most: int) -> Ragged:
    lengths = np.clip(rng.lognormal(np.log(median), deviation, rows).round(), 4, most).astype(np.int64)
    return Ragged(rng.integers(FIRST_ID, vocabulary, int(lengths.sum()), dtype=np.int32), lengths)


def useful_operations(batch: Batch, shape: str) -> float:
    """Floating-point operations of one forward and backward pass over the tokens without padding, nothing made twice."""
    layers, width, _, feed_forward = SHAPES[shape]
    per_token = 2 * layers * (4 * width * width + 2 * width * feed_forward)
    lengths = np.concatenate([batch.query.lengths, batch.passage.lengths]).astype(np.float64)
    attention = 4 * layers * width * float((lengths**2).sum())
    return 3 * (per_token * batch.tokens + attention)


Step = Callable[[Batch], torch.Tensor]


def our_step(model: SentenceTransformer, device: torch.device, chunk_tokens: int, budget: float | None) -> Step:
    """Collate, embed in chunks, loss: as the trainer does; returns the loss, not yet propagated."""
    collator = HybridCollator(model.tokenizer.pad_token_id, chunk_tokens, 8 if device.type == "cuda" else None)
    loss = HybridContrastiveLoss(cache_budget=budget)

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
        }
        return loss(model, inputs)[0]

    return step


def their_step(
    model: SentenceTransformer,
    device: torch.device,
    cached: bool,
    similarity: str = "cos_sim",
    presorted: bool = False,
    **loss_settings: Any,
) -> Step:
    """Pad each side to its longest text, as the other library's collator does, and its loss; tokenising is left out."""
    loss_class = CachedMultipleNegativesRankingLoss if cached else MultipleNegativesRankingLoss
    loss = loss_class(model, similarity_fct=SIMILARITIES[similarity], **loss_settings)
    pad = model.tokenizer.pad_token_id

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
