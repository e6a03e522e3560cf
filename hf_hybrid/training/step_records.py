"""What the steps since the last agreement of the ranks have drawn and brought: batches, losses, norms of gradients.

Losses stay on their device until they are asked for, so that no step waits for it; then one transfer tells which of
them is not finite, and the plan tells which rows its batch had.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import ARMS

SHOWN_PAIRS = 6


@dataclass
class StepRecord:
    """One update of the weights.

    Attributes:
        number: It brings the trainer's `global_step` to this.
        batches: Epoch, step in the epoch and arm of each micro-batch.
        losses: This rank's loss of each micro-batch.
        norm: Norm of all gradients before clipping; the same on every rank.
    """

    number: int
    batches: list[tuple[int, int, int]] = field(default_factory=list)
    losses: list[torch.Tensor] = field(default_factory=list)
    norm: torch.Tensor | float | None = None


class StepRecords:
    """Records of the steps since they were last cleared.

    Args:
        plan: Tells the rows of batches.
        norms: Whether a gradient norm that is not finite is a fault; with fp16 it is how the loss scale finds its way.
    """

    def __init__(self, plan: HybridBatchPlan, norms: bool = True):
        self._plan, self._norms = plan, norms
        self._steps: list[StepRecord] = []

    def add_batch(self, number: int, address: Sequence[int], loss: torch.Tensor) -> None:
        """Record a micro-batch of step `number`, with its `[epoch, step, arm]` as the collator gives it."""
        if not self._steps or self._steps[-1].number != number:
            self._steps.append(StepRecord(number))
        self._steps[-1].batches.append((int(address[0]), int(address[1]), int(address[2])))
        self._steps[-1].losses.append(loss.detach())

    def add_norm(self, number: int, norm: torch.Tensor | float | None) -> None:
        """Record the norm of the gradients of step `number`."""
        if self._norms and norm is not None and self._steps and self._steps[-1].number == number:
            self._steps[-1].norm = norm

    def clear(self) -> None:
        """Drop what was checked; the last step stays, for the weights that it has made are checked later."""
        self._steps = self._steps[-1:]

    def get(self, number: int) -> StepRecord:
        """The record of a step; an empty one where nothing was recorded."""
        return next((step for step in self._steps if step.number == number), StepRecord(number))

    def first_bad(self) -> int | None:
        """The first step with a loss or a norm that is not finite. Waits for the device."""
        values = [value for step in self._steps for value in (*step.losses, step.norm) if value is not None]
        tensors = [value.detach().float().reshape(()) for value in values if isinstance(value, torch.Tensor)]
        finite = iter(torch.stack(tensors).isfinite().tolist() if tensors else [])
        for step in self._steps:
            own = [value for value in (*step.losses, step.norm) if value is not None]
            if not all([next(finite) if isinstance(v, torch.Tensor) else math.isfinite(v) for v in own]):
                return step.number
        return None

    def code(self) -> int:
        """A number that stands for all batches recorded, and for the rows of the last one."""
        digest = hashlib.blake2b(digest_size=7)
        for step in self._steps:
            digest.update(repr((step.number, step.batches)).encode())
        if self._steps:
            epoch, step, _ = self._steps[-1].batches[-1]
            batch = self._plan.batch(step, epoch)
            digest.update(batch.arm.encode() + batch.query_rows.tobytes() + batch.passage_rows.tobytes())
        return int.from_bytes(digest.digest())

    def describe(self) -> str:
        """The last batch in words.

        Example:
            >>> records.describe()                           # doctest: +SKIP
            'epoch 0, batch 3, x-y, de-en en-de th-ar ...'
        """
        if not self._steps:
            return "nothing"
        epoch, step, arm = self._steps[-1].batches[-1]
        batch, tags = self._plan.batch(step, epoch), self._plan.pairs.languages
        cells = zip(batch.query_languages.tolist(), batch.passage_languages.tolist(), strict=True)
        pairs = sorted({f"{tags[a]}-{tags[b]}" for a, b in cells})
        languages = " ".join(pairs[:SHOWN_PAIRS]) + (" ..." if len(pairs) > SHOWN_PAIRS else "")
        return f"epoch {epoch}, batch {step}, {ARMS[arm]}, {languages}"


def batch_report(plan: HybridBatchPlan, address: Sequence[int], losses: Sequence[float]) -> dict[str, Any]:
    """A global batch for inspection: what it is, each rank's loss, and id and languages of its rows.

    Rank r has the r-th part of the rows.
    """
    epoch, step, arm = address
    batch, tags = plan.batch(step, epoch), plan.pairs.languages
    return {
        "epoch": epoch,
        "batch": step,
        "arm": ARMS[arm],
        "loss_by_rank": [written(loss) for loss in losses],
        "ids": [plan.pairs.example_ids[code] for code in batch.examples.tolist()],
        "query_languages": [tags[code] for code in batch.query_languages.tolist()],
        "passage_languages": [tags[code] for code in batch.passage_languages.tolist()],
    }


def written(value: float) -> float | str:
    """A number as JSON can hold it.

    Example:
        >>> written(0.5), written(math.nan)
        (0.5, 'nan')
    """
    return value if math.isfinite(value) else str(value)


@torch.no_grad()
def weights_are_finite(model: nn.Module) -> bool:
    """Whether all weights that this rank holds are numbers. Waits for the device, once."""
    finite = [local.isfinite().all() for p in model.parameters() if (local := _local(p)).is_floating_point()]
    return not finite or bool(torch.stack([flag.to(finite[0].device) for flag in finite]).all())


def _local(parameter: torch.Tensor) -> torch.Tensor:
    return parameter.to_local() if hasattr(parameter, "to_local") else parameter
