"""`hf-hybrid push` and `hf-hybrid pull`: the verbs' arguments, and their steps."""

from __future__ import annotations

import argparse
import logging
import sys

PUSH_DESCRIPTION = """\
Put a folder on the Hub as a model, dataset or Space: one commit, made only after everything is uploaded. The card is checked first; pickled weights,
links out of the folder, secrets and paths of this machine are refused. Needs `hf auth login` or HF_TOKEN; HF_ENDPOINT names another Hub.
"""
PUSH_EPILOG = """\
examples:
  hf-hybrid push runs/my_run/model me/my-retriever --dry_run
  hf-hybrid push runs/my_run/model me/my-retriever --private
  hf-hybrid push hub_datasets/cldr_qa me/cldr_qa --kind dataset --exclude build.py
  hf-hybrid push spaces/hybrid_xlir_map me/hybrid_xlir_map --revision next --create_branch

Files that the repository has and the folder lacks stay there, unless --delete. After a failure run the same command again: what was uploaded is not
sent again.
"""
PULL_DESCRIPTION = """\
Fetch a repository of the Hub at one commit into a new folder, which appears when everything has arrived. Prints the commit, for --revision.
"""
PULL_EPILOG = """\
examples:
  hf-hybrid pull me/my-retriever my-retriever
  hf-hybrid pull me/cldr_qa cldr_qa --revision 0123456789abcdef0123456789abcdef01234567 --include "data/*"
"""


def add_hub_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add the verbs to the command's parser."""
    push = verbs.add_parser(
        "push",
        help="put a folder on the Hub",
        description=PUSH_DESCRIPTION,
        epilog=PUSH_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    push.set_defaults(run=_push)
    push.add_argument("folder", metavar="FOLDER", help="its README.md is the card")
    push.add_argument("repo_id", metavar="REPO_ID", help="NAMESPACE/NAME")
    _add_kind(push, "what the card says")
    push.add_argument("--dry_run", action="store_true", help="list what would become of every file; write nothing")
    push.add_argument("--private", action="store_true", help="make a new repository private")
    push.add_argument("--revision", metavar="BRANCH", help="branch to commit to (default: main)")
    push.add_argument("--create_branch", action="store_true", help="make the branch, from main, if it is missing")
    push.add_argument("--create_pr", action="store_true", help="open a pull request instead of committing to main")
    push.add_argument("--message", metavar="TEXT", help="of the commit")
    push.add_argument("--delete", action="store_true", help="delete files of the repository that the folder lacks")
    push.add_argument(
        "--exclude", nargs="+", default=[], metavar="PATTERN", help="leave these out; `*` also matches slashes"
    )
    push.add_argument(
        "--reviewed",
        nargs="+",
        default=[],
        metavar="FILE",
        help="files that you have read: neither secrets nor paths of machines are looked for in them",
    )
    _add_connection(push)

    pull = verbs.add_parser(
        "pull",
        help="fetch a repository of the Hub",
        description=PULL_DESCRIPTION,
        epilog=PULL_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    pull.set_defaults(run=_pull)
    pull.add_argument("repo_id", metavar="REPO_ID", help="NAMESPACE/NAME")
    pull.add_argument("folder", metavar="FOLDER", help="must be missing or empty")
    _add_kind(pull, "the kind that exists under this name")
    pull.add_argument("--revision", metavar="REV", help="branch, tag or commit (default: main)")
    pull.add_argument(
        "--include", nargs="+", default=[], metavar="PATTERN", help="only these; `*` also matches slashes"
    )
    pull.add_argument("--exclude", nargs="+", default=[], metavar="PATTERN", help="not these")
    pull.add_argument("--overwrite", action="store_true", help="replace the folder as a whole, with all that it holds")
    _add_connection(pull)


def _add_kind(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--kind", choices=("model", "dataset", "space"), help=f"kind of repository (default: {default})"
    )


def _add_connection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--attempts", type=int, default=4, metavar="N", help="times to try a step while the Hub or the network fails"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=120,
        metavar="SECONDS",
        help="give a silent connection up (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def _push(arguments: argparse.Namespace) -> None:
    """`hf-hybrid push`: check, compare, upload, commit, say what was done."""
    _set_up(arguments)
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


def _pull(arguments: argparse.Namespace) -> None:
    """`hf-hybrid pull`: fetch, say which commit it is."""
    _set_up(arguments)
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


def _set_up(arguments: argparse.Namespace) -> None:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    from huggingface_hub.utils import disable_progress_bars

    from hf_hybrid.publishing.hub import use_timeout

    use_timeout(arguments.timeout)
    if arguments.quiet:
        disable_progress_bars()
