"""`hf-hybrid train-reader`: questions with answers and an encoder to a reader."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from hf_hybrid.data.squad import Question

# Flag -> type, name of its value, help with its default. Each may stand in a recipe, so that none is set here.
_SETTINGS: dict[str, tuple[Any, str, str]] = {
    "rows": (int, "N", "take N windows a step (default: 16)"),
    "epochs": (float, "X", "run X times over the questions (default: 2)"),
    "max_steps": (int, "N", "make N steps instead"),
    "learning_rate": (float, "X", "use the learning rate X, which rises to it and falls to 0 (default: 1e-4)"),
    "warmup": (float, "X", "let it rise in the share X of the steps (default: 0.1)"),
    "weight_decay": (float, "X", "use a weight decay of X (default: 0.01)"),
    "distractors": (float, "X", "add a passage without an answer for the share X of the questions (default: 0.3)"),
    "rows_per_language": (int, "N", "take N questions of a language at most, of every file"),
    "precision": (str, "TYPE", "train in `bf16` or `float32`, or `auto`, what suits the device (default: auto)"),
    "save_steps": (int, "N", "write a checkpoint every N steps (default: 200)"),
    "seed": (int, "N", "seed order, choice and dropout with N (default: 1)"),
}


class TrainReaderCommand(Command):
    """Train a reader."""

    name = "train-reader"
    help = "train a reader of answers from an encoder"
    description = """\
Train a model for extractive question answering from an encoder, for `hf-hybrid evaluate --reader`. Runs in one
process, in bf16 where the processor has it; a run that was stopped goes on with --resume.
"""
    epilog = """\
examples:
  hf-hybrid train-reader intfloat/multilingual-e5-small --config e5_small --tydiqa tydiqa/ --output runs/reader
  hf-hybrid train-reader MODEL --config e5_small --tydiqa tydiqa/ --files qa_passages.parquet --output runs/reader
  hf-hybrid train-reader MODEL --files squad/train.json --max_steps 500 --output runs/reader
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The encoder, the questions, how it is trained, and where it goes."""
        flags.add_model(parser)
        flags.add_model_revision(parser)
        data = parser.add_argument_group("data, of which one is needed")
        data.add_argument(
            "--tydiqa",
            metavar="DIR",
            help="train on TyDi QA's train split in this folder or data set of the Hub, but for the held-out fifth of "
            "its passages; of all sets what that fifth or dev asks is left out",
        )
        data.add_argument(
            "--files",
            nargs="+",
            default=[],
            metavar="FILE",
            help="train on these files: SQuAD's .json, or .parquet with question, answer, answer_start, passage",
        )
        training = parser.add_argument_group("training")
        training.add_argument(
            "--config",
            metavar="RECIPE",
            help="read settings from this YAML file, or from a packaged recipe by its bare name; flags stand above it",
        )
        for name, (kind, metavar, text) in _SETTINGS.items():
            training.add_argument(f"--{name}", type=kind, metavar=metavar, help=text)
        training.add_argument(
            "--freeze_words", action="store_true", default=None, help="leave the table of words as it is"
        )
        flags.add_windows(training, recipe=True)
        training.add_argument("--use_cpu", action="store_true", help="train on the CPU even where there is a GPU")
        output = parser.add_argument_group("output")
        flags.add_output(output, "the run", kind="folder", required=True)
        output.add_argument(
            "--resume", action="store_true", help="look for the run in this folder and take it up again"
        )
        flags.add_quiet(output)

    def run(self, arguments: argparse.Namespace) -> int | None:
        """Read settings and questions, and train."""
        from hf_hybrid.engines.allocator import keep_large_blocks
        from hf_hybrid.training.reader.recipe import reader_settings, setting_names
        from hf_hybrid.training.reader.train import train_reader
        from hf_hybrid.training.stop_signal import Interrupted

        given = {name: getattr(arguments, name) for name in setting_names()}
        settings = reader_settings(arguments.config, given)
        logging.getLogger("hf_hybrid").setLevel(logging.INFO)
        keep_large_blocks()
        try:
            written = train_reader(
                arguments.model,
                _sources(arguments),
                arguments.output,
                settings,
                revision=arguments.model_revision,
                resume=arguments.resume,
                use_cpu=arguments.use_cpu,
                show_progress=not arguments.quiet,
            )
        except Interrupted as stop:
            return stop.code
        sys.stdout.write(f"Written to {written}\n")
        return None


def _sources(arguments: argparse.Namespace) -> list[list[Question]]:
    """The questions of TyDi QA, and of each file."""
    if not arguments.tydiqa and not arguments.files:
        raise InputError("train-reader needs questions: name --tydiqa, --files, or both")
    from hf_hybrid.data.squad import read_questions

    further = [read_questions(Path(file)) for file in arguments.files]
    if not arguments.tydiqa:
        return further
    from hf_hybrid.benchmarks.tydiqa import reader_questions

    return reader_questions(arguments.tydiqa, further)
