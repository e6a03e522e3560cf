"""What tests of packed texts share: the architectures, an encoder of each, and a step of training."""

from __future__ import annotations

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling

from hf_hybrid.losses import HybridContrastiveLoss

ARCHITECTURES = ("bert", "xlm-roberta", "distilbert", "modernbert")


def encoder(folder, pooling: str = "mean") -> SentenceTransformer:
    transformer = Transformer(str(folder))
    return SentenceTransformer(modules=[transformer, Pooling(32, pooling_mode=pooling)], device="cpu").double().train()


def step(model: SentenceTransformer, batch: dict, budget: float | None = None):
    loss, _ = HybridContrastiveLoss(negatives="in_batch+hard")(model, {**batch, "cache_budget": budget})
    model.zero_grad()
    loss.backward()
    return loss, [None if p.grad is None else p.grad.clone() for p in model.parameters()]


def assert_same_step(expected: tuple, found: tuple) -> None:
    """Loss and gradients of two steps in float64 are equal, and the same parameters have gradients."""
    torch.testing.assert_close(found[0], expected[0], rtol=0, atol=1e-10)
    for one, other in zip(expected[1], found[1], strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(other, one, rtol=0, atol=1e-9)
