"""`hf-hybrid card`: the verb's arguments, and its steps. Nothing heavy is imported before the arguments are known to be right."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hf_hybrid.errors import InputError

CARD_DESCRIPTION = """\
Write or renew the card of a model: snippets with its own pooling and prompts, figures by language with heat maps, language bias, arms, claims and
the curve over alpha, sizes and speed, training data with licences, limits, `model-index` and `.eval_results`. Every figure names the file it is
from, and `hf-hybrid lint` finds those that differ. What stands outside of the markers `<!-- card: NAME -->` is yours and stays.
"""
CARD_EPILOG = """\
examples:
  hf-hybrid card runs/my_run/model --results runs/my_run/results.json --recipe runs/my_run/arguments.yaml
  hf-hybrid card model_cards/my_model --model_id me/my_model --dataset_id xquad_r=me/xquad_r
  hf-hybrid card model_cards/my_model                again, after results changed

files of the folder that sections are made of, each if it is there:
  results/*.json          results of `evaluate`, comparisons of `compare`, arms and curve of `arms`; a copy of those named with --results
  results/variants.json   sizes and mAP of truncated or rounded vectors        results/speed.json      speed on a CPU
  results/training.json   commit, seed, data, time, hardware                   training.yaml           the recipe
  results/mix.json        training data, as hub_datasets/hybrid_mix/build.py writes it
"""


def add_card(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "card",
        help="write or renew a model's card from its results files",
        description=CARD_DESCRIPTION,
        epilog=CARD_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_card)
    parser.add_argument("folder", metavar="FOLDER", help="folder of a saved model")
    parser.add_argument(
        "--results", nargs="+", default=[], metavar="FILE", help="results files to put into the folder"
    )
    parser.add_argument("--recipe", metavar="FILE", help="settings of the run to put into the folder as training.yaml")
    parser.add_argument(
        "--model_id", metavar="OWNER/NAME", help="the model's name at the Hub, for the snippets (default: the card's)"
    )
    parser.add_argument(
        "--dataset_id",
        nargs="+",
        default=[],
        metavar="BENCHMARK=OWNER/NAME",
        help="names of benchmarks at the Hub, for .eval_results (default: those that are there)",
    )
    parser.add_argument("--no_pictures", action="store_true", help="no heat maps: matplotlib is not needed")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a card that sentence-transformers wrote, and copies of results that differ; draw again",
    )


def _card(arguments: argparse.Namespace) -> None:
    """`hf-hybrid card`: write, print."""
    from pathlib import Path

    ids = _pairs(arguments.dataset_id)
    from hf_hybrid.publishing.cards import CardOptions, write_model_card

    options = CardOptions(
        results=tuple(map(Path, arguments.results)),
        recipe=Path(arguments.recipe) if arguments.recipe else None,
        model_id=arguments.model_id,
        dataset_ids=ids,
        pictures=not arguments.no_pictures,
        overwrite=arguments.overwrite,
    )
    report = write_model_card(arguments.folder, options)
    for name in report.written:
        sys.stdout.write(f"Written to {Path(arguments.folder) / name}\n")
    if not report.written:
        sys.stdout.write("Nothing to change.\n")
    for note in report.notes:
        sys.stdout.write(f"{note}\n")


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise InputError(f"--dataset_id {text}: write BENCHMARK=OWNER/NAME")
        pairs[name] = value
    return pairs
