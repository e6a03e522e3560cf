"""`hf-hybrid compare`: read the results files of two systems, resample, print and write."""

from __future__ import annotations

import argparse
import shutil
import sys

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError


class CompareCommand(Command):
    """Compare two systems."""

    name = "compare"
    help = "compare two results files, or several seeds of two systems"
    description = """\
Compare two systems from their results files, without evaluating again: give differences B - A with intervals and
p values, paired, resampled by cluster (paragraph), per language with Holm's correction, and say whether B costs less
than a margin (non-inferiority). A is the baseline.
"""
    epilog = """\
examples:
  hf-hybrid compare mono.json hybrid.json
  hf-hybrid compare mono.json hybrid.json --margin 0.005 --output compare.json --plot compare.svg
  hf-hybrid compare --a mono_1.json mono_2.json mono_3.json --b hybrid_1.json hybrid_2.json hybrid_3.json

Several files on a side are models that differ in their seed: the intervals then hold for the way of training, not only
for these models. Results files are those of `hf-hybrid evaluate --output`; each needs its .per_query.parquet beside
it.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The files of both sides, how they are compared, and outputs."""
        parser.add_argument(
            "files", nargs="*", metavar="FILE", help="compare these two results files: the baseline A, then B"
        )
        parser.add_argument(
            "--a", nargs="+", metavar="FILE", help="take these results files as the baseline, one for each seed"
        )
        parser.add_argument(
            "--b", nargs="+", metavar="FILE", help="compare these results files with it, one for each seed"
        )
        flags.add_resampling(parser)
        flags.add_output(parser, "the comparison")
        flags.add_plot(parser, "the differences")
        flags.add_overwrite(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """`hf-hybrid compare`: read, resample, print, write."""
        a, b = _sides(arguments)
        from hf_hybrid.output_files import check_output, write_json

        for path in filter(None, [arguments.output, *arguments.plot]):
            check_output(path, arguments.overwrite)
        if arguments.plot:
            from hf_hybrid.plots.files import check_picture_path, require_matplotlib

            require_matplotlib()
            for path in arguments.plot:
                check_picture_path(path)
        from hf_hybrid.evaluation.comparison import compare_results
        from hf_hybrid.evaluation.comparison_report import comparison_report

        comparison = compare_results(
            a,
            b,
            margin=arguments.margin,
            resamples=arguments.resamples,
            seed=arguments.seed,
            confidence=arguments.confidence,
        )
        width = shutil.get_terminal_size((120, 24)).columns
        sys.stdout.write(f"{comparison_report(comparison, width)}\n")
        if arguments.output:
            sys.stdout.write(f"Written to {write_json(arguments.output, comparison, arguments.overwrite)}\n")
        if arguments.plot:
            from hf_hybrid.plots.files import write_picture
            from hf_hybrid.plots.pictures import comparison_picture

            figure = comparison_picture(comparison)
            for path in arguments.plot:
                sys.stdout.write(f"Drawn to {write_picture(path, figure, arguments.overwrite)}\n")


def _sides(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The files of A and of B, from two positions or from --a and --b."""
    if arguments.files and (arguments.a or arguments.b):
        raise InputError("name two results files, or give them with --a and --b, not both")
    if arguments.a and arguments.b:
        return arguments.a, arguments.b
    if arguments.a or arguments.b:
        raise InputError("--a and --b belong together: name the results files of both sides")
    if len(arguments.files) != 2:
        raise InputError(
            f"compare takes two results files, got {len(arguments.files)}: for several seeds use --a and --b"
        )
    return arguments.files[:1], arguments.files[1:]
