"""Keep ranks in step: the same settings at the start, the same batches since, and one step at which all of them stop.

A rank that differs from the others, or stops alone, would leave them waiting in a collective. So what ranks must have
in common is compared once, with words, before training; and every few seconds one small collective compares what they
drew and tells all of them what any of them knows: a signal to stop, a loss that is not finite.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.distributed as dist

from hf_hybrid.errors import InputError
from hf_hybrid.losses.gather import world_size

# Ranks agree every so many seconds, by the slowest rank's clock, but at most so many steps apart.
SECONDS_APART = 5.0
MOST_STEPS_APART = 50
# In place of a position that no rank has; the collective takes integers.
NOWHERE = 1 << 60


class Agreement(NamedTuple):
    """What all ranks know after they have agreed.

    Attributes:
        stop: Whether any rank was asked to stop.
        first_bad: Least position that any rank reported as not finite, or None.
    """

    stop: bool
    first_bad: int | None


def exchange(value: Any) -> list[Any]:
    """The value of every rank, in rank order. Every rank must call it."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def compare_ranks(facts: Mapping[str, object]) -> None:
    """Compare what ranks must have in common. Every rank must call it.

    Raises:
        InputError: Ranks differ, on every rank; names what differs and what each rank has.
    """
    every = exchange(dict(facts))
    names = dict.fromkeys(name for ranks_facts in every for name in ranks_facts)
    values = {name: [ranks_facts.get(name) for ranks_facts in every] for name in names}
    different = [f"{name} ({by_rank(v)})" for name, v in values.items() if any(value != v[0] for value in v)]
    if different:
        raise InputError(
            f"the ranks differ in {'; '.join(different)}: give every rank the same data and the same arguments"
        )


def by_rank(values: list[object]) -> str:
    """What each rank has, ranks with the same together.

    Example:
        >>> by_rank([8, 8, 9])
        '8 on rank 0, 1; 9 on rank 2'
    """
    ranks: dict[str, list[str]] = {}
    for rank, value in enumerate(values):
        ranks.setdefault(str(value), []).append(str(rank))
    return "; ".join(f"{value} on rank {', '.join(numbers)}" for value, numbers in ranks.items())


class RankAgreement:
    """The collective of every few seconds, and when it is due: at the same steps on every rank.

    Args:
        device: Where the process group's backend takes tensors from.
        clock: Seconds that pass.
    """

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.monotonic):
        self._device, self._clock = device, clock
        self._last: tuple[int, float] | None = None
        self._duration = int(SECONDS_APART * 1000)
        self._next_step = 0

    def due(self, step: int) -> bool:
        """Whether ranks agree at the end of this step; the first one always."""
        return step >= self._next_step

    def agree(self, step: int, code: int, stop: bool, first_bad: int | None, describe: Callable[[], str]) -> Agreement:
        """Compare and share. Every rank must call it at the same point.

        Args:
            step: Update of the weights that has just ended.
            code: Stands for all that was drawn since the last agreement, from 0 to 2**60.
            stop: This rank was asked to stop.
            first_bad: Position of this rank's first value that is not finite.
            describe: Says in words what this rank drew; called if ranks differ.

        Raises:
            InputError: The ranks drew different batches; on every rank, with what each drew.
        """
        milliseconds = self._milliseconds_per_step(step)
        own = [code, -code, int(stop), milliseconds, -(NOWHERE if first_bad is None else first_bad)]
        most, least_negated, any_stop, slowest, bad = self._maximum(own)
        if most != -least_negated:
            raise InputError(
                f"the ranks have drawn different batches by step {step} ({by_rank(exchange(describe()))}): give every "
                "rank the same data and the same arguments, and resume from a checkpoint from before"
            )
        self._next_step = step + steps_apart(slowest)
        return Agreement(bool(any_stop), None if -bad == NOWHERE else -bad)

    def _maximum(self, values: list[int]) -> list[int]:
        if world_size() == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.int64, device=self._device)
        dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return tensor.tolist()

    def _milliseconds_per_step(self, step: int) -> int:
        """Duration of a step since the last agreement; at first, when it is unknown, a whole interval."""
        if self._last is not None and step == self._last[0]:
            return self._duration
        now, last = self._clock(), self._last
        self._last = (step, now)
        if last is not None:
            self._duration = int((now - last[1]) * 1000) // (step - last[0])
        return self._duration


def steps_apart(milliseconds: int) -> int:
    """Steps from one agreement to the next, by the duration of the slowest rank's step.

    Example:
        >>> [steps_apart(milliseconds) for milliseconds in (0, 250, 9000)]
        [50, 20, 1]
    """
    return min(max(int(SECONDS_APART * 1000) // max(milliseconds, 1), 1), MOST_STEPS_APART)
