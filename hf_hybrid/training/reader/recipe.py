"""A reader's training settings from a recipe with flags on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from hf_hybrid.arguments.parsing import RECIPES, read_recipe
from hf_hybrid.errors import InputError, nearest
from hf_hybrid.reading.windows import WindowSettings
from hf_hybrid.training.reader.train import ReaderTraining

READER_RECIPES = RECIPES / "readers"
_WINDOWS = ("max_length", "stride")


def setting_names() -> list[str]:
    """The keys that a recipe may have: the fields of `ReaderTraining`, and those of its windows."""
    return [*_WINDOWS, *(one.name for one in fields(ReaderTraining) if one.name != "windows")]


def reader_settings(recipe: str | None, flags: Mapping[str, Any]) -> ReaderTraining:
    """Defaults, the recipe on top of them, and the flags that were given on top of that.

    Args:
        recipe: a YAML file, or the bare name of a packaged one; None for none.
        flags: setting -> value; None where a flag was not given.

    Raises:
        InputError: no such recipe, an unknown key, a value of another type or out of its range.

    Example:
        >>> settings = reader_settings("e5_small", {"epochs": 2.0, "rows": None})
        >>> settings.windows.max_length, settings.epochs, settings.rows
        (256, 2.0, 16)
    """
    packaged = READER_RECIPES / f"{recipe}.yaml"
    content = {} if recipe is None else read_recipe(str(packaged) if packaged.is_file() else recipe)
    known = setting_names()
    for key in content:
        if key not in known:
            close = nearest(str(key), known)
            raise InputError(f"--config: unknown key {key!r}; {f'did you mean {close}?' if close else 'see --help'}")
    defaults = ReaderTraining()
    given = {name: value for name, value in flags.items() if value is not None}
    values = {name: _fitted(name, value, defaults) for name, value in {**content, **given}.items()}
    windows = WindowSettings(**{name: values.pop(name) for name in _WINDOWS if name in values})
    settings = replace(defaults, windows=windows, **values)
    settings.check()
    return settings


def _fitted(name: str, value: Any, defaults: ReaderTraining) -> Any:
    """A value in the type of its setting: YAML reads `1e-4` as text and `1` as a whole number."""
    default = getattr(defaults.windows if name in _WINDOWS else defaults, name)
    kind = int if default is None else type(default)
    if kind is float and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    elif isinstance(value, kind) and isinstance(value, bool) is (kind is bool):
        return value
    raise InputError(f"{name}: {value!r} is not of type {kind.__name__}")
