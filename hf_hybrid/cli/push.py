"""`hf-hybrid push`: check a folder, compare, upload, commit, say what was done."""

from __future__ import annotations

import argparse
import sys

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command
from hf_hybrid.cli.hub_connection import set_up_connection


class PushCommand(Command):
    """Publish a folder."""

    name = "push"
    help = "put a folder on the Hub"
    description = """\
Put a folder on the Hub as a model, dataset or Space: one commit, made only after everything is uploaded. The card is
checked first; pickled weights, links out of the folder, secrets and paths of this machine are refused. Needs
`hf auth login` or HF_TOKEN; HF_ENDPOINT names another Hub.
"""
    epilog = """\
examples:
  hf-hybrid push runs/my_run/model me/my-retriever --dry_run
  hf-hybrid push runs/my_run/model me/my-retriever --private
  hf-hybrid push hub_datasets/cldr_qa me/cldr_qa --kind dataset --exclude build.py
  hf-hybrid push spaces/hybrid_xlir_map me/hybrid_xlir_map --revision next --create_branch

Files that the repository has and the folder lacks stay there, unless --delete. After a failure run the same command
again: what was uploaded is not sent again.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The folder, the repository, and how to commit."""
        parser.add_argument("folder", metavar="FOLDER", help="put this folder on the Hub; its README.md is the card")
        flags.add_repository(parser)
        flags.add_repository_kind(parser)
        parser.add_argument(
            "--dry_run", action="store_true", help="list what would become of every file; write nothing"
        )
        parser.add_argument("--private", action="store_true", help="make a new repository private")
        parser.add_argument("--revision", metavar="BRANCH", help="commit to this branch (default: main)")
        parser.add_argument(
            "--create_branch", action="store_true", help="make the branch, from main, if it is missing"
        )
        parser.add_argument(
            "--create_pr", action="store_true", help="open a pull request instead of committing to main"
        )
        parser.add_argument("--message", metavar="TEXT", help="give the commit this message")
        parser.add_argument(
            "--delete", action="store_true", help="delete files of the repository that the folder lacks"
        )
        flags.add_exclude(parser)
        parser.add_argument(
            "--reviewed",
            nargs="+",
            default=[],
            metavar="FILE",
            help="look for neither secrets nor paths of machines in these files, which you have read",
        )
        flags.add_connection(parser)
        flags.add_quiet(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """Check, compare, upload, commit, say what was done."""
        set_up_connection(arguments)
        from hf_hybrid.publishing.hub import Patience, push_folder
        from hf_hybrid.publishing.hub.report import plan_report, push_report
        from hf_hybrid.publishing.lint import lint_folder

        pushed = push_folder(
            arguments.folder,
            arguments.repo_id,
            arguments.kind,
            private=arguments.private,
            revision=arguments.revision,
            create_branch=arguments.create_branch,
            delete=arguments.delete,
            create_pr=arguments.create_pr,
            exclude=arguments.exclude,
            reviewed=arguments.reviewed,
            message=arguments.message,
            dry_run=arguments.dry_run,
            lint=lint_folder,
            patience=Patience(arguments.attempts),
        )
        sys.stdout.write(f"{plan_report(pushed.plan, arguments.dry_run)}\n{push_report(pushed)}\n")
