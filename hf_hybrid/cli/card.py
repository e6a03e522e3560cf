"""`hf-hybrid card`: write a model's card and say what changed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError


class CardCommand(Command):
    """Make a model's card of its results files."""

    name = "card"
    help = "write or renew a model's card from its results files"
    description = """\
Write or renew the card of a model from the files in its folder: snippets with its own pooling and prompts, figures by
language with heat maps, language bias, arms, claims and the curve over alpha, sizes and speed, training data with
licences, limits, `model-index` and `.eval_results`. Every figure names the file it is from, and `hf-hybrid lint` finds
those that differ. What stands outside of the markers `<!-- card: NAME -->` is yours and stays.

With --overwrite also replace a card that sentence-transformers wrote and copies of results that differ, and draw the
pictures again.
"""
    epilog = """\
examples:
  hf-hybrid card runs/my_run/model --results runs/my_run/results.json --recipe runs/my_run/arguments.yaml
  hf-hybrid card model_cards/my_model --model_id me/my_model --dataset_id xquad_r=me/xquad_r
  hf-hybrid card model_cards/my_model                again, after results changed

files of the folder that sections are made of, each if it is there:
  results/*.json          results of `evaluate`, comparisons of `compare`, arms and curve of `arms`;
                          those named with --results are copied there
  results/variants.json   sizes and mAP of truncated or rounded vectors
  results/speed.json      speed on a CPU
  results/training.json   commit, seed, data, time, hardware
  results/mix.json        training data, as hub_datasets/hybrid_mix/build.py writes it
  training.yaml           the recipe
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The model's folder, what to put into it, names at the Hub."""
        parser.add_argument("folder", metavar="FOLDER", help="write the card of the saved model in this folder")
        parser.add_argument(
            "--results", nargs="+", default=[], metavar="FILE", help="put these results files into the folder"
        )
        parser.add_argument(
            "--recipe", metavar="FILE", help="put these settings of the run into the folder, as training.yaml"
        )
        parser.add_argument(
            "--model_id",
            metavar="OWNER/NAME",
            help="use this name of the model at the Hub in the snippets (default: the card's)",
        )
        parser.add_argument(
            "--dataset_id",
            nargs="+",
            default=[],
            metavar="BENCHMARK=OWNER/NAME",
            help="use these names of benchmarks at the Hub in .eval_results (default: those that are there)",
        )
        parser.add_argument(
            "--no_pictures", action="store_true", help="draw no heat maps; matplotlib is not needed then"
        )
        flags.add_overwrite(parser)

    def run(self, arguments: argparse.Namespace) -> None:
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
