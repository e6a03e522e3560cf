"""The distance to a teacher's vectors: its value and gradient by the definition, and batches without targets."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

from hf_hybrid.losses import HybridContrastiveLoss
from hf_hybrid.losses.teacher import teacher_similarity


class Vectors(torch.nn.Module):
    """An encoder whose parameters are the vectors of its texts."""

    def __init__(self, count: int, width: int):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = torch.nn.Parameter(torch.randn(count, width, dtype=torch.float64, generator=generator))

    def forward(self, features):
        return {"sentence_embedding": self.weight[features["input_ids"][:, 0]]}


def batch_of(texts: list[int], rows: int = 4, width: int = 5) -> dict:
    generator = torch.Generator().manual_seed(2)
    vectors = normalize(torch.randn(len(texts), width, generator=generator), dim=1).half()
    return {
        "chunks": [{"input_ids": torch.arange(2 * rows)[:, None]}],
        "positions": torch.arange(2 * rows),
        "example_ids": torch.arange(rows),
        "passage_ids": torch.arange(rows),
        "teacher_texts": torch.tensor(texts, dtype=torch.int64),
        "teacher_vectors": vectors,
        "teacher_count": len(texts),
    }


def loss_and_gradient(weight: float, batch: dict) -> tuple[torch.Tensor, torch.Tensor, dict]:
    model = Vectors(8, 5)
    loss, similarities = HybridContrastiveLoss(teacher_weight=weight)(model, batch)
    loss.backward()
    return loss.detach(), model.weight.grad, similarities


def test_value_and_gradient_are_those_of_the_definition():
    batch = batch_of([0, 2, 3, 7])
    plain, plain_gradient, _ = loss_and_gradient(0.0, batch)
    loss, gradient, similarities = loss_and_gradient(0.7, batch)
    model = Vectors(8, 5)
    cosine = cosine_similarity(model.weight[batch["teacher_texts"]], batch["teacher_vectors"].double()).mean()
    (0.7 * (1 - cosine)).backward()
    assert loss.item() == pytest.approx(plain.item() + 0.7 * (1 - cosine.item()), abs=1e-12)
    torch.testing.assert_close(gradient, plain_gradient + model.weight.grad, rtol=0, atol=1e-12)
    assert similarities["teacher_similarity"].item() == pytest.approx(cosine.item(), abs=1e-12)


def test_a_batch_without_targets_has_no_distance():
    batch = batch_of([])
    assert teacher_similarity(torch.eye(8, 5), batch) is None
    (loss, gradient, similarities), (plain, plain_gradient, _) = (loss_and_gradient(w, batch) for w in (2.0, 0.0))
    assert loss == plain and torch.equal(gradient, plain_gradient) and "teacher_similarity" not in similarities
