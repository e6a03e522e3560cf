"""What is around a card: the repositories of the same project, and the versions it pins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from hf_hybrid.publishing.lint.card import PLACES, README


@dataclass(frozen=True)
class Project:
    """The project that a card belongs to.

    Attributes:
        kinds: name of each repository of the project -> its kind; empty for a folder that stands alone.
        pins: package -> version, of the project's ``constraints.txt``.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)


def project_of(folder: Path) -> Project:
    """The project of a repository that lies in one of the folders of `PLACES`."""
    folder = folder.resolve()
    if folder.parent.name not in PLACES:
        return Project()
    root = folder.parent.parent
    kinds = {
        path.name: kind
        for place, kind in PLACES.items()
        if (root / place).is_dir()
        for path in (root / place).iterdir()
        if path.is_dir()
    }
    constraints = root / "constraints.txt"
    lines = constraints.read_text(encoding="utf-8").splitlines() if constraints.is_file() else []
    pins = (line.partition("==") for line in lines if re.match(r"[\w.-]+==", line))
    return Project(kinds, {name.lower().replace("_", "-"): version.strip() for name, _, version in pins})


def repositories_below(folder: Path) -> list[Path]:
    """Folders of repositories in a project's root, or in one of its places; the folder itself if it has a card."""
    if folder.name in PLACES:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
    places = [folder / place for place in PLACES if (folder / place).is_dir()]
    if places:
        return [repository for place in places for repository in repositories_below(place)]
    return [folder] if (folder / README).is_file() else []
