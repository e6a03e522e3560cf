"""Benchmarks by name."""

from __future__ import annotations

import difflib
import importlib
import inspect
from pathlib import Path
from typing import Any

from ..errors import InputError
from .benchmark import Benchmark

# name -> (module of this package, its loader)
_LOADERS = {
    "cldr_qa": ("cldr_qa", "load_cldr_qa"),
    "xquad_r": ("xquad_r", "load_xquad_r"),
}

BENCHMARK_NAMES = tuple(sorted(_LOADERS))


def load_benchmark(
    name: str,
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    **options: Any,
) -> Benchmark:
    """Load a benchmark by name.

    Args:
        name: one of `BENCHMARK_NAMES`.
        data_dir: folder with its data.
        hub_id: dataset repository with its data.
        revision: revision of the dataset repository.
        **options: what the benchmark's own loader takes; None means its default.

    Raises:
        InputError: unknown name or option, with the nearest valid ones.

    Example:
        >>> load_benchmark("xquad-r")
        Traceback (most recent call last):
        hf_hybrid.errors.InputError: unknown benchmark 'xquad-r': did you mean xquad_r? (known: cldr_qa, xquad_r)
    """
    if name not in _LOADERS:
        raise InputError(
            f"unknown benchmark {name!r}: {_nearest(name, BENCHMARK_NAMES)}(known: {', '.join(BENCHMARK_NAMES)})"
        )
    module, function = _LOADERS[name]
    loader = getattr(importlib.import_module(f".{module}", __package__), function)
    options = {key: value for key, value in options.items() if value is not None}
    known = [key for key in inspect.signature(loader).parameters if key not in ("data_dir", "hub_id", "revision")]
    for key in options:
        if key not in known:
            raise InputError(
                f"benchmark {name} has no option {key!r}: {_nearest(key, known)}(known: {', '.join(known) or 'none'})"
            )
    return loader(data_dir=data_dir, hub_id=hub_id, revision=revision, **options)


def _nearest(word: str, known: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}? " if close else ""
