"""Passes of a run: laid out as asked and as the encoder can, cut by a cost that is measured once and survives a
resume, and told with the memory they take.
"""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import torch
import yaml

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.data.chunks import CHUNK_OVERHEAD
from hf_hybrid.errors import InputError
from hf_hybrid.losses.gradient_cache import GIB
from hf_hybrid.train import main
from hf_hybrid.training import layout, memory_plan, passes
from hf_hybrid.training.layout import Layout, choose_layout, describe_layout
from hf_hybrid.training.pass_cost import PassCost
from hf_hybrid.training.passes import ASSUMED, Passes, make_collator
from hf_hybrid.training.trainer import HybridTrainer
from tests.test_train import write_splits
from tests.training.test_trainer import arguments, encoder, weights

LOG = "hf_hybrid.training.passes"
MEASURED = {"chunk_overhead": None}


@pytest.fixture
def expensive(monkeypatch):
    """A device on which a pass costs 4,096 tokens; counts how often it is timed."""
    timed = []

    def measure(*args):
        timed.append(args)
        return PassCost(4.096, 0.001)

    monkeypatch.setattr(passes, "measure_pass_cost", measure)
    return timed


def trained(folder, pairs, kind="transformer", checkpoint=None, **settings):
    trainer = HybridTrainer(encoder(kind), arguments(folder, **settings), pairs)
    trainer.train(resume_from_checkpoint=checkpoint)
    return trainer


def logged(caplog) -> str:
    return "\n".join(record.getMessage() for record in caplog.records if record.name == LOG)


def test_measured_once_on_the_real_encoder(parallel_pairs, tmp_path, caplog):
    caplog.set_level(logging.INFO, LOG)
    model = encoder("transformer")
    before = weights(model)
    trainer = HybridTrainer(model, arguments(tmp_path, max_steps=1, **MEASURED), parallel_pairs)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    trainer.settle_passes()
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(old, new) for old, new in zip(before, weights(model), strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())
    tokens = trainer.args.chunk_overhead
    assert tokens >= CHUNK_OVERHEAD and tokens & (tokens - 1) == 0
    assert trainer.data_collator.chunk_overhead == trainer.passes.cost.tokens == tokens
    trainer.train()
    text = logged(caplog)
    assert text.count("tokens' worth (measured)") == 1 and "passes a step" in text and "% padding" in text


def test_the_log_counts_what_the_loader_brings(parallel_pairs, tmp_path):
    trainer = HybridTrainer(
        encoder("transformer"), arguments(tmp_path, chunk_tokens=150, gradient_accumulation_steps=2), parallel_pairs
    )
    chunks = [batch["chunks"] for _, batch in zip(range(3), trainer.get_train_dataloader(), strict=False)]
    masks = [chunk["attention_mask"] for batch in chunks for chunk in batch]
    step = trainer.passes._step(trainer.train_dataset)
    assert step.passes == pytest.approx(2 * len(masks) / 3) and step.passes > 2
    assert step.padding == pytest.approx(1 - sum(m.sum() for m in masks) / sum(m.numel() for m in masks))
    assert step.tokens == max(sum(chunk["attention_mask"].numel() for chunk in batch) for batch in chunks)


def test_a_resumed_run_cuts_the_same_chunks(parallel_pairs, tmp_path, expensive):
    settings = {"save_strategy": "steps", "save_steps": 3, "max_steps": 6, "chunk_tokens": 400, **MEASURED}
    straight = trained(tmp_path, parallel_pairs, **settings)
    assert straight.data_collator.chunk_overhead == 4096 and len(expensive) == 1
    # Timed now, a pass would cost something else.
    resumed = trained(tmp_path, parallel_pairs, checkpoint=str(tmp_path / "checkpoint-3"), **settings)
    assert resumed.data_collator.chunk_overhead == 4096 and len(expensive) == 1
    for expected, got in zip(weights(straight.model), weights(resumed.model), strict=True):
        assert torch.equal(expected, got)
    state = json.loads((tmp_path / "checkpoint-6" / "trainer_state.json").read_text())
    assert state["stateful_callbacks"]["PassCostState"]["attributes"] == {"tokens": 4096}


def test_a_run_from_before_goes_on_with_its_constant(parallel_pairs, tmp_path, expensive):
    settings = {"save_strategy": "steps", "save_steps": 1, "max_steps": 2, **MEASURED}
    trained(tmp_path, parallel_pairs, **settings)
    path = tmp_path / "checkpoint-1" / "trainer_state.json"
    state = json.loads(path.read_text())
    del state["stateful_callbacks"]["PassCostState"]
    path.write_text(json.dumps(state))
    resumed = trained(tmp_path, parallel_pairs, checkpoint=str(tmp_path / "checkpoint-1"), **settings)
    assert resumed.data_collator.chunk_overhead == CHUNK_OVERHEAD and len(expensive) == 1
    later = json.loads((tmp_path / "checkpoint-2" / "trainer_state.json").read_text())
    assert later["stateful_callbacks"]["PassCostState"]["attributes"] == {"tokens": CHUNK_OVERHEAD}


def test_a_flag_fixes_it_and_a_static_encoder_has_none(parallel_pairs, tmp_path, expensive):
    assert trained(tmp_path / "a", parallel_pairs, max_steps=1, chunk_overhead=100).passes.cost.tokens == 100
    static = trained(tmp_path / "b", parallel_pairs, "static", max_steps=1, **MEASURED)
    assert static.args.chunk_overhead is None and not expensive
    with pytest.raises(InputError, match="chunk_overhead: 0 is below 1"):
        arguments(tmp_path, chunk_overhead=0)


def test_the_recipe_of_a_run_repeats_its_chunks(tmp_path, expensive):
    flags = "--encoder transformer --vocab_size 400 --embedding_dimension 32 --hidden_size 32 --num_hidden_layers 1"
    flags += " --num_attention_heads 2 --intermediate_size 64 --global_batch_size 24 --max_steps 1 --use_cpu"
    data = write_splits(tmp_path)
    command = [*flags.split(), "--eval_strategy", "no", "--test_split", "none", "--dataset_name_or_path", str(data)]
    assert main([*command, "--output_dir", str(tmp_path / "run")]) == 0
    assert yaml.safe_load((tmp_path / "run" / "arguments.yaml").read_text())["chunk_overhead"] == 4096


def test_sharded_weights_are_not_measured(parallel_pairs, tmp_path, expensive):
    trainer = HybridTrainer(encoder("transformer"), arguments(tmp_path, **MEASURED), parallel_pairs)
    sharded = Passes(trainer.model, trainer.args, trainer.data_collator, sharded=True)
    sharded.settle(None, trainer.train_dataset)
    assert sharded.cost.tokens == ASSUMED["cpu"] == CHUNK_OVERHEAD and ASSUMED["cuda"] == 16_384 and not expensive


def test_the_trial_fits_into_short_encoders(parallel_pairs, tmp_path):
    trainer = HybridTrainer(encoder("transformer"), arguments(tmp_path, max_tokens=20), parallel_pairs)
    features = trainer.passes.features(16, 32)
    assert features["input_ids"].shape == (26, 20) and features["attention_mask"].all()
    assert features["input_ids"].max() < 400
    assert not (features["input_ids"] == trainer.data_collator.layout.pad_token_id).any()


# -- layout -----------------------------------------------------------------------------------------------------------


def test_packed_training_gives_the_padded_losses(parallel_pairs, tmp_path, caplog):
    caplog.set_level(logging.INFO, LOG)
    losses = {}
    for packed in (True, False):
        model = encoder("transformer")
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        model[0].model.config.attention_dropout = 0.0
        settings = {"max_steps": 4, "logging_steps": 1, "chunk_tokens": 300, "padding_free": packed}
        trainer = HybridTrainer(model, arguments(tmp_path, **settings), parallel_pairs)
        assert (trainer.data_collator.packed_from is not None) == packed
        trainer.train()
        losses[packed] = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[True] == pytest.approx(losses[False], abs=1e-4) and len(losses[True]) == 4
    assert "Texts: end to end, without padding (by an explicit mask, which is slow)" in logged(caplog)
    assert "Texts: padded (padding_free is false)" in logged(caplog)


def test_auto_packs_on_a_gpu_in_half_precision_only(tmp_path, monkeypatch):
    model, args = encoder("transformer"), arguments(tmp_path)
    assert args.padding_free == "auto"
    collator = make_collator(model, args)
    assert choose_layout(model, args, collator, False) == (
        False,
        "torch has no attention for texts laid end to end on cpu here",
    )
    monkeypatch.setattr(layout, "kernel_is_there", lambda device: True)
    assert "needs bf16 or fp16" in choose_layout(model, args, collator, False).reason
    args.bf16 = True
    assert choose_layout(model, args, collator, False) == (True, "on cpu in bf16")
    assert "in pieces" in choose_layout(model, args, collator, True).reason
    args.torch_compile = True
    assert choose_layout(model, args, collator, False).packed


@pytest.mark.parametrize(
    ("kind", "sharded", "said"), [("static", False, "no transformer"), ("transformer", True, "in pieces")]
)
def test_asked_for_and_impossible(kind, sharded, said, tmp_path):
    model, args = encoder(kind), arguments(tmp_path, padding_free="true")
    with pytest.raises(InputError, match=f"padding_free: .*{said}.*; give auto or false"):
        choose_layout(model, args, make_collator(model, args), sharded)


def test_two_layouts_stay_padded(tmp_path):
    model, args = encoder("transformer"), arguments(tmp_path)
    collator = make_collator(model, args)
    collator.query_layout = encoder("static") and collator.layout.__class__(pad_left=True)
    assert "different ways" in choose_layout(model, args, collator, False).reason


def test_dropout_that_is_left_out_is_said():
    model = encoder("transformer")
    model[0].model.config.attention_dropout = 0.1
    said = describe_layout(model, Layout(True, "on cuda in bf16"))
    assert said.endswith("(on cuda in bf16); without the dropout of attention weights (0.1)")
    model[0].model.config.attention_dropout = 0.0
    assert "dropout" not in describe_layout(model, Layout(True, "on cuda in bf16"))


# -- memory -----------------------------------------------------------------------------------------------------------


def memory_of(trainer) -> float:
    trainer.settle_passes()
    return trainer.passes.budget


def test_the_cache_keeps_what_is_free(parallel_pairs, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, LOG)
    monkeypatch.setattr(memory_plan, "free_memory", lambda device: 3.0 * GIB)
    trainer = HybridTrainer(encoder("transformer"), arguments(tmp_path, gradient_cache=True), parallel_pairs)
    trained_numbers = sum(parameter.numel() for parameter in trainer.model.parameters())
    assert memory_of(trainer) == 3.0 * GIB - memory_plan.BYTES_A_WEIGHT * trained_numbers
    assert logged(caplog).count("3.0 GiB are free for them; 100 % of the chunks are kept") == 1


def test_the_cache_keeps_nothing_where_nothing_is_free(parallel_pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(memory_plan, "free_memory", lambda device: 0.0)
    trainer = HybridTrainer(encoder("transformer"), arguments(tmp_path, gradient_cache=True), parallel_pairs)
    assert memory_of(trainer) == 0
    trainer.train()


@pytest.mark.parametrize(("reentrant", "origin"), [(False, "measured"), (True, "assumed")])
def test_checkpointed_layers(reentrant, origin, parallel_pairs, tmp_path, monkeypatch, caplog):
    """Passes are timed as they will be where that can be done, and memory is planned with a layer made again."""
    caplog.set_level(logging.INFO, LOG)
    monkeypatch.setattr(memory_plan, "free_memory", lambda device: 3.0 * GIB)
    settings = {"max_steps": 1, "gradient_checkpointing": True, "gradient_cache": not reentrant, **MEASURED}
    name = "activation_checkpointing_kwargs"
    name = name if hasattr(HybridTrainingArguments, name) else "gradient_checkpointing_kwargs"
    trainer = trained(tmp_path, parallel_pairs, **settings, **{name: {"use_reentrant": reentrant}})
    assert f"tokens' worth ({origin})" in logged(caplog)
    assert ("for the layer that is made again" in logged(caplog)) == ("Memory" in logged(caplog)) == (not reentrant)
    if not reentrant:
        trained_numbers = sum(parameter.numel() for parameter in trainer.model.parameters())
        room = 3.0 * GIB - memory_plan.BYTES_A_WEIGHT * trained_numbers
        with passes._Trial(trainer.passes) as trial:
            _, layer = trial.bytes_a_token()
        # Batches of 48 texts, each a chunk of several hundred tokens.
        assert 100 * layer < room - trainer.passes.budget < 10_000 * layer


def test_a_given_budget_stands(parallel_pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(memory_plan, "free_memory", lambda device: 0.0)
    args = arguments(tmp_path, gradient_cache=True, gradient_cache_memory=0.5)
    assert memory_of(HybridTrainer(encoder("transformer"), args, parallel_pairs)) == 0.5 * GIB


@pytest.mark.parametrize(("free", "warned"), [(0.0, True), (8.0 * GIB, False)])
def test_a_step_that_will_not_fit_is_said_before(free, warned, parallel_pairs, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(memory_plan, "free_memory", lambda device: free)
    trainer = HybridTrainer(encoder("transformer"), arguments(tmp_path), parallel_pairs)
    assert memory_of(trainer) is None
    assert ("It may not suffice: add --gradient_cache" in logged(caplog)) == warned


def test_bytes_a_token_are_those_of_the_graph(parallel_pairs, tmp_path):
    trainer = HybridTrainer(encoder("transformer"), arguments(tmp_path), parallel_pairs)
    with passes._Trial(trainer.passes) as trial:
        size, layer = trial.bytes_a_token()
    assert layer == 0
    # One layer of 32 numbers, inner width 64: some dozen vectors of 32 float32 numbers a token, more with attention.
    assert 10 * 32 * 4 < size < 100 * 32 * 4
    assert np.isfinite(size)
