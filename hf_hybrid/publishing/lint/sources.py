"""Rules for what was made of results files: pictures and `arms.json` name them with their sha256, and they are still
the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hf_hybrid.plots.files import picture_source
from hf_hybrid.publishing.lint.card import Card, Finding
from hf_hybrid.publishing.lint.links import LINK


def check_sources(card: Card) -> Iterator[Finding]:
    """Files that pictures in the card were drawn from, and those that its `arms_version` files were made of, did not
    change since.
    """
    yield from _check_pictures(card)
    for path in sorted((card.folder / "results").glob("*.json")):
        yield from _check_arms(path)


def _check_pictures(card: Card) -> Iterator[Finding]:
    for number, text in card.prose:
        for match in LINK.finditer(text):
            path = card.folder / match[2]
            if not match[0].startswith("!") or path.suffix != ".png" or not path.is_file():
                continue
            source = picture_source(path)
            if source is None:
                continue
            file, digest = source
            found = card.folder / file
            if not found.is_file():
                yield card.finding(number, "picture", f"{match[2]} was drawn from {file}, which is not there")
            elif _digest(found) != digest:
                yield card.finding(
                    number, "picture", f"{match[2]} was drawn from another {file}: run `hf-hybrid card` again"
                )


def _check_arms(path: Path) -> Iterator[Finding]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return
    if not isinstance(content, dict) or "arms_version" not in content:
        return
    for entry in _entries(content):
        file = path.parent / entry["file"]
        # Results of single seeds need not be in the repository; those that are must be the ones.
        if file.is_file() and _digest(file) != entry["sha256"]:
            message = f"{entry['file']} is not the file that this was made of: run `hf-hybrid arms` again"
            yield Finding(path, 1, "sources", message)


def _entries(content: dict[str, Any]) -> Iterator[dict[str, str]]:
    groups = [*content.get("arms", {}).values(), *content.get("alpha", {}).get("points", [])]
    for group in groups:
        yield from group.get("files", [])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
