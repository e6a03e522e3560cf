"""`hf-hybrid arms`: read results files of several seeds, compare, write and print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError


class ArmsCommand(Command):
    """Aggregate seeds by arm or alpha."""

    name = "arms"
    help = "aggregate results files of several seeds, by arm or alpha"
    description = """\
Aggregate results files of several seeds: give mean and interval of every figure for each arm, compare the hybrid arm
with each other one, judge the paper's claims, and follow the figures over alpha. The output names the files it was
made of with their sha256. `hf-hybrid card` quotes it.
"""
    epilog = """\
examples:
  hf-hybrid arms --arm hybrid hybrid_*.json --arm x-x-mono mono_*.json --arm x-y cross_*.json --output arms.json
  hf-hybrid arms --alpha 0 cross_*.json --alpha 0.5 hybrid_*.json --alpha 1 mono_*.json --output a.json --plot a.png

Comparisons need the .per_query.parquet of every results file beside it; the curve over alpha does not.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Results files by arm or alpha, how they are compared, and outputs."""
        parser.add_argument(
            "--arm",
            nargs="+",
            action="append",
            default=[],
            metavar=("NAME", "FILE"),
            help="take these results files, one for each seed, as the arm NAME; repeat for each arm",
        )
        parser.add_argument(
            "--alpha",
            nargs="+",
            action="append",
            default=[],
            metavar=("ALPHA", "FILE"),
            help="take these results files, one for each seed, as a point of the curve over "
            "alpha, the probability of monolingual batches; repeat for each point",
        )
        parser.add_argument(
            "--reference",
            default="hybrid",
            metavar="NAME",
            help="compare this arm with each other (default: %(default)s)",
        )
        parser.add_argument(
            "--low_resource",
            nargs="*",
            default=["th", "hi", "el", "tr", "vi"],
            metavar="LANG",
            help="show these languages apart from the rest in the curve (default: th hi el tr vi)",
        )
        flags.add_resampling(parser)
        flags.add_output(parser, "the aggregate", required=True)
        flags.add_plot(parser, "the curve over alpha")
        flags.add_overwrite(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """`hf-hybrid arms`: read, compare, write, print."""
        from pathlib import Path

        from hf_hybrid.output_files import check_output, write_json

        arms, alphas = _groups(arguments.arm, "arm"), _alphas(arguments.alpha)
        for path in (arguments.output, *arguments.plot):
            check_output(path, arguments.overwrite)
        if arguments.plot:
            from hf_hybrid.plots.files import check_picture_path, require_matplotlib

            if not alphas:
                raise InputError("--plot draws the curve over alpha: name its points with --alpha")
            require_matplotlib()
            for path in arguments.plot:
                check_picture_path(path)
        from hf_hybrid.evaluation.arms import ArmsOptions, build_arms
        from hf_hybrid.evaluation.arms.text import arms_report

        options = ArmsOptions(
            reference=arguments.reference,
            low_resource=tuple(arguments.low_resource),
            margin=arguments.margin,
            confidence=arguments.confidence,
            resamples=arguments.resamples,
            seed=arguments.seed,
        )
        content = build_arms(arms, alphas, options, Path(arguments.output).parent)
        sys.stdout.write(f"{arms_report(content)}\n")
        sys.stdout.write(f"Written to {write_json(arguments.output, content, arguments.overwrite)}\n")
        if arguments.plot:
            from hf_hybrid.plots.curve import alpha_picture
            from hf_hybrid.plots.files import write_picture

            figure = alpha_picture(content)
            for path in arguments.plot:
                sys.stdout.write(f"Drawn to {write_picture(path, figure, arguments.overwrite)}\n")


def _groups(given: Sequence[Sequence[str]], flag: str) -> dict[str, list[str]]:
    """Name -> files, of a flag that is repeated."""
    groups: dict[str, list[str]] = {}
    for name, *files in given:
        if not files:
            raise InputError(f"--{flag} {name}: name its results files after it")
        groups.setdefault(name, []).extend(files)
    return groups


def _alphas(given: Sequence[Sequence[str]]) -> dict[float, list[str]]:
    alphas: dict[float, list[str]] = {}
    for name, files in _groups(given, "alpha").items():
        try:
            alphas.setdefault(float(name), []).extend(files)
        except ValueError:
            raise InputError(f"--alpha {name}: write a number between 0 and 1, then its results files") from None
    return alphas
