"""Settings of an analysis from the design's field `analysis`, checked by the fields of a dataclass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import TypeVar

import numpy as np

from hf_hybrid.errors import InputError, nearest
from hf_hybrid.evaluation.figures import find_figure
from hf_hybrid.studies.study import StudyDesign

Settings = TypeVar("Settings")


def settings_of(cls: type[Settings], design: StudyDesign) -> Settings:
    """The settings, as an instance of their dataclass.

    Raises:
        InputError: A field that is unknown or missing, or names a benchmark that the design has not.
    """
    where = f"study {design.study}: analysis"
    known = {one.name: one for one in fields(cls)}
    for key in design.analysis:
        if key not in known:
            near = nearest(str(key), list(known))
            raise InputError(f"{where}: unknown field '{key}'" + (f"; did you mean {near}?" if near else ""))
    for name, one in known.items():
        if name not in design.analysis and one.default is MISSING and one.default_factory is MISSING:
            raise InputError(f"{where}: field '{name}' is missing")
    for key in ("benchmark", "validation"):
        if key in known and (named := design.analysis.get(key)) is not None and named not in design.benchmarks:
            raise InputError(f"{where}: {key} '{named}' is no benchmark of the design")
    return cls(**design.analysis)


def numbers_of_levels(design: StudyDesign) -> dict[str, float]:
    """Level -> its number.

    Raises:
        InputError: A level that is none.
    """
    try:
        return {level: float(level) for level in design.levels}
    except ValueError as error:
        raise InputError(f"study {design.study}: levels of {design.factor} must be numbers ({error})") from None


def check_arms(design: StudyDesign, arms: Iterable[str], trained: bool = True) -> None:
    """Whether the design has the arms that an analysis names.

    Args:
        design: The study.
        arms: Their names.
        trained: Refuse one that is the start itself, too.

    Raises:
        InputError: Names the first that is missing.
    """
    for arm in arms:
        if arm not in design.arms or (trained and design.arms[arm] is None):
            what = "trained arm" if trained else "arm"
            raise InputError(f"study {design.study}: analysis: no {what} '{arm}'; there are {', '.join(design.arms)}")


def check_figures(design: StudyDesign, names: Iterable[str]) -> None:
    """Whether there are figures of these names.

    Raises:
        InputError: Names the first that is none.
    """
    for name in names:
        if find_figure(name) is None:
            raise InputError(f"study {design.study}: analysis: no figure '{name}'")


def sizes_of(numbers: Sequence[float], tags: Sequence[str], available: Mapping[str, int]) -> list[float]:
    """Numbers of examples of a language that runs had, geometric means over languages.

    Example:
        >>> [round(size) for size in sizes_of([100, 1000], ["en", "sw"], {"sw": 250})]
        [100, 500]
    """
    have = np.array([available.get(tag, np.inf) for tag in tags])
    return [
        number if (have >= number).all() else float(np.exp(np.log(np.minimum(number, have)).mean()))
        for number in numbers
    ]


def unseen_languages(design: StudyDesign, tags: Sequence[str], named: Sequence[str] = ()) -> list[str]:
    """Languages of a benchmark that no run trains on: those named, else those outside the design's `languages`."""
    trained = design.train.get("languages", tags)
    return list(named) or [tag for tag in tags if tag not in trained]
