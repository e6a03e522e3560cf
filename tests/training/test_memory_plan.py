"""The memory plan: arithmetic on known numbers, and a measured pass that says what autograd keeps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from hf_hybrid.losses.gradient_cache import GIB
from hf_hybrid.training import memory_plan
from hf_hybrid.training.memory_plan import MemoryPlan, free_memory, plan_memory

CPU = torch.device("cpu")


@pytest.mark.parametrize(("free", "kept"), [(20e9, 1.0), (10e9, 1.0), (2.5e9, 0.25), (0, 0.0), (-1e9, 0.0)])
def test_share_of_chunks_kept(free, kept):
    assert MemoryPlan(100_000, 100_000, free).kept == pytest.approx(kept)
    assert MemoryPlan(0, 100_000, free).kept == 1.0


def test_what_is_made_again_comes_on_top():
    # 1,000 tokens at 10 bytes are kept, a chunk has 100 of them; a checkpointed layer takes 4 bytes a token.
    for free, room in ((10_400, 10_000), (10_399, 8_999), (1_400, 0), (0, 0)):
        plan = MemoryPlan(10, 1000, free, chunk=100, layer_bytes_a_token=4)
        assert plan.room == room and plan.kept == room / 10_000
    # Without checkpointed layers a chunk that is embedded twice still takes its place once.
    assert [MemoryPlan(10, 1000, free, chunk=100).room for free in (10_000, 9_999)] == [10_000, 8_999]


def test_gradients_and_optimiser_are_set_aside(monkeypatch):
    monkeypatch.setattr(memory_plan, "free_memory", lambda device: 1000.0)
    weights = [nn.Parameter(torch.zeros(10)), nn.Parameter(torch.zeros(90), requires_grad=False)]
    assert plan_memory(2.0, 50, CPU, weights) == MemoryPlan(2.0, 50, 1000.0 - 120)


def test_ranks_of_a_machine_share_its_memory(monkeypatch):
    monkeypatch.setattr(memory_plan.psutil, "virtual_memory", lambda: SimpleNamespace(available=8 * GIB))
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert free_memory(CPU) == 4 * GIB
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert free_memory(CPU) == GIB


def test_a_gpu_keeps_a_margin_for_others(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (70 * GIB, 80 * GIB))
    assert free_memory(torch.device("cuda")) == 62 * GIB


def test_it_is_said_in_words():
    assert "12.2 GiB for a step of 57,000 tokens; 40.0 GiB are free" in str(MemoryPlan(230_000, 57_000, 40 * GIB))
    layered = MemoryPlan(20_000, 57_000, 40 * GIB, chunk=16_384, layer_bytes_a_token=100_000)
    assert "57,000 tokens, 1.5 GiB more for the layer that is made again; 40.0 GiB are free" in str(layered)
