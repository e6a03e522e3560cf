"""Rules for fields and sections that a card of any kind must have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import langcodes

from hf_hybrid.errors import nearest
from hf_hybrid.publishing.lint.card import Card, Finding
from hf_hybrid.publishing.lint.hub_values import LARGEST_SIZE, LICENCES, SIZES, TASKS

REQUIRED_FIELDS = {
    "dataset": ("pretty_name", "license", "language", "task_categories", "size_categories", "configs"),
    "model": ("license", "language", "pipeline_tag", "library_name"),
    "space": ("title", "emoji", "colorFrom", "colorTo", "sdk", "app_file", "license"),
}
# A section's title begins with one of the words; the first of them is the one to write.
_USE = ("Use", "Usage", "How to use")
_LIMITS = ("Limits", "Limitations")
_LICENCE = ("Licence", "License")
REQUIRED_SECTIONS = {
    "dataset": (_USE, ("Columns", "Fields"), ("How it was made", "Source"), _LIMITS, _LICENCE),
    "model": (
        _USE,
        ("What it is for", "Intended use", "Uses"),
        ("Languages",),
        ("Evaluation", "Results"),
        ("Training",),
        _LIMITS,
        _LICENCE,
        ("Citation",),
    ),
    "space": (_USE, _LIMITS),
    # What the library `evaluate` asks of a metric's card.
    "metric": (
        ("Description", "Metric description"),
        _USE,
        ("Inputs",),
        ("Output values",),
        ("Examples",),
        _LIMITS,
        ("Citation",),
    ),
}
_SIZES = [name for _, name in SIZES] + [LARGEST_SIZE]
_LOCAL = re.compile(
    r"(?<![\w.~/:-])/(?:home|Users|root|tmp|mnt|opt|srv|workspace|content|kaggle|var/folders)/[\w.-]+|\bfile://|\b[A-Za-z]:\\\w"
)


def as_list(value: Any) -> list[Any]:
    """A field that may be one value or a list of them."""
    return value if isinstance(value, list) else [] if value is None else [value]


def check_fields(card: Card) -> Iterator[Finding]:
    """Fields that must be there and say something."""
    for name in REQUIRED_FIELDS[card.kind]:
        if card.data.get(name) in (None, "", []):
            yield card.finding(
                card.line(name), "field", f"the field {name!r} is missing or empty: the Hub shows and filters by it"
            )


def check_licence(card: Card) -> Iterator[Finding]:
    """The licence is on the Hub's list; another one has a name and a text."""
    for licence in as_list(card.data.get("license")):
        if licence not in LICENCES:
            guess = nearest(str(licence).lower(), sorted(LICENCES))
            hint = f"did you mean {guess}? " if guess else ""
            yield card.finding(
                card.line("license"),
                "licence",
                f"{licence!r} is not on the Hub's list of licences: {hint}else write `other`",
            )
        if licence == "other":
            for name in ("license_name", "license_link"):
                if not isinstance(card.data.get(name), str):
                    yield card.finding(card.line("license"), "licence", f"a licence `other` needs the field {name!r}")
    link = card.data.get("license_link")
    if isinstance(link, str) and "://" not in link and not (card.folder / link).is_file():
        yield card.finding(
            card.line("license_link"), "licence", f"license_link: there is no file {link!r} beside the card"
        )


def check_languages(card: Card) -> Iterator[Finding]:
    """Languages are BCP-47 tags in their usual form, each once."""
    tags = as_list(card.data.get("language"))
    for index, tag in enumerate(tags):
        line = max(card.line("language"), card.line("language", index))
        if not isinstance(tag, str):
            yield card.finding(
                line, "language", f"language {tag!r} is no text: YAML reads some tags, as `no`, as values; quote it"
            )
        elif tag != "multilingual" and not langcodes.tag_is_valid(tag):
            yield card.finding(
                line, "language", f"{tag!r} is no language tag: write an ISO 639 code, as `de` or `zh-Hant`"
            )
        elif tag != "multilingual" and langcodes.standardize_tag(tag) != tag:
            yield card.finding(
                line, "language", f"language {tag!r}: the usual tag is {langcodes.standardize_tag(tag)!r}"
            )
        elif tag in tags[:index]:
            yield card.finding(line, "language", f"language {tag!r} is there twice")


def check_tasks(card: Card) -> Iterator[Finding]:
    """Tasks and sizes are on the Hub's lists."""
    for name, known in (
        ("task_categories", sorted(TASKS)),
        ("pipeline_tag", sorted(TASKS)),
        ("size_categories", _SIZES),
    ):
        for value in as_list(card.data.get(name)):
            if value not in known:
                guess = nearest(str(value), known)
                hint = f": did you mean {guess}?" if guess else ""
                yield card.finding(card.line(name), "task", f"{name}: {value!r} is not on the Hub's list{hint}")


def check_sections(card: Card) -> Iterator[Finding]:
    """Sections that a reader of this kind of card looks for, and one title."""
    titles = [title.lower().strip() for _, _, title in card.headings]
    kind = "metric" if card.kind == "space" and "metric" in as_list(card.data.get("tags")) else card.kind
    for names in REQUIRED_SECTIONS[kind]:
        if not any(re.match(rf"{re.escape(name.lower())}\b", title) for name in names for title in titles):
            yield card.finding(card.body_start, "section", f"the card of a {kind} needs a section `## {names[0]}`")
    tops = [line for line, level, _ in card.headings if level == 1]
    if len(tops) != 1:
        line = tops[1] if tops else card.body_start
        yield card.finding(line, "section", f"the card has {len(tops)} titles (`# ...`) instead of one")


def check_snippet(card: Card) -> Iterator[Finding]:
    """The first section of a model's card says how to use it, in Python that can be run."""
    sections = [
        (title, start, end) for title, start, end in card.sections() if not card.lines[start - 1].startswith("###")
    ]
    if not sections:
        return
    title, start, end = sections[0]
    if not any(re.match(rf"(?i){re.escape(name)}\b", title) for name in _USE):
        yield card.finding(start, "snippet", f"the first section is {title!r}: begin with `## {_USE[0]}`")
    elif "```python" not in (line.strip() for line in card.lines[start:end]):
        yield card.finding(
            start, "snippet", f"the section {title!r} has no block of ```python: show how to load the model"
        )


def check_local_paths(card: Card) -> Iterator[Finding]:
    """Nothing of the machine that the card was written on."""
    for number, text in enumerate(card.lines, start=1):
        if match := _LOCAL.search(text):
            yield card.finding(number, "local-path", f"{match[0]!r} is a path of one machine: write what a reader has")
