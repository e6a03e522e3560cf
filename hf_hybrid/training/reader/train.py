"""A reader's training run: its folder, which a run that was stopped goes on in, and the trainer of transformers.

<output>/arguments.json   what the run was begun with, and the sha256 of its questions
<output>/checkpoint-N/    where to go on
<output>/model/           the reader, once it is trained
<output>/training.json    steps, seconds a step, loss, versions; written last
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_hybrid.data.squad import Question, questions_sha256
from hf_hybrid.encoders.checkpoints import find_checkpoint, snapshot_commit
from hf_hybrid.engines.onednn import onednn_layers
from hf_hybrid.engines.precision import choose_precision
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.provenance import hardware, versions
from hf_hybrid.output_files import new_directory, write_json
from hf_hybrid.reading.reader import load_qa_model, load_qa_tokenizer
from hf_hybrid.reading.windows import WindowSettings
from hf_hybrid.training.checkpoints import explain_write_failure, last_checkpoint, write_manifest
from hf_hybrid.training.reader.batches import WindowBatches, labelled_windows
from hf_hybrid.training.reader.questions import chosen_questions, training_pairs
from hf_hybrid.training.stop_signal import Interrupted, StopSignal

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Trainer, TrainingArguments

logger = logging.getLogger(__name__)

PRECISIONS = ("auto", "bf16", "float32")


@dataclass(frozen=True)
class ReaderTraining:
    """How a reader is trained.

    Attributes:
        windows: how passages are cut.
        rows: windows of a step.
        epochs: passes over the questions, where ``max_steps`` is not given.
        max_steps: steps, instead.
        learning_rate: highest, reached after ``warmup`` and falling to 0 in a straight line.
        warmup: share of the steps.
        weight_decay: of AdamW.
        distractors: share of the questions that come with a passage without an answer, too.
        rows_per_language: questions of a language that are taken of each source at most.
        freeze_words: leave the table of words as it is: most of a multilingual encoder's weights.
        precision: ``bf16``, ``float32``, or ``auto``: what suits the device.
        save_steps: steps between checkpoints.
        seed: of order, choice and dropout.
    """

    windows: WindowSettings = field(default_factory=WindowSettings)
    rows: int = 16
    epochs: float = 2.0
    max_steps: int | None = None
    learning_rate: float = 1e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    distractors: float = 0.3
    rows_per_language: int | None = None
    freeze_words: bool = False
    precision: str = "auto"
    save_steps: int = 200
    seed: int = 1

    def check(self) -> None:
        """Refuse what cannot be trained.

        Raises:
            InputError: names the flag.
        """
        for name in ("rows", "epochs", "max_steps", "learning_rate", "rows_per_language", "save_steps"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"--{name} must be above 0, got {value}")
        for name in ("warmup", "distractors"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"--{name} must lie between 0 and 1, got {getattr(self, name)}")
        if self.precision not in PRECISIONS:
            raise InputError(f"--precision is {self.precision!r}: choose one of {', '.join(PRECISIONS)}")


def train_reader(
    base: str,
    sources: Sequence[Sequence[Question]],
    output: str | Path,
    settings: ReaderTraining | None = None,
    *,
    revision: str | None = None,
    resume: bool = False,
    use_cpu: bool = False,
    show_progress: bool = False,
) -> Path:
    """Train a reader from an encoder, or train a reader further.

    Args:
        base: folder or Hub name of a transformer, of sentence-transformers or plain.
        sources: questions with answers, source by source.
        output: the run's folder.
        settings: how.
        revision: of a Hub name.
        resume: go on in a folder that holds a run of the same settings and questions.
        use_cpu: stay on the CPU where there is a GPU.
        show_progress: show progress bars.

    Returns:
        The folder of the reader, ``<output>/model``, which `hf_hybrid.reading.reader.load_reader` and plain
        `AutoModelForQuestionAnswering` load.

    Raises:
        InputError: an output in use, another run's folder, settings or data that do not fit.
        Interrupted: SIGTERM came; a checkpoint to go on from is saved.

    Example:
        >>> train_reader("intfloat/multilingual-e5-small", [read_squad(path)], "runs/reader")  # doctest: +SKIP
    """
    settings, output = settings or ReaderTraining(), Path(output)
    settings.check()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("train-reader runs in one process: start it without a launcher")
    folder = find_checkpoint(base, revision, argument="model")
    tokenizer = load_qa_tokenizer(folder, base)
    settings.windows.check(tokenizer)
    questions = chosen_questions(sources, settings.rows_per_language, settings.seed)
    record = {
        "base": {"name": base, "revision": snapshot_commit(folder)},
        "settings": asdict(settings),
        "questions": {"number": len(questions), "sha256": questions_sha256(questions)},
    }
    _claim(output, record, resume)
    if (output / "training.json").is_file():
        logger.info("%s is trained already", output / "model")
        return output / "model"
    pairs = training_pairs(questions, settings.distractors, settings.seed)
    windows = labelled_windows(tokenizer, pairs, settings.windows, settings.seed, show_progress)
    batches = WindowBatches(windows, settings.rows, tokenizer.pad_token_id or 0, settings.seed)
    logger.info(
        "%d questions, %d pairs, %d windows, %d batches", len(questions), len(pairs), len(windows), len(batches)
    )
    model = _model(folder, base, settings)
    started = time.perf_counter()
    with explain_write_failure(output):
        trainer, steps = _train(model, batches, output, settings, use_cpu, show_progress)
        seconds = time.perf_counter() - started
        with new_directory(output / "model", marker="config.json", content="a reader") as fresh:
            model.float().save_pretrained(fresh)
            tokenizer.save_pretrained(fresh)
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        done = {
            **record,
            "pairs": len(pairs),
            "windows": len(windows),
            "tokens_per_epoch": batches.tokens,
            "steps": trainer.state.global_step,
            "bf16": trainer.args.bf16,
            "seconds": round(seconds, 1),
            # Of this process: a run that went on counts what it did itself.
            "seconds_per_step": round(seconds / max(steps, 1), 3),
            "first_loss": losses[0] if losses else None,
            "last_loss": losses[-1] if losses else None,
            "versions": versions(),
            "hardware": hardware(),
        }
        write_json(output / "training.json", done)
    return output / "model"


def _claim(output: Path, record: dict[str, Any], resume: bool) -> None:
    """Take the folder for this run, or check that it is this run's."""
    path = output / "arguments.json"
    if not resume:
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise InputError(f"output {output} is in use: choose another folder, or go on with --resume")
        write_json(path, record)
        return
    if not path.is_file():
        raise InputError(f"--resume: {output} holds no run of train-reader; leave it out")
    begun = json.loads(path.read_text(encoding="utf-8"))
    for part, content in json.loads(json.dumps(record)).items():
        if begun.get(part) != content:
            raise InputError(
                f"--resume: {output} was begun with another '{part}' ({begun.get(part)}, not {content}): give the "
                "same, or choose another folder"
            )


def _model(folder: Path, base: str, settings: ReaderTraining) -> PreTrainedModel:
    """The encoder with a layer that finds answers; where it has none, a random one that follows from the seed."""
    import torch
    from transformers import set_seed

    set_seed(settings.seed)
    model, fresh = load_qa_model(folder, base, torch.float32)
    # A last layer of two rows and its bias: more would be an encoder that was not read.
    if len(fresh) > 2:
        raise InputError(f"{base} lacks {len(fresh)} weights, such as {fresh[0]}: give a whole checkpoint")
    if settings.freeze_words:
        model.get_input_embeddings().requires_grad_(False)
    return model.train()


def _train(
    model: PreTrainedModel,
    batches: WindowBatches,
    output: Path,
    settings: ReaderTraining,
    use_cpu: bool,
    show_progress: bool,
) -> tuple[Trainer, int]:
    """Train to the end, from the last whole checkpoint where there is one; how many steps this process made."""
    from transformers import Trainer, TrainerCallback

    class Checkpoints(TrainerCallback):
        """Declares checkpoints whole, and saves one when the process is asked to stop."""

        def on_save(self, args, state, control, **kwargs):
            write_manifest(output / f"checkpoint-{state.global_step}", state.global_step, ranks=1)

        def on_step_end(self, args, state, control, **kwargs):
            if stop.requested and state.global_step < state.max_steps:
                control.should_save = control.should_training_stop = True

    arguments = _arguments(output, settings, use_cpu, show_progress)
    trainer = Trainer(
        model, arguments, train_dataset=batches, data_collator=lambda items: items[0], callbacks=[Checkpoints()]
    )
    checkpoint = last_checkpoint(output)
    before = 0 if checkpoint is None else int(Path(checkpoint).name.rpartition("-")[2])
    with StopSignal() as stop, onednn_layers(model):
        trainer.train(resume_from_checkpoint=checkpoint)
    if trainer.state.global_step < trainer.state.max_steps:
        raise Interrupted
    return trainer, trainer.state.global_step - before


def _arguments(output: Path, settings: ReaderTraining, use_cpu: bool, show_progress: bool) -> TrainingArguments:
    import torch
    from transformers import TrainingArguments

    on_cpu = use_cpu or not torch.cuda.is_available()
    precision = choose_precision(on_cpu)
    bf16 = precision.bf16 if settings.precision == "auto" else settings.precision == "bf16"
    if settings.precision == "auto":
        logger.info("%s: %s", "bf16" if bf16 else "float32", precision.reason)
    return TrainingArguments(
        output_dir=str(output),
        # An item of the data is a whole batch.
        per_device_train_batch_size=1,
        num_train_epochs=settings.epochs,
        max_steps=-1 if settings.max_steps is None else settings.max_steps,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup,
        weight_decay=settings.weight_decay,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        max_grad_norm=1.0,
        bf16=bf16,
        use_cpu=on_cpu,
        seed=settings.seed,
        data_seed=settings.seed,
        save_strategy="steps",
        save_steps=settings.save_steps,
        save_total_limit=2,
        logging_steps=10,
        disable_tqdm=not show_progress,
        remove_unused_columns=False,
        report_to=[],
    )
