"""`GuardedTraining`: what keeps a long training run from ending in a hang, in half a checkpoint, or in weights that
are NaN.

A mixin for the trainer. Ranks compare their settings before training and agree on what they know every few seconds and
before every checkpoint; a checkpoint counts once all ranks have written it; a run that was asked to stop saves and
stops.
"""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from transformers.trainer_utils import IntervalStrategy, rotate_checkpoints

from hf_hybrid.encoders.models import is_static
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_json
from hf_hybrid.training.checkpoints import (
    checkpoint_path,
    evaluation_is_pending,
    free_space,
    last_checkpoint,
    write_manifest,
    write_problem,
)
from hf_hybrid.training.out_of_memory import explain_out_of_memory
from hf_hybrid.training.rank_agreement import RankAgreement, compare_ranks, exchange
from hf_hybrid.training.rank_watch import RankWatch
from hf_hybrid.training.step_records import StepRecords, batch_report, weights_are_finite, written
from hf_hybrid.training.stop_signal import Interrupted, StopSignal

logger = logging.getLogger(__name__)

REPORT = "nonfinite_loss.json"
# Arguments by which ranks take the same steps together.
SHARED_ARGUMENTS = """
max_steps num_train_epochs gradient_accumulation_steps learning_rate weight_decay lr_scheduler_type warmup_steps optim
max_grad_norm seed bf16 fp16 gradient_checkpointing gradient_cache torch_compile max_tokens logging_strategy
logging_steps logging_first_step eval_strategy eval_steps eval_delay eval_on_start save_strategy save_steps
save_only_model save_total_limit load_best_model_at_end metric_for_best_model
""".split()


class GuardedTraining:
    """Overrides of `transformers.Trainer`; to be put before it among the bases of a trainer with a batch plan."""

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> Any:
        """Train; see `transformers.Trainer.train`.

        Raises:
            InputError: Ranks differ, memory or disk is too small, a value is not finite.
            Interrupted: The run was asked to stop and has saved a checkpoint.
        """
        # The filter would write finite numbers into the log in place of NaN, and wait for the device at every step.
        self.args.logging_nan_inf_filter = False
        if resume_from_checkpoint is True:
            # The parent would take the newest folder, whole or not.
            resume_from_checkpoint = last_checkpoint(self.args.output_dir) or True
        compare_ranks(self._shared_facts(resume_from_checkpoint))
        self._records = StepRecords(self.plan, norms=not self.args.fp16)
        self._agreement = RankAgreement(self.accelerator.device)
        self._stopping = self._skipped_evaluation = False
        self._evaluated_step: int | None = None
        checkpoint = resume_from_checkpoint if isinstance(resume_from_checkpoint, str) else None
        self._pending_evaluation_of = checkpoint if checkpoint and evaluation_is_pending(Path(checkpoint)) else None
        watch = RankWatch(self.args.process_index, self.args.world_size)
        advice = explain_out_of_memory(self.args, is_static(self.model))
        with StopSignal() as self._stop_signal, watch, advice:
            return super().train(resume_from_checkpoint, *args, **kwargs)

    def _shared_facts(self, resume_from_checkpoint: str | bool | None) -> dict[str, object]:
        """What ranks must have in common, by the names of flags where there are such."""
        return {
            **self.fingerprint,
            "rows of a rank": self.args.global_batch_size // self.args.world_size,
            "num_negatives": self.train_dataset.num_negatives,
            "scale": self.args.scale,
            "negatives": self.negatives,
            "symmetric": self.args.symmetric,
            "embedding dimension": self.model.get_embedding_dimension(),
            "parameters": sum(parameter.numel() for parameter in self.loss.parameters()),
            "checkpoint to resume from": resume_from_checkpoint and Path(str(resume_from_checkpoint)).name,
            **{name: getattr(self.args, name) for name in SHARED_ARGUMENTS},
        }

    # -- steps --------------------------------------------------------------------------------------------------------

    def training_step(self, model: torch.nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        address = inputs["address"]
        loss = super().training_step(model, inputs, *args, **kwargs)
        self._records.add_batch(self.state.global_step + 1, address, loss * self.current_gradient_accumulation_steps)
        return loss

    def _maybe_log_save_evaluate(self, tr_loss: torch.Tensor, grad_norm: Any, *args: Any, **kwargs: Any) -> None:
        step, control = self.state.global_step, self.control
        self._records.add_norm(step, grad_norm)
        seen = control.should_log or control.should_evaluate or control.should_training_stop
        if seen or self._agreement.due(step) or (self.args.world_size == 1 and self._stop_signal.requested):
            self._agree()
        if self._stopping:
            # Time is short: save now, and evaluate what was due when the run is resumed.
            control.should_save = True
            self._skipped_evaluation, control.should_evaluate = control.should_evaluate, False
        super()._maybe_log_save_evaluate(tr_loss, grad_norm, *args, **kwargs)
        if self._stopping:
            self._leave()

    def _agree(self, check_weights: bool = False) -> None:
        """Share what ranks know. Every rank must call it at the same points."""
        step, records = self.state.global_step, self._records
        bad = records.first_bad()
        if bad is None and check_weights and not weights_are_finite(self.model):
            bad = step
        code = records.code() if self.args.world_size > 1 else 0
        agreed = self._agreement.agree(step, code, self._stop_signal.requested, bad, records.describe)
        if agreed.first_bad is not None:
            self._stop_at_nonfinite(agreed.first_bad)
        records.clear()
        self._stopping = self._stopping or agreed.stop

    def _stop_at_nonfinite(self, step: int) -> NoReturn:
        record, path = self._records.get(step), Path(self.args.output_dir) / REPORT
        norm = None if record.norm is None else float(record.norm)
        every = exchange(([float(loss) for loss in record.losses], norm))
        if self.is_world_process_zero():
            losses = zip(*(losses for losses, _ in every), strict=True)
            batches = [batch_report(self.plan, *pair) for pair in zip(record.batches, losses, strict=True)]
            norms = [rank_norm if rank_norm is None else written(rank_norm) for _, rank_norm in every]
            write_json(path, {"step": step, "grad_norm_by_rank": norms, "batches": batches}, overwrite=True)
        exchange(None)
        raise InputError(
            f"loss, gradients or weights are not finite at step {step}: the batch's ids are in {path}; look at these "
            f"rows, or lower --learning_rate (with --resume_with_changes), or train without --fp16; {self._way_back()}"
        )

    def _way_back(self) -> str:
        checkpoint = last_checkpoint(self.args.output_dir)
        return (
            f"{Path(checkpoint).name} is whole, go on from it with --resume"
            if checkpoint
            else "no checkpoint was saved"
        )

    def _leave(self) -> NoReturn:
        if self.is_world_process_zero():
            reason = "the launcher has gone" if self._stop_signal.launcher_is_gone else "SIGTERM"
            path = checkpoint_path(self.args.output_dir, self.state.global_step)
            logger.warning(
                "Stopped after step %d (%s) and saved %s; go on with the same command and --resume --output_dir %s",
                self.state.global_step,
                reason,
                path,
                self.args.output_dir,
            )
        # A process that ends with an open process group can be aborted by that group's threads.
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
        raise Interrupted

    # -- resuming -----------------------------------------------------------------------------------------------------

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        self._evaluate_pending()
        if self.state.global_step >= self.state.max_steps:
            # Killed between its last checkpoint and its end: the loop would take one step more.
            self.control.should_training_stop = True
            return
        super()._run_epoch(*args, **kwargs)

    def _finalize_training(self, *args: Any, **kwargs: Any) -> Any:
        self._evaluate_pending()
        return super()._finalize_training(*args, **kwargs)

    def _evaluate_pending(self) -> None:
        """Evaluate the checkpoint that training went on from, if the run was stopped when that was due."""
        checkpoint, self._pending_evaluation_of = self._pending_evaluation_of, None
        if checkpoint is not None:
            metrics = self._evaluate(None, None)
            if self._determine_best_metric(metrics, None):
                self.state.best_model_checkpoint = checkpoint

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate; training goes on as if it had not been, whenever that is."""
        with _same_random_state(self.args.device):
            metrics = super().evaluate(*args, **kwargs)
        self._evaluated_step = self.state.global_step
        return metrics

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        self._agree(check_weights=True)
        folder = checkpoint_path(self._get_output_dir(trial), self.state.global_step)
        if self.args.should_save and folder.exists():
            # Left half written by the part of the run before it was resumed; nothing of it may get mixed in.
            shutil.rmtree(folder)
        exchange(None)
        self._problem, self._saving = None, True
        # An older checkpoint goes only when this one is whole.
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        try:
            super()._save_checkpoint(model, trial)
        except Exception as error:
            self._note(error)
        finally:
            self.args.save_total_limit, self._saving = limit, False
        self._agree_on_problem(folder)
        if self.args.should_save:
            try:
                write_manifest(folder, self.state.global_step, self.args.world_size, self._evaluation_is_due())
            except InputError as error:
                self._note(error)
        self._agree_on_problem(folder)
        if self.args.should_save:
            rotate_checkpoints(str(folder.parent), limit, self.state.best_model_checkpoint, use_mtime=True)

    def save_model(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().save_model(*args, **kwargs)
        except Exception as error:
            # Other ranks wait further on in the saving of a checkpoint: they are met there, and told.
            if not getattr(self, "_saving", False):
                raise
            self._note(error)

    def _note(self, error: Exception) -> None:
        """Keep in mind what hindered writing; any other error is raised again."""
        problem = write_problem(error)
        if problem is None:
            raise error
        self._problem = self._problem or problem
        if self._skeleton is not None or self.is_deepspeed_enabled:
            # The engine's own communication is out of step now. The launcher ends the other ranks.
            raise InputError(f"cannot save a checkpoint ({problem}); {self._way_back()}") from error

    def _agree_on_problem(self, folder: Path) -> None:
        problems = exchange(self._problem)
        if not any(problems):
            return
        if self.args.should_save:
            shutil.rmtree(folder, ignore_errors=True)
        exchange(None)
        rank, problem = next((rank, problem) for rank, problem in enumerate(problems) if problem)
        raise InputError(
            f"cannot save {folder} on rank {rank} ({problem}; {free_space(folder.parent)}): make room, or lower "
            f"--save_total_limit; {self._way_back()}"
        )

    def _evaluation_is_due(self) -> bool:
        """Whether the step that is being saved is still to be evaluated, because the run stops."""
        if not self._stopping or self._evaluated_step == self.state.global_step:
            return False
        at_end = self.args.eval_strategy == IntervalStrategy.EPOCH and float(self.state.epoch).is_integer()
        return self._skipped_evaluation or (at_end and self.args.eval_delay <= self.state.epoch)


@contextmanager
def _same_random_state(device: torch.device) -> Iterator[None]:
    """Leave the generators that training draws from as they were."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
    random.setstate(states[0])
    np.random.set_state(states[1])
