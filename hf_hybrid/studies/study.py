"""The design of a study, as data: a grid of arms, levels of one factor and seeds, budgets, benchmarks, and the
contrasts that are declared before anything runs. `designs/<kind>_<name>.yaml` here, or a file of the user's.

Values may hold places: `"{mix}"` is what `--data mix=FOLDER` says, so that a design names no folder of a machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from hf_hybrid.errors import InputError, nearest

FOLDER = Path(__file__).resolve().parent
RULES = ("equal_steps", "equal_examples", "equal_cross_examples", "equal_mono_examples")
HIGHER, LOWER, NOT_WORSE, EQUAL = "higher", "lower", "not worse", "equal"
KINDS_OF_CONTRAST = (HIGHER, LOWER, NOT_WORSE, EQUAL)
Flags = Mapping[str, Any]


@dataclass(frozen=True)
class Budget:
    """How long each cell of the grid trains.

    Attributes:
        rule: `equal_steps`; `equal_examples`, of all batches; `equal_cross_examples` or `equal_mono_examples`: as many
            rows of cross-lingual or of monolingual batches (expected: batches are drawn).
        number: Of steps or examples.
    """

    rule: str
    number: int


@dataclass(frozen=True)
class Contrast:
    """One comparison that is declared: B against A.

    Attributes:
        name, text: For programs, for people.
        benchmark, figure: What is compared.
        kind: What B should be: `higher`, `lower`, `not worse` or `equal` (both within the margin).
        b, a: Cells: `arm`, `level`, `budget`; what is left out is the only one there is.
        margin: A loss (for `equal`, a difference) that does not count.
    """

    name: str
    text: str
    benchmark: str
    figure: str
    kind: str
    b: Mapping[str, str]
    a: Mapping[str, str]
    margin: float = 0.01


@dataclass(frozen=True)
class StudyDesign:
    """What tells one study from another.

    Attributes:
        study: Its kind: the NAME of `hf-hybrid study NAME`.
        question: In one sentence.
        recipe: Of `hf-hybrid train --config`, for every run.
        train: Flags of every run.
        arms: Name -> flags; an arm of None is the start itself, without training.
        factor: Its name.
        levels: Label -> flags of training, and under `evaluate` flags of the evaluation.
        seeds: One run each.
        budgets: Name -> budget.
        benchmarks: Name -> flags of `hf-hybrid evaluate`; the key `benchmark` where the name is another.
        contrasts: Declared before it runs.
        analysis: Settings of the kind's analysis.
        threads: Of a process; None leaves it to the libraries.
    """

    study: str
    question: str
    recipe: str
    arms: Mapping[str, Flags | None]
    seeds: tuple[int, ...]
    budgets: Mapping[str, Budget]
    benchmarks: Mapping[str, Flags]
    train: Flags = field(default_factory=dict)
    factor: str | None = None
    levels: Mapping[str, Flags] = field(default_factory=lambda: {"": {}})
    contrasts: tuple[Contrast, ...] = ()
    analysis: Flags = field(default_factory=dict)
    threads: int | None = None

    @classmethod
    def load(cls, name_or_path: str, kind: str) -> StudyDesign:
        """Read a design.

        Args:
            name_or_path: A YAML file, or the bare name of a packaged design of the kind.
            kind: The study that is asked for.

        Raises:
            InputError: No such design, one of another kind, or a field that is missing, unknown or of another type.

        Example:
            >>> StudyDesign.load("static", "ratio").factor
            'alpha'
        """
        packaged = FOLDER / "designs" / f"{kind}_{name_or_path}.yaml"
        path = packaged if packaged.is_file() and not Path(name_or_path).is_file() else Path(name_or_path)
        if not path.is_file():
            known = ", ".join(packaged_designs(kind)) or "none"
            raise InputError(
                f"config: no file '{name_or_path}' and no packaged design of it for {kind}; there are {known}"
            )
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path.name}: not valid YAML ({' '.join(str(error).split())[:160]})") from None
        design = from_json(content, path.name)
        if design.study != kind:
            raise InputError(f"{path.name}: is a design of `study {design.study}`, not of `study {kind}`")
        return design

    def to_json(self) -> dict[str, Any]:
        """JSON types, from which `from_json` makes it again."""
        return asdict(self) | {"seeds": list(self.seeds), "contrasts": [asdict(one) for one in self.contrasts]}

    def with_benchmarks(self, folders: Mapping[str, str]) -> StudyDesign:
        """The same, scored on further benchmarks.

        Args:
            folders: Name of a benchmark -> folder of its files.

        Raises:
            InputError: A benchmark that the design has.

        Example:
            >>> list(StudyDesign.load("tiny", "low_data").with_benchmarks({"belebele": "belebele/"}).benchmarks)
            ['development', 'test', 'belebele']
        """
        if known := sorted(set(folders) & set(self.benchmarks)):
            raise InputError(f"--benchmarks {known[0]}=...: the design has this benchmark; give its data by --data")
        further = {name: {"data_dir": folder} for name, folder in folders.items()}
        return replace(self, benchmarks={**self.benchmarks, **further})

    def with_places(self, places: Mapping[str, str]) -> StudyDesign:
        """The same with `{name}` in flags replaced.

        Raises:
            InputError: A place without a value, or a value without a place.
        """
        used: set[str] = set()
        content = self.to_json()
        for key in ("train", "arms", "levels", "benchmarks"):
            content[key] = _filled(content[key], places, used)
        if unused := sorted(set(places) - used):
            raise InputError(f"--data {unused[0]}=...: the design has no place of that name; it has {sorted(used)}")
        return from_json(content, "design")


def packaged_designs(kind: str) -> list[str]:
    """Bare names of the designs of a kind that travel with the package."""
    return sorted(path.stem.removeprefix(f"{kind}_") for path in (FOLDER / "designs").glob(f"{kind}_*.yaml"))


def from_json(content: Any, where: str) -> StudyDesign:
    """A design from plain types, checked.

    Raises:
        InputError: Names the field.
    """
    if not isinstance(content, dict):
        raise InputError(f"{where}: not a mapping of fields to values")
    known = {one.name for one in fields(StudyDesign)}
    for key in content:
        if key not in known:
            near = nearest(str(key), sorted(known))
            raise InputError(f"{where}: unknown field '{key}'" + (f"; did you mean {near}?" if near else ""))
    for key in ("study", "question", "recipe", "arms", "seeds", "budgets", "benchmarks"):
        if not content.get(key):
            raise InputError(f"{where}: field '{key}' is missing or empty")
    for key in ("train", "arms", "levels", "budgets", "benchmarks", "analysis"):
        if not isinstance(content.get(key, {}), dict):
            raise InputError(f"{where}: field '{key}' must be a mapping")
    seeds = content["seeds"]
    if (
        not isinstance(seeds, list | tuple)
        or not all(type(seed) is int for seed in seeds)
        or len(set(seeds)) < len(seeds)
    ):
        raise InputError(f"{where}: field 'seeds' must hold different whole numbers")
    arms = {
        str(name): None if flags is None else _mapping(flags, f"{where}: arms: {name}")
        for name, flags in content["arms"].items()
    }
    levels = {
        str(name): _mapping(flags or {}, f"{where}: levels: {name}")
        for name, flags in content.get("levels", {"": {}}).items()
    }
    if len(levels) > 1 and not content.get("factor"):
        raise InputError(f"{where}: levels need a name: field 'factor'")
    benchmarks = {
        str(name): _mapping(flags or {}, f"{where}: benchmarks: {name}")
        for name, flags in content["benchmarks"].items()
    }
    design = StudyDesign(
        **{
            **content,
            "arms": arms,
            "levels": levels,
            "benchmarks": benchmarks,
            "seeds": tuple(seeds),
            "budgets": {
                str(name): _budget(value, f"{where}: budgets: {name}") for name, value in content["budgets"].items()
            },
            "contrasts": tuple(_contrast(one, where) for one in content.get("contrasts", ())),
        }
    )
    for contrast in design.contrasts:
        _check_contrast(contrast, design, where)
    return design


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: must be a mapping of flags to values")
    return {str(key): one for key, one in value.items()}


def _budget(value: Any, where: str) -> Budget:
    if isinstance(value, Budget):
        return value
    found = _mapping(value, where)
    if set(found) != {"rule", "number"} or found["rule"] not in RULES:
        raise InputError(f"{where}: give a rule, one of {', '.join(RULES)}, and a number")
    if type(found["number"]) is not int or found["number"] < 1:
        raise InputError(f"{where}: number must be a whole number above 0, got {found['number']!r}")
    return Budget(**found)


def _contrast(value: Any, where: str) -> Contrast:
    if isinstance(value, Contrast):
        return value
    known = {one.name for one in fields(Contrast)}
    if not isinstance(value, Mapping) or set(value) - known or known - {"margin"} - set(value):
        raise InputError(
            f"{where}: contrasts: each needs {', '.join(sorted(known - {'margin'}))}, and may have margin"
        )
    if value["kind"] not in KINDS_OF_CONTRAST:
        raise InputError(f"{where}: contrasts: kind {value['kind']!r} is none of {', '.join(KINDS_OF_CONTRAST)}")
    sides = {side: {key: str(one) for key, one in _mapping(value[side], where).items()} for side in ("a", "b")}
    return Contrast(**{**value, **sides})


def _check_contrast(contrast: Contrast, design: StudyDesign, where: str) -> None:
    if contrast.benchmark not in design.benchmarks:
        raise InputError(f"{where}: contrast {contrast.name}: no benchmark '{contrast.benchmark}' in the design")
    choices: dict[str, Sequence[str]] = {
        "arm": list(design.arms),
        "level": list(design.levels),
        "budget": list(design.budgets),
    }
    for side in (contrast.a, contrast.b):
        if unknown := sorted(set(side) - set(choices)):
            raise InputError(f"{where}: contrast {contrast.name}: '{unknown[0]}' is none of arm, level, budget")
        for key, names in choices.items():
            if key not in side and len(names) > 1:
                raise InputError(f"{where}: contrast {contrast.name}: say which {key}: {', '.join(names)}")
            if key in side and side[key] not in names:
                raise InputError(
                    f"{where}: contrast {contrast.name}: no {key} '{side[key]}'; there are {', '.join(names)}"
                )


def _filled(value: Any, places: Mapping[str, str], used: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, places, used) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(one, places, used) for one in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[1] not in places:
            raise InputError(f"the design needs {match[1]}: give --data {match[1]}=PATH")
        used.add(match[1])
        return places[match[1]]

    return re.sub(r"\{(\w+)\}", fill, value)
