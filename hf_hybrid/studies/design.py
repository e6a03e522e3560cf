"""The design of a study of arms, as data: which recipes, arms and seeds, and what is scored. `arms_<name>.yaml` here,
or a file of the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hf_hybrid.errors import InputError, nearest

FOLDER = Path(__file__).resolve().parent
_PREFIX = "arms_"


@dataclass(frozen=True)
class ArmsDesign:
    """What tells one study of arms from another.

    Attributes:
        name: Of the study, as the user gave it.
        base, arm: Recipes of the two stages, as for `hf-hybrid train --config`; no base where there is a start.
        arms: Name -> settings by which the training of this arm differs from the recipe.
        seeds: Seeds that are run by default.
        threads: Threads of a process by default; None leaves it to the libraries.
        benchmarks: Those that every model is scored on beside XQuAD-R; they need no data.
        candidate_texts: What XQuAD-R's candidates are, one results file each.
        teacher: Hub name of the base's teacher, or None.
        teacher_package: Installed package that holds the teacher, for machines without the Hub.
        start: Folder or Hub name of the encoder that all arms start from, in place of a base that is trained.
        data: Configuration of the mix that arms are trained on.
    """

    name: str
    base: str | None
    arm: str
    arms: Mapping[str, Mapping[str, Any]]
    seeds: tuple[int, ...]
    threads: int | None = None
    benchmarks: tuple[str, ...] = ()
    candidate_texts: tuple[str, ...] = ("sentence",)
    teacher: str | None = None
    teacher_package: str | None = None
    start: str | None = None
    data: str = "qa"

    @classmethod
    def load(cls, name_or_path: str) -> ArmsDesign:
        """Read a design.

        Args:
            name_or_path: A YAML file, or the bare name of a packaged design.

        Raises:
            InputError: No such design, or a field that is missing, unknown or of another type.

        Example:
            >>> ArmsDesign.load("static").seeds
            (1, 2, 3, 4, 5)
        """
        packaged = FOLDER / f"{_PREFIX}{name_or_path}.yaml"
        path = packaged if packaged.is_file() and not Path(name_or_path).is_file() else Path(name_or_path)
        if not path.is_file():
            known = ", ".join(design_names())
            raise InputError(f"config: no file '{name_or_path}' and no packaged study of that name; there are {known}")
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path.name}: not valid YAML ({' '.join(str(error).split())[:160]})") from None
        _check(content, path.name)
        lists = {key: tuple(content[key]) for key in ("seeds", "benchmarks", "candidate_texts") if key in content}
        return cls(**{"base": None, **content, **lists, "name": Path(name_or_path).name})


_KINDS: dict[str, type | tuple[type, ...]] = {
    "base": (str, type(None)),
    "arm": str,
    "arms": dict,
    "seeds": list,
    "threads": (int, type(None)),
    "benchmarks": list,
    "candidate_texts": list,
    "teacher": (str, type(None)),
    "teacher_package": (str, type(None)),
    "start": (str, type(None)),
    "data": str,
}
_REQUIRED = ("arm", "arms", "seeds")


def design_names() -> list[str]:
    """Bare names of the designs that travel with the package."""
    return sorted(path.stem.removeprefix(_PREFIX) for path in FOLDER.glob(f"{_PREFIX}*.yaml"))


def _check(content: Any, file: str) -> None:
    if not isinstance(content, dict):
        raise InputError(f"{file}: not a mapping of fields to values")
    for key, value in content.items():
        if key not in _KINDS:
            near = nearest(str(key), list(_KINDS))
            raise InputError(f"{file}: unknown field '{key}'" + (f"; did you mean {near}?" if near else ""))
        if not isinstance(value, _KINDS[key]):
            raise InputError(f"{file}: field '{key}' cannot be {value!r}; see the packaged studies")
    for key in _REQUIRED:
        if not content.get(key):
            raise InputError(f"{file}: field '{key}' is missing or empty")
    if bool(content.get("base")) == bool(content.get("start")):
        raise InputError(f"{file}: field 'base' or 'start' is wanted, and not both")
    if content.get("start") and content.get("teacher"):
        raise InputError(f"{file}: field 'teacher' has no effect with 'start': it teaches the base")
    for name, settings in content["arms"].items():
        if not isinstance(settings, dict) or "arm" not in settings:
            raise InputError(f"{file}: arms: '{name}' must be a mapping of settings, with `arm`")
    if not all(isinstance(seed, int) for seed in content["seeds"]):
        raise InputError(f"{file}: field 'seeds' must hold whole numbers")
