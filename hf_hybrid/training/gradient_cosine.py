"""Do monolingual and cross-lingual batches pull the weights apart? The cosine of their gradients, during training.

At every measured step two batches of the run's size that training does not see are drawn from the same data, one of
each kind, whatever the run's arm; the loss's gradients with respect to the encoder are made for both at the current
weights. Neither weights nor optimiser, random numbers or batches of the run are touched.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from hf_hybrid.engines.engine import DDP, NONE
from hf_hybrid.errors import InputError
from hf_hybrid.losses.protocol import call_loss
from hf_hybrid.output_files import write_json
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import BatchSlice, PlanSettings

FILE = "gradient_cosine.json"
NAMES = ("gradient_cosine", "gradient_norm_mono", "gradient_norm_cross")
# Of the plan that the measured batches are drawn by, beside the run's own.
SEED_SHIFT = 7919
BATCHES = 4096


class GradientCosine(TrainerCallback):
    """Logs `gradient_cosine` and both norms every so many steps, from the start on, and writes them to
    `gradient_cosine.json` in the run's folder at the end.

    Args:
        trainer: The `HybridTrainer` whose encoder, loss and data they are.
        every: Steps between two measurements.
        engine: Name of the active engine (`engines.engine.Engine`).

    Raises:
        InputError: The data cannot give both kinds of batches, or the engine keeps gradients to itself.
    """

    def __init__(self, trainer: Any, every: int, engine: str) -> None:
        if engine not in (NONE, DDP):
            raise InputError(
                f"gradient_cosine_steps: {engine} takes gradients in its own way; train on one process or with DDP"
            )
        self.trainer, self.every = trainer, every
        self._data = copy.copy(trainer.train_dataset)
        self._data.plan = HybridBatchPlan(trainer.plan.pairs, probe_settings(trainer.plan.settings))

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        if state.global_step == 0:
            self._measure(0)

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if state.global_step % self.every == 0:
            # A log of ours is no log of the step's, which may be due, too.
            due = control.should_log
            self._measure(state.global_step // self.every)
            control.should_log = due

    def on_train_end(self, args, state, control, **kwargs) -> None:
        if state.is_world_process_zero:
            write_json(Path(args.output_dir) / FILE, recorded(state.log_history), overwrite=True)

    def _measure(self, number: int) -> None:
        mono, cross = (self.gradient(number, arm) for arm in ("x-x-mono", "x-y"))
        norms = mono.norm(), cross.norm()
        if min(norms) > 0:
            values = (mono @ cross / (norms[0] * norms[1]), *norms)
            logs = zip(NAMES, values, strict=True)
            self.trainer.log({name: float(f"{float(value):.6g}") for name, value in logs})

    def gradient(self, number: int, arm: str) -> torch.Tensor:
        """Gradient of the global batch, float32 `[P]` of the trained parameters end to end; on every rank.

        Args:
            number: Of the measurement.
            arm: Kind of the batch.
        """
        trainer = self.trainer
        share = trainer.args.global_batch_size // trainer.args.world_size
        start = trainer.args.process_index * share
        address = BatchSlice(0, self._step(number, arm), start, start + share)
        inputs = trainer._prepare_inputs(trainer.data_collator(self._data.__getitems__(address)))
        encoder = trainer.accelerator.unwrap_model(trainer.model)
        parameters = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
        devices = [trainer.args.device] if trainer.args.device.type == "cuda" else []
        with torch.random.fork_rng(devices), trainer.compute_loss_context_manager():
            loss, _ = call_loss(trainer.loss, encoder, {**inputs, "cache_budget": trainer.passes.budget})
            found = torch.autograd.grad(loss, parameters, allow_unused=True)
        parts = [
            torch.zeros_like(parameter) if one is None else one
            for one, parameter in zip(found, parameters, strict=True)
        ]
        flat = torch.cat([part.detach().to_dense().float().ravel() for part in parts])
        return trainer.accelerator.reduce(flat, "mean")

    def _step(self, number: int, arm: str) -> int:
        """Step of the `number`-th batch of a kind, in the order of the plan that they are drawn by."""
        plan = self._data.plan
        steps = [step for step in range(min(len(plan), 8 * (number + 8))) if plan.arm_of(step) == arm]
        return steps[number % len(steps)]


def probe_settings(settings: PlanSettings) -> PlanSettings:
    """Settings of the plan that the measured batches are drawn by: half of them of either kind."""
    return replace(
        settings,
        arm="hybrid",
        seed=settings.seed + SEED_SHIFT,
        mono_probability=0.5,
        mono_probability_end=None,
        schedule_batches=None,
        batches_per_epoch=BATCHES,
    )


def recorded(history: list[dict[str, Any]]) -> dict[str, list[float]]:
    """What was measured, by step, from a trainer's log.

    Example:
        >>> recorded([{"loss": 1.0, "step": 5}, dict(zip(NAMES, (0.5, 1.0, 2.0)), step=10)])["gradient_cosine"]
        [0.5]
    """
    rows = [entry for entry in history if NAMES[0] in entry]
    return {"step": [row["step"] for row in rows], **{name: [row[name] for row in rows] for name in NAMES}}
