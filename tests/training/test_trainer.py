"""`HybridTrainer`: it learns, logs what it drew, keeps the best checkpoint, resumes bit for bit, and refuses other
batches.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters
from transformers import TrainerCallback

from hf_hybrid.arguments import HybridTrainingArguments, ModelArguments
from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.engines.onednn import uses_onednn
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import HybridEvaluator
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.training.trainer import HybridTrainer
from tests.conftest import LANGUAGES, make_pairs, renditions

SIZES = {"vocab_size": 400, "embedding_dimension": 32, "hidden_size": 32, "num_hidden_layers": 1}
SIZES |= {"num_attention_heads": 2, "intermediate_size": 64}


def encoder(kind: str = "static"):
    texts = [str(row[side]) for row in renditions() for side in ("query", "passage")]
    return build_encoder(ModelArguments(encoder=kind, **SIZES), texts)


def arguments(folder: Path, **kwargs) -> HybridTrainingArguments:
    defaults = {"max_steps": 12, "global_batch_size": 24, "batches_per_epoch": 5, "learning_rate": 1e-2}
    defaults |= {"use_cpu": True, "logging_steps": 4, "save_strategy": "no", "disable_tqdm": True, "weight_decay": 0.0}
    # A busy machine must not make two runs differ in their chunks.
    defaults |= {"chunk_overhead": 64}
    return HybridTrainingArguments(str(folder), **{**defaults, **kwargs})


def weights(model) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


class SeenBatches:
    """Records the address and row ids of every batch that the loss is computed of."""

    def __init__(self, trainer):
        self.rows = []
        compute = trainer.compute_loss

        def watching(model, inputs, *args, **kwargs):
            self.rows.append((inputs["address"].tolist(), inputs["example_ids"].tolist()))
            return compute(model, inputs, *args, **kwargs)

        trainer.compute_loss = watching


@pytest.mark.parametrize("kind", ["static", "transformer"])
def test_training_changes_weights_and_lowers_the_loss(kind, parallel_pairs, tmp_path):
    model = encoder(kind)
    before = weights(model)
    trainer = HybridTrainer(model, arguments(tmp_path, max_steps=40, logging_steps=20, warmup_steps=0), parallel_pairs)
    trainer.train()
    assert any(not torch.equal(old, new) for old, new in zip(before, weights(model), strict=True))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[1] < losses[0] - 0.1


def test_logs_tell_what_was_drawn(parallel_pairs, tmp_path):
    trainer = HybridTrainer(encoder(), arguments(tmp_path), parallel_pairs)
    seen = SeenBatches(trainer)
    trainer.train()
    plan = HybridBatchPlan(parallel_pairs, trainer.args.plan_settings())
    logs = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert len(logs) == 3
    for number, entry in enumerate(logs):
        batches = [plan.batch(step % 5, step // 5) for step in range(number * 4, number * 4 + 4)]
        for arm in {batch.arm for batch in batches}:
            assert entry[f"share_{arm}"] == sum(batch.arm == arm for batch in batches) / 4
        drawn = np.bincount(np.concatenate([b.query_languages for b in batches]), minlength=4) / 96
        assert [entry[f"query_language_{tag}"] for tag in LANGUAGES] == pytest.approx(drawn.tolist(), abs=1e-4)
        assert -1 <= entry["hardest_negative_similarity"] <= 1 and -1 <= entry["positive_similarity"] <= 1
    # The first batches that the model saw are those of the plan, row by row.
    assert seen.rows[6][0][:2] == [1, 1] and seen.rows[6][1] == plan.batch(1, 1).examples.tolist()


@pytest.mark.parametrize("kind", ["static", "transformer"])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_resumed_equals_straight_bit_for_bit(kind, accumulation, parallel_pairs, tmp_path):
    settings = {"save_strategy": "steps", "save_steps": 3, "max_steps": 9, "gradient_accumulation_steps": accumulation}
    settings["batches_per_epoch"] = 4 * accumulation  # step 6 is in the middle of the second epoch
    straight = HybridTrainer(encoder(kind), arguments(tmp_path, **settings), parallel_pairs)
    straight_seen = SeenBatches(straight)
    straight.train()
    resumed = HybridTrainer(encoder(kind), arguments(tmp_path, **settings), parallel_pairs)
    resumed_seen = SeenBatches(resumed)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-6"))
    assert resumed_seen.rows == straight_seen.rows[-3 * accumulation :]
    for expected, got in zip(weights(straight.model), weights(resumed.model), strict=True):
        assert torch.equal(expected, got)


def test_resume_refuses_other_batches(parallel_pairs, tmp_path):
    HybridTrainer(encoder(), arguments(tmp_path, save_strategy="steps", save_steps=4), parallel_pairs).train()
    state = json.loads((tmp_path / "checkpoint-8" / "trainer_state.json").read_text())
    stored = state["stateful_callbacks"]["PlanState"]["attributes"]["stored"]
    assert stored["mono_probability"] == 0.5 and stored["data_sha256"] == parallel_pairs.sha256
    other = HybridTrainer(encoder(), arguments(tmp_path, mono_probability=0.4, seed=1), parallel_pairs)
    with pytest.raises(InputError, match=r"mono_probability was 0\.5, is 0\.4; seed was 42, is 1\); restore these"):
        other.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    data = HybridTrainer(encoder(), arguments(tmp_path), make_pairs(renditions(110)))
    with pytest.raises(InputError, match=r"data_sha256 was '[0-9a-f]{64}', is"):
        data.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))


def test_best_checkpoint_is_kept_by_the_evaluator(parallel_pairs, tmp_path):
    benchmark = Benchmark.from_pairs(parallel_pairs, max_examples=30)
    args = arguments(
        tmp_path,
        max_steps=9,
        eval_strategy="steps",
        eval_steps=3,
        save_strategy="steps",
        save_steps=3,
        load_best_model_at_end=True,
        metric_for_best_model="eval_mean_map",
        greater_is_better=True,
    )
    trainer = HybridTrainer(encoder(), args, parallel_pairs, HybridEvaluator(benchmark))
    trainer.train()
    entries = [entry for entry in trainer.state.log_history if "eval_mean_map" in entry]
    assert [entry["step"] for entry in entries] == [3, 6, 9]
    assert {"eval_mo_map", "eval_cr_map", "eval_mul_map", "eval_rank_distance"} <= set(entries[0])
    best = max(entry["eval_mean_map"] for entry in entries)
    assert trainer.state.best_metric == best
    assert HybridEvaluator(benchmark)(trainer.model)["mean_map"] == pytest.approx(best)


def test_gradient_accumulation_averages(parallel_pairs, tmp_path):
    """Two micro-batches give the mean of their gradients: one step of plain SGD shows it."""
    settings = {"optim": "sgd", "max_grad_norm": 0.0, "lr_scheduler_type": "constant", "learning_rate": 1.0}
    model = encoder()
    start = weights(model)[0]
    HybridTrainer(
        model, arguments(tmp_path, max_steps=1, gradient_accumulation_steps=2, **settings), parallel_pairs
    ).train()
    moved = weights(model)[0] - start

    single = encoder()
    probe = HybridTrainer(single, arguments(tmp_path, **settings), parallel_pairs)
    loader = iter(probe.get_train_dataloader())
    for _ in range(2):
        (probe.compute_loss(single, next(loader)) / 2).backward()
    torch.testing.assert_close(moved, -weights_gradient(single), rtol=1e-5, atol=1e-7)


def weights_gradient(model) -> torch.Tensor:
    return next(model.parameters()).grad


def test_workers_give_the_same_batches(parallel_pairs, tmp_path):
    rows = []
    for workers in (0, 2):
        trainer = HybridTrainer(encoder(), arguments(tmp_path, dataloader_num_workers=workers), parallel_pairs)
        rows.append([batch["example_ids"].tolist() for batch in trainer.get_train_dataloader()])
    assert rows[0] == rows[1] and len(rows[0]) == 5


def test_hard_negatives_and_literal_loss(tmp_path):
    rows = renditions(60)
    for row in rows:
        row["negatives"] = [f"wrong {row['id']} {row['lang']}"]
    pairs = make_pairs(rows)
    losses = {}
    for mode in ("in_batch", "auto", "literal"):
        trainer = HybridTrainer(encoder(), arguments(tmp_path, negatives=mode), pairs)
        batch = next(iter(trainer.get_train_dataloader()))
        losses[mode] = trainer.compute_loss(trainer.model, batch).item()
        assert len(batch["positions"]) == 24 * (2 if mode == "in_batch" else 3)
    assert losses["auto"] > losses["in_batch"] and losses["auto"] > losses["literal"]


def test_negatives_asked_for_and_absent(parallel_pairs, tmp_path):
    with pytest.raises(InputError, match="'literal' needs a column 'negatives'"):
        HybridTrainer(encoder(), arguments(tmp_path, negatives="literal"), parallel_pairs)


def test_schedule_runs_over_the_whole_training(parallel_pairs, tmp_path):
    args = arguments(
        tmp_path, mono_probability=0.0, mono_probability_end=1.0, max_steps=10, gradient_accumulation_steps=2
    )
    trainer = HybridTrainer(encoder(), args, parallel_pairs)
    assert trainer.plan.settings.schedule_batches == 20


@pytest.mark.parametrize("settings", [{}, {"gradient_cache": True, "gradient_cache_memory": 0.0}])
def test_compiled_transformer_trains_as_the_plain_one(settings, parallel_pairs, tmp_path, monkeypatch):
    # The training arguments pass the wish on through the environment; this takes it back after the test.
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "no")
    losses = []
    for compile_settings in ({}, {"torch_compile": True, "torch_compile_backend": "aot_eager"}):
        torch._dynamo.reset()
        counters.clear()
        model = encoder("transformer")
        args = arguments(tmp_path, max_steps=2, logging_steps=1, chunk_tokens=200, **settings, **compile_settings)
        trainer = HybridTrainer(model, args, parallel_pairs)
        trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
        names = set(trainer.model.state_dict())
        assert not [name for name in names if "_orig_mod" in name]
        # Chunks of several sizes, and one graph: what is compiled takes their shapes as they come.
        assert counters["stats"]["unique_graphs"] == (1 if compile_settings else 0)
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


class LayersInTraining(TrainerCallback):
    """Notes the types of the linear layers at every step."""

    def __init__(self) -> None:
        self.types: set[str] = set()

    def on_step_end(self, args, state, control, model, **kwargs) -> None:
        self.types |= {type(layer).__name__ for layer in model.modules() if isinstance(layer, torch.nn.Linear)}


@pytest.mark.parametrize(("settings", "expected"), [({}, "OneDnnLinear"), ({"torch_compile": True}, "Linear")])
def test_linear_layers_are_onednns_while_training(settings, expected, parallel_pairs, tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "no")
    backend = {"torch_compile_backend": "aot_eager"} if settings else {}
    seen, model = LayersInTraining(), encoder("transformer")
    args = arguments(tmp_path, max_steps=1, **settings, **backend)
    HybridTrainer(model, args, parallel_pairs, callbacks=[seen]).train()
    assert seen.types == {expected}
    assert {type(layer) for layer in model.modules() if isinstance(layer, torch.nn.Linear)} == {torch.nn.Linear}


@pytest.mark.skipif(not uses_onednn(torch.ones(1, 1)), reason="this torch has no oneDNN products")
def test_training_by_onednn_gives_the_plain_losses(parallel_pairs, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_hybrid.engines.onednn.LEAST_MULTIPLICATIONS", 1)
    losses = []
    for enabled in (True, False):
        with torch.backends.mkldnn.flags(enabled=enabled):
            trainer = HybridTrainer(
                encoder("transformer"), arguments(tmp_path, logging_steps=1, max_steps=4), parallel_pairs
            )
            trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4) and losses[0] != losses[1]
