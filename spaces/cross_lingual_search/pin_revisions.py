"""Pin the models and the data set that the Space loads to the commits that the Hub has now.

    python pin_revisions.py OWNER                # OWNER/hybrid-xlir-static, ... and OWNER/world_facts, at main
    python pin_revisions.py OWNER --check        # only say what is pinned and whether it is there

Writes `revisions.json`, and `models` and `datasets` into the front matter of README.md, so that the Hub links them.
`hf-hybrid push` refuses the Space before that. Run it after the models have been pushed, and commit the change.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from hf_hybrid.errors import InputError, first_line
from hf_hybrid.output_files import write_bytes, write_json

SPACE = Path(__file__).resolve().parent
KINDS = {"models": "model", "datasets": "dataset"}
# Repository and its kind to the commit of its main branch.
CommitOf = Callable[[str, str], str]
Pins = dict[str, dict[str, dict[str, str | None]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Pin or check; 2 is the exit status of a mistake in the input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("owner", metavar="OWNER", help="user or organisation on the Hub")
    parser.add_argument("--space", type=Path, default=SPACE, help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args(argv)
    try:
        pins = read_pins(arguments.space / "revisions.json")
        found = pinned_to(pins, arguments.owner, commit_on_the_hub)
        if not arguments.check:
            write_json(arguments.space / "revisions.json", found, overwrite=True)
            card = arguments.space / "README.md"
            write_bytes(card, with_links(card.read_text(encoding="utf-8"), found).encode(), overwrite=True)
    except InputError as error:
        sys.stderr.write(f"pin_revisions.py: error: {error}\n")
        return 2
    for kind, entries in found.items():
        for name, entry in entries.items():
            note = "" if entry == pins[kind][name] else " (was not pinned to this)"
            sys.stdout.write(f"{entry['repository']}: {entry['revision']}{note}\n")
    return 0


def read_pins(path: Path) -> Pins:
    """The content of ``revisions.json``."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read: {first_line(error)}") from error


def commit_on_the_hub(repository: str, kind: str) -> str:
    """The commit that a repository's main branch is at.

    Raises:
        InputError: there is no such repository, or the Hub cannot be reached.
    """
    try:
        sha = HfApi().repo_info(repository, repo_type=kind).sha
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise InputError(f"{repository} is not to be had: {first_line(error)}; push it first") from error
    if not sha:
        raise InputError(f"{repository} has no commit yet; push it first")
    return sha


def pinned_to(pins: Mapping[str, Mapping[str, object]], owner: str, commit_of: CommitOf) -> Pins:
    """The same models and data sets as an owner's repositories at their present commits.

    Example:
        >>> pinned_to({"models": {"m": {}}}, "ann", lambda repository, kind: f"{kind}-commit")
        {'models': {'m': {'repository': 'ann/m', 'revision': 'model-commit'}}}
    """
    if not re.fullmatch(r"[\w.-]+", owner):
        raise InputError(f"{owner!r} is no owner on the Hub: give the part before the slash")
    return {
        kind: {
            name: {"repository": f"{owner}/{name}", "revision": commit_of(f"{owner}/{name}", KINDS[kind])}
            for name in names
        }
        for kind, names in pins.items()
    }


def with_links(card: str, pins: Pins) -> str:
    """A card whose front matter names the repositories.

    Example:
        >>> pins = {"models": {"m": {"repository": "ann/m", "revision": "0"}}}
        >>> with_links("---\\ntitle: T\\nmodels: [old/m]\\n---\\ntext\\n", pins)
        '---\\ntitle: T\\nmodels: [ann/m]\\n---\\ntext\\n'
    """
    _, front, rest = card.split("---\n", 2)
    lines = [line for line in front.splitlines() if not re.match(r"(models|datasets):", line)]
    lines += [
        f"{kind}: [{', '.join(str(entry['repository']) for entry in entries.values())}]"
        for kind, entries in pins.items()
    ]
    return "---\n" + "\n".join(lines) + "\n---\n" + rest


if __name__ == "__main__":
    sys.exit(main())
