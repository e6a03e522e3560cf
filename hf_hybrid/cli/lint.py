"""`hf-hybrid lint`: check cards, print findings."""

from __future__ import annotations

import argparse
import sys

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command


class LintCommand(Command):
    """Check cards."""

    name = "lint"
    help = "check dataset, model and Space cards"
    description = """\
Check dataset, model and Space cards without a network: front matter, licences, languages and tasks that the Hub knows,
sections, links, data files that exist, load and have the rows that the card says, and figures that equal the results
files they come from.
"""
    epilog = """\
examples:
  hf-hybrid lint .                                   all cards in hub_datasets, spaces and model_cards
  hf-hybrid lint xquad_r --built                     a data set that is to be published: its data must be there
  hf-hybrid lint model_cards/my_model/README.md

Findings are printed as FILE:LINE: what is wrong [rule]. The exit status is 0 without findings, 1 with them, 2 for
input to correct.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The cards, and which checks."""
        parser.add_argument(
            "paths", nargs="+", metavar="PATH", help="check these: a card, a folder with one, or a project's folder"
        )
        flags.add_repository_kind(parser)
        parser.add_argument(
            "--built", action="store_true", help="demand that data sets have their files, not only a build.py"
        )
        parser.add_argument("--no_load", action="store_true", help="load no configurations of data sets")
        parser.add_argument(
            "--croissant",
            action="store_true",
            help="check Croissant metadata (needs `pip install 'hf_hybrid[croissant]'`)",
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Check, print; the exit status is 1 where there are findings."""
        from hf_hybrid.publishing.lint import lint_cards

        cards, findings = lint_cards(
            arguments.paths, arguments.kind, arguments.built, not arguments.no_load, arguments.croissant
        )
        for finding in findings:
            sys.stdout.write(f"{finding}\n")
        sys.stdout.write(f"cards: {len(cards)}, findings: {len(findings)}\n")
        return 1 if findings else 0
