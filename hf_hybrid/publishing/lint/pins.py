"""What a Space that is to be published loads must be pinned to commits: `revisions.json`, where a Space has one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hf_hybrid.publishing.lint.card import Card, Finding

PINS = "revisions.json"
_KINDS = ("models", "datasets")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def check_pins(card: Card) -> Iterator[Finding]:
    """Every model and data set names its repository and a commit, and the front matter names the same repositories.

    The file is ``{"models": {NAME: {"repository": "OWNER/NAME", "revision": "40 hex digits"}}, "datasets": ...}``; in
    a checkout both may be null, since nothing can be pinned before it is published.
    """
    path = card.folder / PINS
    if not path.is_file():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = [(kind, name, entry) for kind in _KINDS for name, entry in content.get(kind, {}).items()]
        pins = [(kind, name, entry["repository"], entry["revision"]) for kind, name, entry in entries]
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        yield Finding(path, 1, "pins", f"not in the form of pins ({type(error).__name__}: {error})")
        return
    for kind, name, repository, revision in pins:
        if not _matches(_REPOSITORY, repository) or not _matches(_COMMIT, revision):
            yield Finding(
                path, 1, "pins", f"{name} is not pinned: its repository and a commit of 40 hex digits must be named"
            )
        elif repository not in _listed(card, kind):
            yield card.finding(card.line(kind), "pins", f"{kind!r} does not name {repository}, which {PINS} pins")


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _listed(card: Card, kind: str) -> list[object]:
    value = card.data.get(kind)
    return value if isinstance(value, list) else [value]
