"""Compiled runs of packed texts: one shape for all chunks, chosen once, kept with the run, and the padded losses."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

from hf_hybrid.data.fixed_chunks import deal_chunks
from hf_hybrid.encoders.fixed_chunk import ChunkSize
from hf_hybrid.training import passes
from hf_hybrid.training.chunk_size import ChunkSizeState, describe_chunk_size, sampled_lengths, stored_chunk_size
from hf_hybrid.training.trainer import HybridTrainer
from tests.training.test_trainer import arguments, encoder, weights

COMPILED = {"torch_compile": True, "torch_compile_backend": "aot_eager", "padding_free": True}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    # The training arguments pass the wish on through the environment; this takes it back after the test.
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "no")
    torch._dynamo.reset()
    counters.clear()
    with torch._dynamo.config.patch(error_on_recompile=True):
        yield
    torch._dynamo.reset()


def trainer_of(folder, pairs, **settings) -> HybridTrainer:
    model = encoder("transformer")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model[0].model.config.attention_dropout = 0.0
    return HybridTrainer(model, arguments(folder, logging_steps=1, chunk_tokens=512, **settings), pairs)


def losses(trainer: HybridTrainer) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


@pytest.mark.parametrize("cache", [{}, {"gradient_cache": True, "gradient_cache_memory": 0.0}])
def test_compiled_and_packed_gives_the_padded_losses(cache, parallel_pairs, tmp_path, caplog):
    caplog.set_level(logging.INFO, "hf_hybrid.training.passes")
    padded = trainer_of(tmp_path, parallel_pairs, max_steps=4, padding_free=False, **cache)
    padded.train()
    assert counters["stats"]["unique_graphs"] == 0
    trainer = trainer_of(tmp_path, parallel_pairs, max_steps=4, **COMPILED, **cache)
    trainer.train()
    assert counters["stats"]["unique_graphs"] == 1 and not counters["graph_break"]
    assert losses(trainer) == pytest.approx(losses(padded), abs=1e-5) and len(losses(trainer)) == 4
    size = trainer.passes.fixed.size
    chunks = [batch["chunks"] for _, batch in zip(range(4), trainer.get_train_dataloader(), strict=False)]
    assert {chunk["input_ids"].shape for batch in chunks for chunk in batch} == {(1, size.tokens)}
    assert len(chunks[0]) > 1
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert f"Compiled passes: {size.tokens:,} tokens in {size.segments:,} segments, whatever the batch" in said


def test_the_log_counts_what_the_loader_brings(parallel_pairs, tmp_path):
    trainer = trainer_of(tmp_path, parallel_pairs, max_steps=4, **COMPILED)
    trainer.settle_passes()
    batches = [batch["chunks"] for _, batch in zip(range(3), trainer.get_train_dataloader(), strict=False)]
    held = sum(chunk["input_ids"].numel() for batch in batches for chunk in batch)
    padding = trainer.data_collator.layout.pad_token_id
    texts = sum(int((chunk["input_ids"] != padding).sum()) for batch in batches for chunk in batch)
    step = trainer.passes._step(trainer.train_dataset)
    assert step.passes == pytest.approx(sum(map(len, batches)) / 3) and step.chunk == trainer.passes.fixed.size.tokens
    assert step.padding == pytest.approx(1 - texts / held) and 0 < step.padding < 0.5


def test_a_resumed_run_makes_the_same_chunks(parallel_pairs, tmp_path, monkeypatch):
    settings = {"save_strategy": "steps", "save_steps": 2, "max_steps": 4, **COMPILED}
    straight = trainer_of(tmp_path, parallel_pairs, **settings)
    straight.train()
    size = straight.passes.fixed.size
    assert size == stored_chunk_size(tmp_path / "checkpoint-4") == stored_chunk_size(tmp_path / "checkpoint-2")
    # Chosen now, it would be another one.
    monkeypatch.setattr(passes, "chunk_size_of", lambda *args: ChunkSize(1024, 64, 48))
    torch._dynamo.reset()
    resumed = trainer_of(tmp_path, parallel_pairs, **settings)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert resumed.passes.fixed.size == resumed.data_collator.chunk_size == size
    for expected, got in zip(weights(straight.model), weights(resumed.model), strict=True):
        assert torch.equal(expected, got)
    state = json.loads((tmp_path / "checkpoint-4" / "trainer_state.json").read_text())
    kept = state["stateful_callbacks"]["ChunkSizeState"]["attributes"]["size"]
    assert kept == {"tokens": size.tokens, "segments": size.segments, "longest": size.longest}
    assert ChunkSizeState.from_state(straight.passes.fixed.state()).size == size


def test_a_run_that_was_padded_has_no_shape(parallel_pairs, tmp_path):
    trainer_of(tmp_path, parallel_pairs, save_strategy="steps", save_steps=1, max_steps=1).train()
    assert stored_chunk_size(tmp_path / "checkpoint-1") is None and stored_chunk_size(tmp_path) is None


def test_graphs_keep_all_activations_or_none(parallel_pairs, tmp_path, monkeypatch):
    """A recorded graph that runs again for a chunk embedded twice overwrites what was kept of the others."""
    kept_gradients = []
    monkeypatch.setattr(passes, "keep_gradients", lambda parameters: kept_gradients.append(list(parameters)))
    for free, budget in ((1e12, None), (1e6, 0.0)):
        monkeypatch.setattr("hf_hybrid.training.memory_plan.free_memory", lambda device, free=free: free)
        trainer = trainer_of(tmp_path, parallel_pairs, gradient_cache=True, **COMPILED)
        trainer.passes.compiling["mode"] = "reduce-overhead"
        trainer.settle_passes()
        assert trainer.passes.budget == budget
    assert len(kept_gradients) == 2


def test_filler_is_told():
    lengths = [np.array([9, 40, 8, 30]), np.array([20, 20])]
    size = ChunkSize(64, 6, 40)
    assert [len(deal_chunks(each, size)) for each in lengths] == [2, 1]
    said = "Compiled passes: 64 tokens in 6 segments, whatever the batch; 34 % are filler"
    assert describe_chunk_size(size, lengths) == said


def test_large_batches_are_sampled_less(parallel_pairs, tmp_path, monkeypatch):
    trainer = trainer_of(tmp_path, parallel_pairs)
    sampler = trainer.get_train_dataloader().batch_sampler
    # An epoch has five batches of 48 texts.
    assert [len(each) for each in sampled_lengths(trainer.train_dataset, sampler)] == [48] * 5
    monkeypatch.setattr("hf_hybrid.training.chunk_size.SAMPLED_TEXTS", 48)
    assert len(sampled_lengths(trainer.train_dataset, sampler)) == 3
