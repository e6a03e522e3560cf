"""What one more pass through the encoder costs, in tokens: measured on the device that trains, before it trains.

A forward and backward pass takes some time however short its texts are: hundreds of kernels have to be launched. On a
CPU that is the work of a few dozen tokens, on an H100 with 12 layers of width 384 of some 30,000, since the chip does
the work itself in no time. Cutting a batch into chunks weighs padding against passes at this rate (module
`data.chunks`), so the rate decides how much of a GPU is used.

Two passes of different size are timed, which give seconds a pass and seconds a token. The ratio is rounded to a power
of two, so that noise rarely changes the cuts, and kept with every checkpoint: a resumed run cuts the same chunks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from hf_hybrid.data.chunks import CHUNK_OVERHEAD

# Texts x tokens of the two passes. A GPU needs the larger one to be busy at all; a CPU would take long over it.
SIZES = {"cuda": ((8, 16), (256, 64)), "cpu": ((2, 16), (16, 32))}
REPEATS = 5
# Up to so many times the constant that was tuned on CPUs, that constant is taken: tiny encoders measure some 500
# tokens there, a busy machine more, and runs that are repeated are to cut the same chunks. A GPU measures far more.
NEAR = 16
# Beyond, one more pass costs more than any padding that it could save.
LARGEST = 1 << 20


@dataclass(frozen=True)
class PassCost:
    """Seconds of a pass that holds no tokens, and of one more token in it."""

    seconds_a_pass: float
    seconds_a_token: float

    @property
    def tokens(self) -> int:
        """The tokens that a pass costs, as a power of two; near the constant that was tuned on CPUs, that constant.

        Example:
            >>> PassCost(0.15, 5e-6).tokens
            32768
        """
        if self.seconds_a_token <= 0:
            return LARGEST
        ratio = self.seconds_a_pass / self.seconds_a_token
        if ratio <= NEAR * CHUNK_OVERHEAD:
            return CHUNK_OVERHEAD
        return min(1 << round(torch.tensor(ratio, dtype=torch.float64).log2().item()), LARGEST)


def measure_pass_cost(
    encode: Callable[[dict[str, Any]], torch.Tensor],
    features: Callable[[int, int], dict[str, Any]],
    parameters: list[nn.Parameter],
    device: torch.device,
    precision: Callable[[], AbstractContextManager] = nullcontext,
) -> PassCost:
    """Time forward and backward passes. Leaves weights, gradients and random states as they were.

    Args:
        encode: From features to embeddings.
        features: Those of so many texts of so many tokens, on the device.
        parameters: What is trained: gradients are made for these.
        device: Where it is timed.
        precision: The context of a pass, autocast where the run has it.
    """
    small, large = SIZES["cuda" if device.type == "cuda" else "cpu"]
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        seconds = [
            _best_seconds(encode, features(*size), parameters, device, precision, REPEATS) for size in (small, large)
        ]
    tokens = [texts * length for texts, length in (small, large)]
    a_token = max(seconds[1] - seconds[0], 0.0) / (tokens[1] - tokens[0])
    return PassCost(max(seconds[0] - tokens[0] * a_token, 0.0), a_token)


def _best_seconds(
    encode: Callable[[dict[str, Any]], torch.Tensor],
    inputs: dict[str, Any],
    parameters: list[nn.Parameter],
    device: torch.device,
    precision: Callable[[], AbstractContextManager],
    repeats: int,
) -> float:
    best = float("inf")
    # On a CPU other processes take turns with this one: its own processor time leaves them out.
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    # The first pass loads kernels and is not counted; of the others the quickest is the least disturbed.
    for attempt in range(repeats + 1):
        _wait(device)
        start = clock()
        with precision():
            total = encode(dict(inputs)).float().sum()
        torch.autograd.grad(total, parameters, allow_unused=True)
        _wait(device)
        seconds = clock() - start
        best = min(best, seconds) if attempt else best
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class PassCostState(TrainerCallback, ExportableState):
    """Keeps the cost that a run's chunks are cut by in the trainer state, and so in every checkpoint."""

    def __init__(self, tokens: int | None = None):
        self.tokens = tokens

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"tokens": self.tokens}}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> PassCostState:
        return cls(state["attributes"]["tokens"])

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        # The state of a checkpoint from before has no place for it, and the trainer makes none.
        state.stateful_callbacks.setdefault(type(self).__name__, self.state())


def stored_pass_cost(checkpoint: str | Path) -> int | None:
    """The cost that the chunks of a checkpoint's run were cut by; None where it was written before there was one."""
    path = Path(checkpoint) / "trainer_state.json"
    if not path.is_file():
        return None
    callbacks = json.loads(path.read_text(encoding="utf-8")).get("stateful_callbacks", {})
    return callbacks.get(PassCostState.__name__, {}).get("attributes", {}).get("tokens")
