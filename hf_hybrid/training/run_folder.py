"""The folder of a training run: claimed once, never overwritten unasked, resumable, with its arguments beside its
results.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from dataclasses import MISSING, fields, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.figures import RUN, columns
from hf_hybrid.output_files import write_bytes
from hf_hybrid.training.checkpoints import checkpoint_path, whole_steps

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.arguments import DataArguments, HybridTrainingArguments, ModelArguments
    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.training.trainer import HybridTrainer

logger = logging.getLogger(__name__)

DEFAULT_PARENT = "outputs"
# How long a run that is resumed waits for what is left of the one before.
LOCK_SECONDS = 30.0
# Follow from the others or belong to the run, not to its recipe.
NOT_ARGUMENTS = (
    "output_dir",
    "resume",
    "resume_with_changes",
    "per_device_train_batch_size",
    "ddp_find_unused_parameters",
    "local_rank",
)


# What is there before a run has a checkpoint or an evaluation of its own: arguments, the measurement before training,
# logs.
OF_A_START = (
    "arguments.*",
    "before.*",
    "before_*",
    "nonfinite_loss.json",
    "runs",
    ".*.tmp",
    ".before*",
    ".nonfinite*",
)


class RunFolder:
    """Paths of a run and what is written there.

    `model/` the trained encoder, with LoRA `adapter/` the adapter alone, `before.json` and `results.json` the measured
    values, `arguments.yaml` a recipe that repeats the run as it was begun, `changes.yaml` with what it went on
    otherwise, `checkpoint-N/` where to resume.
    """

    def __init__(self, path: Path, last_checkpoint: str | None = None, lock: int | None = None):
        self.path = path
        self.last_checkpoint = last_checkpoint
        self._lock = lock

    @classmethod
    def open(cls, training_args: HybridTrainingArguments) -> RunFolder:
        """Claim the output directory: a fresh one, or with `resume` one that holds a run.

        Sets `training_args.output_dir` where none was given. Every rank gets the same folder and the same checkpoint
        to go on from. Until `release`, or its end, no other process can open the folder.

        Raises:
            InputError: The directory is in use, or there is nothing to resume.
        """
        from accelerate import PartialState
        from accelerate.utils import broadcast_object_list

        state, lock = PartialState(), None
        outcome: list[Any] = [None, None]
        if state.is_main_process:
            try:
                path = _claim(training_args)
                lock = _lock(path, LOCK_SECONDS if training_args.resume else 0)
                if not training_args.resume:
                    _clear_failed_start(path, locked=lock is not None)
                outcome[0] = str(path)
            except InputError as error:
                outcome[1] = str(error)
        # One rank decides and all hear of it: a rank that failed alone would leave the others waiting.
        path, problem = broadcast_object_list(outcome) if state.num_processes > 1 else outcome
        if problem is not None:
            raise InputError(problem)
        training_args.output_dir = path
        return cls(Path(path), _common_checkpoint(path) if training_args.resume else None, lock)

    def release(self) -> None:
        """Let other processes open the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def adapter(self) -> Path:
        return self.path / "adapter"

    def evaluate(self, name: str, model: SentenceTransformer, benchmark: Benchmark, trainer: HybridTrainer) -> None:
        """Evaluate on the test split and write `<name>.json`, on the first rank while the others wait.

        A file of that name, left by the part of the run before it was resumed, is kept.
        """
        from hf_hybrid.evaluation.evaluate import evaluate_model
        from hf_hybrid.evaluation.query_values import query_table
        from hf_hybrid.evaluation.results import build_results

        target = self.path / f"{name}.json"
        if trainer.is_world_process_zero() and not target.exists():
            evaluation = evaluate_model(model, benchmark, show_progress=True)
            results = build_results(evaluation, benchmark, f"{self.path.name}/model", seed=trainer.args.seed)
            training = {"steps": trainer.state.global_step, "plan": trainer.fingerprint}
            if trainer.settings.changes:
                training["changes"] = trainer.settings.changes
            replace(results, further={"training": training}).save(target, queries=query_table(evaluation, benchmark))
        trainer.accelerator.wait_for_everyone()

    def report(self, trainer: HybridTrainer) -> None:
        """Print the table of before and after, and where the model is (first rank only)."""
        from hf_hybrid.evaluation.results import Results

        if not trainer.is_world_process_zero():
            return
        files = {"before": self.path / "before.json", "after": self.path / "results.json"}
        summaries = {name: Results.load(file).summary for name, file in files.items() if file.exists()}
        table = f"\n{comparison_table(summaries)}\n" if summaries else ""
        adapter = f"adapter: {self.adapter}\n" if self.adapter.exists() else ""
        sys.stdout.write(f"{table}\nmodel: {self.model}\n{adapter}")

    def write_arguments(self, *arguments: ModelArguments | DataArguments | HybridTrainingArguments) -> None:
        """Write `arguments.yaml`: the values that differ from the defaults, as a recipe for `--config`."""
        chosen: dict[str, Any] = {}
        for group in arguments:
            for field in fields(group):
                value = getattr(group, field.name)
                value = value.value if isinstance(value, Enum) else value
                default = field.default if field.default is not MISSING else None
                if field.init and isinstance(value, bool | int | float | str | list) and value != default:
                    chosen[field.name] = value
        chosen = {name: value for name, value in chosen.items() if name not in NOT_ARGUMENTS and value != []}
        recipe = yaml.safe_dump(chosen, allow_unicode=True, sort_keys=True)
        write_bytes(self.path / "arguments.yaml", recipe.encode(), overwrite=True)


def comparison_table(summaries: dict[str, dict[str, float]]) -> str:
    """Text table of the figures that a run is judged by, one column per summary.

    Example:
        >>> print(comparison_table({"before": {"mo_map": 0.25}}))
                                                       before
        Mo (query and passage in one language), mAP     0.250
    """
    rows = columns(RUN)
    width = max(len(row.title) for row in rows)
    lines = [" " * width + "".join(f"{name:>10}" for name in summaries)]
    for label, key, *_ in rows:
        values = [summary.get(key) for summary in summaries.values()]
        if any(value is not None for value in values):
            cells = ("-" if v is None else f"{v:.1f}" if v >= 10 else f"{v:.3f}" for v in values)
            lines.append(f"{label:<{width}}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines)


def _claim(training_args: HybridTrainingArguments) -> Path:
    if not training_args.output_dir_given:
        if training_args.resume:
            raise InputError("resume: name the run to continue with output_dir")
        path = _free_folder(Path(DEFAULT_PARENT) / training_args.arm)
    else:
        path = Path(training_args.output_dir).expanduser()
    if path.is_file():
        raise InputError(f"output_dir: {path} is a file; choose a folder")
    if path.is_dir() and not training_args.resume and not _is_failed_start(path):
        raise InputError(f"output_dir: {path} is in use; continue its run with --resume, or choose another folder")
    if training_args.resume and not path.is_dir():
        raise InputError(f"resume: there is no run in {path}; check output_dir, or start without --resume")
    if training_args.resume and (path / "results.json").exists():
        raise InputError(f"resume: the run in {path} is finished; its model is in {path / 'model'}")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(f"output_dir: cannot write to {path} ({error.strerror}); choose another folder") from None
    return path


def _is_failed_start(path: Path) -> bool:
    """Whether a folder holds nothing, or only what a run writes before its first checkpoint or evaluation."""
    return all(any(entry.match(pattern) for pattern in OF_A_START) for entry in path.iterdir())


def _clear_failed_start(path: Path, locked: bool) -> None:
    """Remove what a run left that failed at its start, so that the same command can be given again."""
    left = [entry for entry in path.iterdir() if entry.is_file()]
    if left and not locked:
        # Without locks a run that is at its start looks the same.
        raise InputError(f"output_dir: {path} is in use; continue its run with --resume, or choose another folder")
    for entry in left:
        entry.unlink()


def _free_folder(wanted: Path) -> Path:
    path, number = wanted, 1
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.name}-{number}")
    return path


def _common_checkpoint(path: str) -> str | None:
    """The newest checkpoint that every rank sees whole; None where there is none yet."""
    from hf_hybrid.training.rank_agreement import by_rank, exchange

    every = [set(steps) for steps in exchange(whole_steps(path))]
    common = set.intersection(*every)
    if not common and any(every):
        seen = by_rank([f"{len(steps)} checkpoints" for steps in every])
        raise InputError(
            f"resume: no checkpoint in {path} is whole for all ranks ({seen}): let output_dir be a folder that all "
            "machines share, or train with --save_on_each_node"
        )
    logger.info("Resuming from %s", f"step {max(common)}" if common else "the start: no checkpoint is whole yet")
    return str(checkpoint_path(path, max(common))) if common else None


def _lock(path: Path, seconds: float) -> int | None:
    """A lock on a folder that the operating system drops with the process, however it ends; None where there are
    none.
    """
    try:
        import fcntl

        lock = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            # Processes of a run that was killed may need a moment to notice it.
            if time.monotonic() >= deadline:
                os.close(lock)
                raise InputError(
                    f"output_dir: another process is still training in {path}; wait for its end, or stop it"
                ) from None
            time.sleep(0.2)
        except OSError as error:
            # Some network file systems know no locks.
            logger.debug("%s cannot be locked: %s", path, error)
            os.close(lock)
            return None
