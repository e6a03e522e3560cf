"""`hf-hybrid lint`: the verb's arguments, and its steps."""

from __future__ import annotations

import argparse
import sys

LINT_DESCRIPTION = """\
Check dataset, model and Space cards without a network: front matter, licences, languages and tasks that the Hub knows, sections, links, data
files that exist, load and have the rows that the card says, and figures that equal the results files they come from.
"""
LINT_EPILOG = """\
examples:
  hf-hybrid lint .                                   all cards in hub_datasets, spaces and model_cards
  hf-hybrid lint xquad_r --built                     a data set that is to be published: its data must be there
  hf-hybrid lint model_cards/my_model/README.md

Findings are printed as FILE:LINE: what is wrong [rule]. Exit status: 0 without findings, 1 with them, 2 for input to correct.
"""


def add_lint(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "lint",
        help="check dataset, model and Space cards",
        description=LINT_DESCRIPTION,
        epilog=LINT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_lint)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a card, a folder with one, or a project's folder")
    parser.add_argument(
        "--kind", choices=("model", "dataset", "space"), help="what they are cards of, where the folder does not tell"
    )
    parser.add_argument("--built", action="store_true", help="data sets must have their files, not only a build.py")
    parser.add_argument("--no_load", action="store_true", help="do not load the data sets' configurations")
    parser.add_argument(
        "--croissant",
        action="store_true",
        help="check Croissant metadata (needs `pip install 'hf_hybrid[croissant]'`)",
    )


def _lint(arguments: argparse.Namespace) -> None:
    """`hf-hybrid lint`: check, print.

    Raises:
        SystemExit: with status 1 where there are findings.
    """
    from hf_hybrid.publishing.lint import lint_cards

    cards, findings = lint_cards(
        arguments.paths, arguments.kind, arguments.built, not arguments.no_load, arguments.croissant
    )
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"cards: {len(cards)}, findings: {len(findings)}\n")
    if findings:
        raise SystemExit(1)
