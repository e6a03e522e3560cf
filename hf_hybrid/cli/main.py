"""Entry point of `hf-hybrid`: the table of verbs, the parser made of it, and the call of one verb."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from hf_hybrid import __version__
from hf_hybrid.cli.arms import ArmsCommand
from hf_hybrid.cli.card import CardCommand
from hf_hybrid.cli.command import Command
from hf_hybrid.cli.compare import CompareCommand
from hf_hybrid.cli.decontaminate import DecontaminateCommand
from hf_hybrid.cli.encode import EncodeCommand
from hf_hybrid.cli.evaluate import EvaluateCommand
from hf_hybrid.cli.export import ExportCommand
from hf_hybrid.cli.install_metric import InstallMetricCommand
from hf_hybrid.cli.lint import LintCommand
from hf_hybrid.cli.pull import PullCommand
from hf_hybrid.cli.push import PushCommand
from hf_hybrid.cli.search import SearchCommand
from hf_hybrid.cli.study import StudyCommand
from hf_hybrid.cli.teacher_vectors import TeacherVectorsCommand
from hf_hybrid.cli.train import TrainCommand
from hf_hybrid.cli.train_reader import TrainReaderCommand
from hf_hybrid.cli.trim import TrimCommand
from hf_hybrid.errors import run_command

DESCRIPTION = "Train multilingual retrievers with hybrid batch training (arXiv 2408.10536), and prove the result."
# In the order of the help.
COMMANDS: tuple[Command, ...] = (
    TrainCommand(),
    EvaluateCommand(),
    CompareCommand(),
    ArmsCommand(),
    StudyCommand(),
    CardCommand(),
    EncodeCommand(),
    SearchCommand(),
    DecontaminateCommand(),
    TeacherVectorsCommand(),
    TrainReaderCommand(),
    TrimCommand(),
    ExportCommand(),
    LintCommand(),
    PushCommand(),
    PullCommand(),
    InstallMetricCommand(),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the command `hf-hybrid`.

    Args:
        argv: arguments after the program's name; those of the process by default.

    Returns:
        Exit status: 0, 2 for input to correct, 130 when interrupted.

    Example:
        >>> main(["evaluate", "model", "--benchmark", "xquad_r"])  # doctest: +SKIP
        2
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    for command in COMMANDS:
        if command.has_own_parser and argv[:1] == [command.name]:
            return command.run(argparse.Namespace(argv=argv[1:])) or 0
    arguments = make_parser().parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    return run_command(lambda: arguments.command.run(arguments))


def make_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; those with a parser of their own are listed only."""
    parser = argparse.ArgumentParser(prog="hf-hybrid", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"hf-hybrid {__version__}")
    names = " | ".join(command.name for command in COMMANDS)
    verbs = parser.add_subparsers(title="verbs", dest="verb", required=True, metavar=names)
    for command in COMMANDS:
        command.register(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
