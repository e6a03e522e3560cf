"""Rules for what a card points to: files beside it, its own sections, and repositories of the Hub, those of this
project among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from hf_hybrid.publishing.lint.card import Card, Finding
from hf_hybrid.publishing.lint.metadata import as_list
from hf_hybrid.publishing.lint.project import Project

LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^\s)>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_CODE = re.compile(r"(`+)(?:.*?)\1")
_HUB = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/((?:datasets|spaces)/)?([\w.-]+)/([\w.-]+)")
_ID = re.compile(r"[\w.-]+/[\w.-]+")
# First parts of addresses at the Hub that are no owners.
_NO_OWNERS = frozenset(
    "docs papers blog learn tasks collections join login settings api organizations posts chat".split()
)
_FIELDS = {
    "model": {"datasets": "dataset", "base_model": "model"},
    "space": {"datasets": "dataset", "models": "model"},
    "dataset": {"source_datasets": "dataset"},
}


@dataclass(frozen=True)
class HubName:
    """A repository of the Hub that a card names."""

    card: Card
    line: int
    kind: str
    owner: str
    name: str


def check_links(card: Card) -> Iterator[Finding]:
    """Relative links lead to files of the repository, and `#...` to headings."""
    anchors = _anchors(card)
    root = card.folder.resolve()
    for number, text in card.prose:
        for match in LINK.finditer(_CODE.sub("", text)):
            target = match[2]
            if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
                continue
            path, _, anchor = target.partition("#")
            place = (root / unquote(path)).resolve()
            if not path:
                if anchor.lower() not in anchors:
                    yield card.finding(number, "link", f"there is no heading for the link {target!r}")
            elif not place.is_relative_to(root):
                yield card.finding(
                    number, "link", f"the link {target!r} leaves the repository: on the Hub it leads nowhere"
                )
            elif not place.exists():
                yield card.finding(number, "link", f"the link {target!r} leads to no file of the repository")


def check_hub_names(card: Card, project: Project) -> Iterator[Finding]:
    """Names of repositories have an owner, and those of this project are of the kind that they are named as."""
    for name, _ in _FIELDS[card.kind].items():
        for value in as_list(card.data.get(name)):
            bare = isinstance(value, str) and value in project.kinds
            if not isinstance(value, str) or (name != "source_datasets" and not _ID.fullmatch(value)) or bare:
                yield card.finding(
                    card.line(name), "hub-name", f"{name}: {value!r} is no name of the Hub: write OWNER/NAME"
                )
    for found in hub_names(card):
        own = project.kinds.get(found.name)
        if own is not None and own != found.kind:
            yield card.finding(
                found.line,
                "hub-name",
                f"{found.owner}/{found.name} is named as a {found.kind}, but here it is a {own}",
            )


def hub_names(card: Card) -> list[HubName]:
    """The repositories of the Hub that a card names in its fields and links."""
    found = []
    for name, kind in _FIELDS[card.kind].items():
        for value in as_list(card.data.get(name)):
            if isinstance(value, str) and _ID.fullmatch(value):
                found.append(HubName(card, card.line(name), kind, *value.split("/")))
    for number, text in enumerate(card.lines[card.body_start - 1 :], start=card.body_start):
        for kind, owner, name in _HUB.findall(text):
            if owner not in _NO_OWNERS:
                found.append(HubName(card, number, kind.rstrip("/").rstrip("s") or "model", owner, name))
    return found


def check_owners(named: Sequence[tuple[Card, Project]]) -> Iterator[Finding]:
    """All cards name the repositories of this project under one owner, and no repository of that owner that is not
    there.

    Args:
        named: cards, each with its project.
    """
    names = [(found, project) for card, project in named for found in hub_names(card)]
    siblings = [found for found, project in names if found.name in project.kinds]
    if not siblings:
        return
    owners = [found.owner for found in siblings]
    owner = max(sorted(set(owners)), key=owners.count)
    for found in siblings:
        if found.owner != owner:
            yield found.card.finding(
                found.line,
                "sibling",
                f"{found.owner}/{found.name}: elsewhere this project's repositories are {owner}'s",
            )
    for found, project in names:
        if found.owner == owner and project.kinds and found.name not in project.kinds:
            yield found.card.finding(
                found.line, "sibling", f"{owner}/{found.name}: this project has no repository {found.name}"
            )


def _anchors(card: Card) -> set[str]:
    """What the Hub makes of headings: small letters, digits, hyphens for spaces; a number after those that repeat."""
    found: set[str] = set()
    counts: dict[str, int] = {}
    for _, _, title in card.headings:
        plain = LINK.sub(r"\1", title).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(anchor if anchor not in counts else f"{anchor}-{counts[anchor]}")
        counts[anchor] = counts.get(anchor, 0) + 1
    return found
