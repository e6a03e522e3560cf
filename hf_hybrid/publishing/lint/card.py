"""A card: the README.md of a repository for the Hub, read so that every finding can name its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.repository_kind import kinds_by_fields

README = "README.md"
# Folders of this project that hold one repository in each of their folders.
PLACES = {"hub_datasets": "dataset", "spaces": "space", "model_cards": "model"}
_FENCE = re.compile(r"^\s*(```+|~~~+)")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")


@dataclass(frozen=True)
class Finding:
    """Something to mend in a card."""

    path: Path
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message} [{self.rule}]"


@dataclass(frozen=True)
class Card:
    """A card that could be read.

    Attributes:
        path: the README.md.
        kind: ``model``, ``dataset`` or ``space``.
        data: the front matter.
        lines: of the whole file, without line breaks; line 1 is ``lines[0]``.
        body_start: number of the first line after the front matter.
    """

    path: Path
    kind: str
    data: dict[str, Any]
    lines: list[str] = field(repr=False)
    body_start: int
    _line_of: dict[tuple[str | int, ...], int] = field(repr=False)

    @property
    def folder(self) -> Path:
        """The repository."""
        return self.path.parent

    def line(self, *keys: str | int) -> int:
        """The line of a field of the front matter, or of the nearest field above it that is there."""
        while keys and keys not in self._line_of:
            keys = keys[:-1]
        return self._line_of.get(keys, 1)

    def finding(self, line: int, rule: str, message: str) -> Finding:
        """A finding in this card."""
        return Finding(self.path, line, rule, message)

    @cached_property
    def prose(self) -> list[tuple[int, str]]:
        """Numbered lines of the body, without those of code blocks."""
        found, fence = [], ""
        for number, text in enumerate(self.lines[self.body_start - 1 :], start=self.body_start):
            match = _FENCE.match(text)
            if match and (not fence or match[1].startswith(fence)):
                fence = "" if fence else match[1]
            elif not fence:
                found.append((number, text))
        return found

    @cached_property
    def headings(self) -> list[tuple[int, int, str]]:
        """Line, level and text of every heading."""
        return [
            (number, len(match[1]), match[2])
            for number, text in self.prose
            if (match := _HEADING.match(text)) is not None
        ]

    def sections(self) -> Iterator[tuple[str, int, int]]:
        """Title, first and last line of every section of level 2 or 3; a section reaches to the next heading of its
        level or above.
        """
        for index, (start, level, title) in enumerate(self.headings):
            if level in (2, 3):
                after = (line for line, other, _ in self.headings[index + 1 :] if other <= level)
                yield title, start, next(after, len(self.lines) + 1) - 1


class _UniqueKeys(yaml.SafeLoader):
    """YAML as the Hub takes it: a field that is there twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the field {key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_card(path: Path, kind: str | None = None) -> Card | Finding:
    """Read a card, or say why it cannot be read.

    Args:
        path: the README.md.
        kind: what it is the card of, where the folder it lies in and its fields do not tell.

    Raises:
        InputError: there is no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}; name a card or a folder that has one"
        ) from error
    except UnicodeDecodeError as error:
        return Finding(path, 1, "yaml", f"the card is not UTF-8 ({error.reason}): save it as UTF-8")
    if lines[:1] != ["---"] or "---" not in lines[1:]:
        return Finding(path, 1, "yaml", "the card has no front matter: begin it with YAML between two lines `---`")
    end = lines.index("---", 1)
    # The first line stands for the one with `---`, so that the lines are those of the file.
    block = "\n" + "\n".join(lines[1:end])
    try:
        node = yaml.compose(block, _UniqueKeys)
        data = yaml.load(block, _UniqueKeys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return Finding(
            path, mark.line + 1 if mark else 1, "yaml", f"the front matter is not valid YAML: {error.problem}"
        )
    except yaml.YAMLError as error:
        return Finding(path, 1, "yaml", f"the front matter is not valid YAML: {' '.join(str(error).split())}")
    if not isinstance(data, dict):
        return Finding(path, 1, "yaml", "the front matter is no mapping: write `field: value` lines")
    # By the folder that the repository lies in, or by fields that only one kind has.
    found = kind or PLACES.get(path.resolve().parent.parent.name) or next(iter(kinds_by_fields(data)), None)
    if found is None:
        return Finding(
            path, 1, "kind", f"cannot tell what this is the card of: put the folder into {', '.join(PLACES)}"
        )
    return Card(path, found, data, lines, end + 2, dict(_lines_of(node, ())))


def _lines_of(node: yaml.Node | None, keys: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*keys, key.value), key.start_mark.line + 1
            yield from _lines_of(value, (*keys, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*keys, index), value.start_mark.line + 1
            yield from _lines_of(value, (*keys, index))
