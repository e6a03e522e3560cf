"""The results files of one arm, one for each seed: read, checked to belong together, and known by their sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.results import Results


@dataclass(frozen=True)
class SeedFiles:
    """Results of models that differ in their seed only.

    Attributes:
        name: of the arm, or its alpha.
        paths: as the user named them.
        results: their content.
        digests: their sha256.
    """

    name: str
    paths: tuple[str, ...]
    results: tuple[Results, ...]
    digests: tuple[str, ...]

    def describe(self, folder: Path) -> list[dict[str, Any]]:
        """Name, sha256 and seed of every file, for a file in ``folder``."""
        return [
            {"file": public_name(path, folder), "sha256": digest, "seed": results.seed}
            for path, digest, results in zip(self.paths, self.digests, self.results, strict=True)
        ]


def read_groups(groups: Mapping[str, Sequence[str | Path]]) -> list[SeedFiles]:
    """Read the results of every arm.

    Raises:
        InputError: a file is named twice or unreadable, an arm has a seed twice, or files are not of one benchmark;
            names them.
    """
    found: list[SeedFiles] = []
    owner: dict[str, str] = {}
    for name, paths in groups.items():
        names = tuple(str(path) for path in paths)
        results = tuple(Results.load(path) for path in names)
        digests = tuple(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in names)
        for path, digest in zip(names, digests, strict=True):
            if digest in owner:
                raise InputError(
                    f"{path} (arm {name}) has the content of {owner[digest]}: name each results file once"
                )
            owner[digest] = f"{path} (arm {name})"
        seeds = [one.seed for one in results]
        twice = next((seed for seed in seeds if seed is not None and seeds.count(seed) > 1), None)
        if twice is not None:
            raise InputError(f"arm {name}: seed {twice} is there twice; name one results file for each seed")
        found.append(SeedFiles(name, names, results, digests))
    _check_same(found)
    return found


def public_name(path: str | Path, folder: Path) -> str:
    """A file's name for a file in ``folder``: relative where it lies below it, else its last two parts; never a path
    of a machine.

    Example:
        >>> public_name("runs/hybrid_1/results.json", Path("model_cards/m/results"))
        'hybrid_1/results.json'
    """
    path = Path(path).resolve()
    if path.is_relative_to(folder.resolve()):
        return path.relative_to(folder.resolve()).as_posix()
    return "/".join(path.parts[-2:])


def _check_same(groups: Sequence[SeedFiles]) -> None:
    first, one = groups[0].paths[0], groups[0].results[0]
    for group in groups:
        for path, other in zip(group.paths, group.results, strict=True):
            if difference := one.differs_from(other):
                raise InputError(
                    f"{first} and {path} do not belong together: {difference}; evaluate all arms on the same data "
                    "with the same settings"
                )
