"""Parts of the GPU benchmark: what is useful work, rates of the device, and the file that results go to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_gpu_batches import Batch
from bench_gpu_encoders import Encoder
from bench_training_common import summary

from hf_hybrid.output_files import write_json


def useful_operations(batch: Batch, encoder: Encoder) -> float:
    """Floating-point operations of one forward and backward pass over the tokens without padding, nothing made
    twice.
    """
    shape = encoder.shape
    per_token = 2 * shape.layers * (4 * shape.width**2 + 2 * shape.width * shape.feed_forward)
    lengths = batch.texts().lengths.astype(np.float64)
    attention = 4 * shape.layers * shape.width * float((lengths**2).sum())
    return encoder.passes() * (per_token * batch.tokens + attention)


def matrix_rate(device: torch.device, size: int) -> dict[str, float]:
    """Operations a second of a large bf16 product, the best of ten."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        synchronise(device)
        started = time.perf_counter()
        a @ b
        synchronise(device)
        best = min(best, time.perf_counter() - started)
    return {"size": size, "operations_per_second": 2 * size**3 / best}


def synchronise(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def rates(rows: int, times: list[float], runs: list[dict[str, Any]], rate: float) -> dict[str, Any]:
    """Rates of a variant from its median time; `rate` is that of the device, in operations a second."""
    seconds = summary(times)
    median = seconds["median"]
    return {
        "seconds": seconds,
        "pairs_per_second": rows / median,
        "tokens_per_second": runs[0]["tokens"] / median,
        "share_of_matrix_rate": runs[0]["operations"] / median / rate,
        "peak_gib": max(run["peak_gib"] for run in runs),
    }


class Record:
    """The results file of one encoder, written anew after every part, so that a run that is cut off keeps what it has.

    Args:
        path: The file, or None to keep nothing. Parts of a file that is there are taken over if `head` is what it
            begins with.
        head: What a part depends on.
    """

    def __init__(self, path: Path | None, head: dict[str, Any]):
        self.path = path
        self.head = json.loads(json.dumps(head))
        self.parts: dict[str, Any] = {}
        if path is not None and path.is_file():
            known = json.loads(path.read_text(encoding="utf-8"))
            if {name: known.get(name) for name in self.head} == self.head:
                self.parts = known["parts"]

    def part(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A part that is there, or made and written."""
        if name not in self.parts:
            self.parts[name] = make()
            if self.path is not None:
                write_json(self.path, {**self.head, "parts": self.parts}, overwrite=True)
        return self.parts[name]


class Clock:
    """Time that is left for parts: one is begun only if as much is left as the longest before it took.

    Args:
        minutes: In all, or None.
        first: Seconds that are taken for the first part.
    """

    def __init__(self, minutes: float | None, first: float = 20.0):
        self.end = None if minutes is None else time.monotonic() + 60 * minutes
        self.longest = first

    def suffices(self) -> bool:
        """Whether there is time for one more part."""
        return self.end is None or self.end - time.monotonic() >= self.longest

    def timed(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Make a part, and remember what it took."""
        started = time.monotonic()
        found = make()
        self.longest = max(self.longest, time.monotonic() - started)
        return found
