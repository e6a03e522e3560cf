"""`hf-hybrid pull`: fetch a repository, say which commit it is."""

from __future__ import annotations

import argparse
import sys

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.cli.hub_connection import set_up_connection


class PullCommand(Command):
    """Fetch a repository."""

    name = "pull"
    help = "fetch a repository of the Hub"
    description = """\
Fetch a repository of the Hub at one commit into a new folder, which appears when everything has arrived, and print the
commit, for --revision. With --overwrite replace the folder as a whole, with all that it holds.
"""
    epilog = """\
examples:
  hf-hybrid pull me/my-retriever my-retriever
  hf-hybrid pull me/cldr_qa cldr_qa --revision 0123456789abcdef0123456789abcdef01234567 --include "data/*"
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The repository, the folder, and which of the files."""
        flags.add_repository(parser)
        parser.add_argument("folder", metavar="FOLDER", help="make this folder, which must be missing or empty")
        flags.add_repository_kind(parser)
        parser.add_argument("--revision", metavar="REV", help="take this branch, tag or commit (default: main)")
        parser.add_argument(
            "--include",
            nargs="+",
            default=[],
            metavar="PATTERN",
            help="fetch files of these patterns only; `*` also matches slashes",
        )
        flags.add_exclude(parser)
        flags.add_overwrite(parser)
        flags.add_connection(parser)
        flags.add_quiet(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """Fetch, say which commit it is."""
        set_up_connection(arguments)
        from hf_hybrid.publishing.hub import Patience, pull_repository
        from hf_hybrid.publishing.hub.report import pull_report

        pulled = pull_repository(
            arguments.repo_id,
            arguments.folder,
            arguments.kind,
            revision=arguments.revision,
            include=arguments.include,
            exclude=arguments.exclude,
            overwrite=arguments.overwrite,
            patience=Patience(arguments.attempts),
        )
        sys.stdout.write(f"{pull_report(pulled)}\n")
