"""`hf-hybrid arms`: the verb's arguments, and its steps. Nothing heavy is imported before the arguments are known to be right."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hf_hybrid.errors import InputError

ARMS_DESCRIPTION = """\
Aggregate results files of several seeds: mean and interval of every figure for each arm, the hybrid arm compared with each other one, the
paper's claims judged, and the curve over alpha. The output names the files it was made of with their sha256; `hf-hybrid card` quotes it.
"""
ARMS_EPILOG = """\
examples:
  hf-hybrid arms --arm hybrid hybrid_*.json --arm x-x-mono mono_*.json --arm x-y cross_*.json --output model_cards/my_model/results/arms.json
  hf-hybrid arms --alpha 0 cross_*.json --alpha 0.5 hybrid_*.json --alpha 1 mono_*.json --output alpha.json --plot alpha.png

Comparisons need the .per_query.parquet of every results file beside it; the curve over alpha does not.
"""


def add_arms(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "arms",
        help="aggregate results files of several seeds, by arm or alpha",
        description=ARMS_DESCRIPTION,
        epilog=ARMS_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_arms)
    parser.add_argument(
        "--arm",
        nargs="+",
        action="append",
        default=[],
        metavar=("NAME", "FILE"),
        help="an arm and its results files, one for each seed; repeated for each arm",
    )
    parser.add_argument(
        "--alpha",
        nargs="+",
        action="append",
        default=[],
        metavar=("ALPHA", "FILE"),
        help="a probability of monolingual batches and the results files of its seeds; repeated for each point of the curve",
    )
    parser.add_argument(
        "--reference", default="hybrid", metavar="NAME", help="compared with each (default: %(default)s)"
    )
    parser.add_argument(
        "--low_resource",
        nargs="*",
        default=["th", "hi", "el", "tr", "vi"],
        metavar="LANG",
        help="languages that the curve shows apart from the rest (default: th hi el tr vi)",
    )
    parser.add_argument(
        "--margin", type=float, default=0.01, help="loss of mAP that does not count (default: %(default)s)"
    )
    parser.add_argument("--confidence", type=float, default=0.95, help="of the intervals (default: %(default)s)")
    parser.add_argument("--resamples", type=int, default=10_000, metavar="N", help="draws (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draws (default: %(default)s)")
    parser.add_argument("--output", required=True, metavar="FILE", help="the JSON file to write")
    parser.add_argument(
        "--plot", nargs="+", default=[], metavar="FILE", help="draw the curve over alpha: .png or .svg"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def _arms(arguments: argparse.Namespace) -> None:
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
