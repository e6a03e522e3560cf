"""Parallel queries and the divergence of their rankings: by hand, and in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hf_hybrid.data.parallel_queries import parallel_query_rows
from hf_hybrid.errors import InputError
from hf_hybrid.losses import HybridContrastiveLoss, ParallelRankingLoss, embed
from hf_hybrid.losses.parallel_ranking import ranking_divergence
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import BatchSlice, PlanSettings
from hf_hybrid.training.trainer import HybridTrainer
from tests.conftest import make_pairs
from tests.training.test_trainer import arguments, encoder


def test_the_divergence_by_its_definition():
    generator = torch.Generator().manual_seed(0)
    a, b, passages = (torch.randn(n, 4, generator=generator, dtype=torch.float64) for n in (3, 3, 6))
    p_a, p_b = (torch.softmax(2.0 * side @ passages.T, dim=1) for side in (a, b))
    expected = (p_b * (p_b / p_a).log()).sum(dim=1).mean()
    torch.testing.assert_close(ranking_divergence(a, b, passages, 2.0), expected)
    assert ranking_divergence(a, a, passages).item() == pytest.approx(0, abs=1e-12)


def test_a_parallel_query_is_the_same_example_in_another_language(parallel_pairs):
    plan = HybridBatchPlan(parallel_pairs, PlanSettings(arm="hybrid", global_batch_size=12, seed=3))
    drawn = set()
    for step in range(8):
        batch, address = plan.batch(step), BatchSlice(0, step, 0, 12)
        rows = parallel_query_rows(parallel_pairs, batch, address, seed=3)
        assert (parallel_pairs.example_of_row[rows] == batch.examples).all()
        assert (parallel_pairs.language_of_row[rows] != batch.query_languages).all()
        # A rank's address is of the same batch.
        again = parallel_query_rows(parallel_pairs, batch, BatchSlice(0, step, 6, 12), seed=3)
        assert np.array_equal(rows, again)
        drawn |= set(parallel_pairs.language_of_row[rows].tolist())
    assert drawn == set(range(len(parallel_pairs.languages)))
    assert not np.array_equal(rows, parallel_query_rows(parallel_pairs, batch, address, seed=4))


def test_a_question_in_one_language_stands_for_itself():
    rows = [{"id": f"e{n}", "lang": "de", "query": f"q{n}", "passage": f"p{n}"} for n in range(6)]
    pairs = make_pairs(rows)
    batch = HybridBatchPlan(pairs, PlanSettings(arm="x-x-mono", global_batch_size=4)).batch(0)
    assert np.array_equal(parallel_query_rows(pairs, batch, BatchSlice(0, 0, 0, 4), 1), batch.query_rows)


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_a_batch_carries_the_vectors_of_its_parallel_queries(kind, parallel_pairs, tmp_path):
    args = arguments(tmp_path, parallel_weight=0.5)
    trainer = HybridTrainer(encoder(kind), args, parallel_pairs)
    trainer.model.eval()
    address = BatchSlice(0, 0, 0, args.global_batch_size)
    inputs = trainer.data_collator(trainer.train_dataset.__getitems__(address))
    own = embed(trainer.model, inputs)
    rows = parallel_query_rows(parallel_pairs, trainer.plan.batch(0), address, trainer.plan.settings.seed)
    texts = [parallel_pairs.dataset["query"][int(row)] for row in rows]
    expected = trainer.model.encode_query(texts, convert_to_tensor=True, normalize_embeddings=True)
    torch.testing.assert_close(own.parallel.detach().cpu(), expected.cpu(), atol=1e-5, rtol=1e-4)
    assert own.negatives.shape[1] == 0 and len(own.queries) == len(own.passages) == len(rows)
    plain = HybridTrainer(encoder(kind), arguments(tmp_path), parallel_pairs)
    assert embed(plain.model, plain.data_collator(plain.train_dataset.__getitems__(address))).parallel is None


def test_training_brings_rankings_together(parallel_pairs, tmp_path):
    found = {}
    for weight in (0.0, 0.9):
        loss = ParallelRankingLoss(weight)
        args = arguments(tmp_path / str(weight), parallel_weight=0.5, arm="x-x-mono", max_steps=30, logging_steps=10)
        trainer = HybridTrainer(encoder(), args, parallel_pairs, loss=loss)
        trainer.train()
        found[weight] = [entry["ranking_divergence"] for entry in trainer.state.log_history if "loss" in entry]
    assert found[0.9][-1] < found[0.9][0] and found[0.9][-1] < found[0.0][-1] / 2


def test_without_weight_it_is_the_default_loss_and_settings_are_kept(parallel_pairs, tmp_path):
    losses = []
    for own in (ParallelRankingLoss(0.0), None):
        args = arguments(tmp_path, parallel_weight=0.0 if own is None else 0.5, max_steps=3, logging_steps=1)
        trainer = HybridTrainer(encoder(), args, parallel_pairs, loss=own)
        trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    trainer = HybridTrainer(encoder(), arguments(tmp_path, parallel_weight=0.3, symmetric=True), parallel_pairs)
    assert type(trainer.loss) is ParallelRankingLoss and trainer.loss.symmetric
    kept = {name: trainer.fingerprint[name] for name in ("loss", "parallel_weight", "ranking_scale")}
    assert kept == {"loss": "ParallelRankingLoss", "parallel_weight": 0.3, "ranking_scale": 20.0}
    assert type(HybridTrainer(encoder(), arguments(tmp_path), parallel_pairs).loss) is HybridContrastiveLoss


def test_mistakes_are_named(parallel_pairs, tmp_path):
    with pytest.raises(InputError, match=r"parallel_weight: must lie in \[0, 1\], got 2"):
        arguments(tmp_path, parallel_weight=2)
    with pytest.raises(InputError, match=r"parallel_weight: must lie in \[0, 1\], got -1"):
        ParallelRankingLoss(-1)
    trainer = HybridTrainer(encoder(), arguments(tmp_path, max_steps=1), parallel_pairs, loss=ParallelRankingLoss(0.5))
    with pytest.raises(InputError, match="the batch has no parallel queries; set it in the training arguments"):
        trainer.train()
