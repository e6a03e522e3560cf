"""The cost of a pass: found where it is known, rounded, and kept with checkpoints; measuring it leaves no trace."""

from __future__ import annotations

import json
import time

import pytest
import torch
from torch import nn

from hf_hybrid.data.chunks import CHUNK_OVERHEAD
from hf_hybrid.training.pass_cost import LARGEST, PassCost, PassCostState, measure_pass_cost, stored_pass_cost

CPU = torch.device("cpu")


class Slow(nn.Module):
    """Takes a given time a pass and a token, forward."""

    def __init__(self, a_pass: float, a_token: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.unused = nn.Parameter(torch.ones(1))
        self.a_pass, self.a_token = a_pass, a_token

    def forward(self, features):
        # Busy, not asleep: on a CPU the process's own time counts.
        until = time.process_time() + self.a_pass + self.a_token * features["input_ids"].numel()
        while time.process_time() < until:
            pass
        return nn.functional.dropout(features["input_ids"].float() * self.weight, 0.5)


def features(texts: int, length: int):
    return {"input_ids": torch.ones(texts, length, dtype=torch.int64)}


def test_a_known_cost_is_found():
    model = Slow(0.02, 5e-6)
    cost = measure_pass_cost(model, features, list(model.parameters()), CPU)
    assert cost.seconds_a_pass == pytest.approx(0.02, rel=0.2)
    assert cost.tokens >= 1024


def test_measuring_leaves_no_trace():
    model = Slow(0.0, 0.0)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    measure_pass_cost(model, features, list(model.parameters()), CPU)
    assert torch.equal(torch.rand(2), expected)
    assert model.weight.grad is None and model.unused.grad is None


@pytest.mark.parametrize(
    ("a_pass", "a_token", "tokens"),
    [
        (0.15, 5e-6, 32_768),  # what one H100 showed: 30,000
        (0.15, 6e-6, 32_768),  # and with some noise
        (0.05, 1e-3, CHUNK_OVERHEAD),
        (0.2, 1e-3, CHUNK_OVERHEAD),  # a busy CPU
        (0.0, 1e-3, CHUNK_OVERHEAD),
        (0.1, 0.0, LARGEST),
        (10.0, 1e-9, LARGEST),
    ],
)
def test_tokens(a_pass, a_token, tokens):
    assert PassCost(a_pass, a_token).tokens == tokens


def test_state_comes_back(tmp_path):
    assert stored_pass_cost(tmp_path) is None
    state = PassCostState(4096).state()
    (tmp_path / "trainer_state.json").write_text(json.dumps({"stateful_callbacks": {"PassCostState": state}}))
    assert stored_pass_cost(tmp_path) == 4096
    assert PassCostState.from_state(state).tokens == 4096
    (tmp_path / "trainer_state.json").write_text(json.dumps({"stateful_callbacks": {"PlanState": {}}}))
    assert stored_pass_cost(tmp_path) is None
