"""`profile`: where the time of a step goes, phase by phase, in both trainers.

Phases: data (loader and collator), embed (the encoder's forward pass), loss (all else of the loss; in the other's
cached loss also its gradients), embed again (the second forward pass of gradient caching), backward, clip, optimiser,
rest.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from functools import partial
from typing import Any

import bench_training_step as step
from bench_training_common import print_table
from bench_training_runs import Work, run
from transformers import TrainerCallback

PHASES = ("data", "embed", "loss", "embed again", "backward", "clip", "optimiser", "rest")


def add_arguments(parser: ArgumentParser) -> None:
    """Flags of `profile`: those of `step`, for all three kinds."""
    step.add_arguments(parser)
    parser.add_argument("--tuned", type=json.loads, default={}, help="settings of the other trainer, as JSON by kind")
    parser.add_argument("--ours", type=json.loads, default={}, help="training arguments of ours, as JSON by kind")
    kinds = next(action for action in parser._actions if action.dest == "kinds")
    kinds.choices = kinds.default = list(step.BATCHES)


def main(arguments: Namespace) -> dict[str, Any]:
    """Milliseconds of every phase, the least of the repeats."""
    found = {}
    for kind in arguments.kinds:
        work, description = step.make_work(arguments, kind)
        other = arguments.tuned.get(kind, {"cached": kind == "cached"})
        variants = {
            "ours": ("ours", {**step.OURS[kind], **arguments.ours.get(kind, {})}),
            "sentence-transformers": ("sentence-transformers", other),
        }
        phases = {
            name: least([phases_of(work, *variant) for _ in range(arguments.repeats)])
            for name, variant in variants.items()
        }
        print(f"\n{kind} step, ms")
        print_table(
            [["", *PHASES, "all"], *([name, *each.values(), sum(each.values())] for name, each in phases.items())]
        )
        found[kind] = {**description, "variants": variants, "milliseconds": phases}
    return found


def least(repeats: list[dict[str, float]]) -> dict[str, float]:
    """Of every phase the least time: what it costs when nothing else runs."""
    return {phase: min(each[phase] for each in repeats) for phase in PHASES}


def phases_of(work: Work, trainer: str, settings: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of every phase of a step, mean over the steps after the warm-up."""
    clock = PhaseClock(work.warmup)
    run(partial(step.TRAINERS[trainer], **settings), work, prepare=clock.attach)
    return {phase: clock.total[phase] / work.steps * 1e3 for phase in PHASES}


class PhaseClock(TrainerCallback):
    """Adds up the time of every phase, from calls of the trainer and its callbacks."""

    def __init__(self, warmup: int):
        self.warmup, self.steps = warmup, 0
        self.total: dict[str, float] = defaultdict(float)
        self.within: str | None = None
        self.embedded = 0.0

    def attach(self, trainer: Any) -> None:
        """Put clocks around the trainer's parts."""
        trainer.add_callback(self)
        trainer.get_batch_samples = self.around("data", trainer.get_batch_samples)
        trainer.compute_loss = self.around("loss", trainer.compute_loss)
        trainer.accelerator.backward = self.around("backward", trainer.accelerator.backward)
        encoder = trainer.model[0]
        self.hooks = [encoder.register_forward_pre_hook(self.start), encoder.register_forward_hook(self.stop)]

    def around(self, phase: str, function: Any) -> Any:
        """The function, its time added to a phase less what the encoder took in it."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self.within, self.embedded = phase, 0.0
            started = time.perf_counter()
            result = function(*args, **kwargs)
            self.total[phase] += time.perf_counter() - started - self.embedded
            self.ended = time.perf_counter()
            self.within = None
            return result

        return timed

    def start(self, *_: Any) -> None:
        self.began = time.perf_counter()

    def stop(self, *_: Any) -> None:
        taken = time.perf_counter() - self.began
        self.embedded += taken
        self.total["embed again" if self.within == "backward" else "embed"] += taken

    def on_pre_optimizer_step(self, args, state, control, **kwargs) -> None:
        now = time.perf_counter()
        self.total["clip"] += now - self.ended
        self.ended = now

    def on_optimizer_step(self, args, state, control, **kwargs) -> None:
        self.total["optimiser"] += time.perf_counter() - self.ended

    def on_step_end(self, args, state, control, **kwargs) -> None:
        self.steps += 1
        if self.steps == self.warmup:
            self.total.clear()
            self.first = time.perf_counter()
        elif self.steps > self.warmup:
            known = sum(self.total[phase] for phase in PHASES if phase != "rest")
            self.total["rest"] = time.perf_counter() - self.first - known

    def on_train_end(self, args, state, control, **kwargs) -> None:
        for hook in self.hooks:
            hook.remove()
