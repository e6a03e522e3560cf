"""Rules for the card of a Space: its front matter is its configuration."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

from hf_hybrid.publishing.lint.card import Card, Finding
from hf_hybrid.publishing.lint.hub_values import COLOURS, LONGEST_SHORT_DESCRIPTION, SDKS
from hf_hybrid.publishing.lint.metadata import as_list
from hf_hybrid.publishing.lint.project import Project

_NAME_IN_CODE = re.compile(r"[\"']([\w.-]+/([\w.-]+))[\"']")


def check_space(card: Card, project: Project) -> Iterator[Finding]:
    """SDK and its version, the application, and the repositories that it uses."""
    data = card.data
    for name in ("colorFrom", "colorTo"):
        if data.get(name) not in (None, *COLOURS):
            yield card.finding(card.line(name), "space", f"{name}: {data[name]!r} is none of {', '.join(COLOURS)}")
    if data.get("sdk") not in (None, *SDKS):
        yield card.finding(card.line("sdk"), "space", f"sdk: {data['sdk']!r} is none of {', '.join(SDKS)}")
    short = data.get("short_description")
    if isinstance(short, str) and len(short) > LONGEST_SHORT_DESCRIPTION:
        yield card.finding(
            card.line("short_description"),
            "space",
            f"short_description has {len(short)} characters, the Hub takes {LONGEST_SHORT_DESCRIPTION}",
        )
    for name in ("sdk_version", "python_version"):
        if name in data and not isinstance(data[name], str):
            yield card.finding(
                card.line(name),
                "space",
                f'{name}: YAML reads {data[name]!r} as a number; write "{data[name]}" in quotes',
            )
    yield from _check_app(card)
    yield from _check_sdk_version(card, project)
    yield from _check_used_names(card, project)
    if "metric" in as_list(data.get("tags")) and not (card.folder / f"{card.folder.resolve().name}.py").is_file():
        yield card.finding(
            card.line("tags"),
            "space",
            f"a metric's Space needs {card.folder.resolve().name}.py, which `evaluate` loads",
        )


def _check_app(card: Card) -> Iterator[Finding]:
    name = card.data.get("app_file")
    if not isinstance(name, str):
        return
    path = card.folder / name
    if not path.is_file():
        yield card.finding(card.line("app_file"), "space", f"app_file: there is no {name}")
    elif path.suffix == ".py":
        try:
            ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            yield card.finding(card.line("app_file"), "space", f"app_file: {name} is no Python ({error})")


def _check_sdk_version(card: Card, project: Project) -> Iterator[Finding]:
    """The SDK's version is the one that ``requirements.txt`` and the project's constraints pin."""
    sdk, version = card.data.get("sdk"), card.data.get("sdk_version")
    if sdk not in ("gradio", "streamlit"):
        return
    line = card.line("sdk_version")
    if version is None:
        yield card.finding(
            card.line("sdk"), "space", f"sdk_version is missing: without it the Hub takes some version of {sdk}"
        )
        return
    pinned = project.pins.get(sdk)
    if pinned not in (None, str(version)):
        yield card.finding(line, "space", f"sdk_version is {version}, constraints.txt has {sdk}=={pinned}")
    requirements = card.folder / "requirements.txt"
    for number, text in enumerate(
        requirements.read_text(encoding="utf-8").splitlines() if requirements.is_file() else [], start=1
    ):
        text = text.split("#")[0].strip()
        if not text or text.startswith("-"):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            yield Finding(
                requirements, number, "space", f"{text!r} is no requirement ({' '.join(str(error).split())})"
            )
            continue
        if requirement.name.lower() == sdk and str(version) not in requirement.specifier:
            yield card.finding(line, "space", f"sdk_version is {version}, requirements.txt has {text}")


def _check_used_names(card: Card, project: Project) -> Iterator[Finding]:
    """Repositories of this project that the code names stand in the front matter, so that the Hub links them."""
    fields = {"model": "models", "dataset": "datasets"}
    for path in sorted(card.folder.glob("*.py")):
        for name, repository in _NAME_IN_CODE.findall(path.read_text(encoding="utf-8")):
            field = fields.get(project.kinds.get(repository, ""))
            if field and name not in as_list(card.data.get(field)):
                yield card.finding(
                    card.line(field), "space", f"{path.name} uses {name}, which {field!r} does not name"
                )
