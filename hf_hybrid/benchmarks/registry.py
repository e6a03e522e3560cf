"""Benchmarks by name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.corpus_benchmark import CorpusBenchmark
from hf_hybrid.errors import InputError, nearest

# name -> (module of this package, its loader)
_LOADERS = {
    "belebele": ("belebele", "load_belebele"),
    "cldr_qa": ("cldr_qa", "load_cldr_qa"),
    "local": ("local", "load_local"),
    "miracl": ("miracl", "load_miracl"),
    "mlqa_r": ("mlqa_r", "load_mlqa_r"),
    "world_facts": ("world_facts", "load_world_facts"),
    "xquad_r": ("xquad_r", "load_xquad_r"),
}

BENCHMARK_NAMES = tuple(sorted(_LOADERS))


def load_benchmark(
    name: str,
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    **options: Any,
) -> Benchmark | CorpusBenchmark:
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
        hf_hybrid.errors.InputError: unknown benchmark 'xquad-r': did you mean xquad_r? (known: belebele, cldr_qa, local, miracl, mlqa_r, world_facts, xquad_r)
    """
    if name not in _LOADERS:
        raise InputError(
            f"unknown benchmark {name!r}: {_nearest(name, BENCHMARK_NAMES)}(known: {', '.join(BENCHMARK_NAMES)})"
        )
    loader = _loader(name)
    options = {key: value for key, value in options.items() if value is not None}
    known = benchmark_options(name)
    for key in options:
        if key not in known:
            raise InputError(
                f"benchmark {name} has no option {key!r}: {_nearest(key, known)}(known: {', '.join(known) or 'none'})"
            )
    return loader(data_dir=data_dir, hub_id=hub_id, revision=revision, **options)


def benchmark_options(name: str) -> list[str]:
    """Names of the options that a benchmark's loader takes besides where its data are."""
    return [
        key for key in inspect.signature(_loader(name)).parameters if key not in ("data_dir", "hub_id", "revision")
    ]


def _loader(name: str) -> Callable[..., Benchmark | CorpusBenchmark]:
    module, function = _LOADERS[name]
    return getattr(importlib.import_module(f".{module}", __package__), function)


def _nearest(word: str, known: tuple[str, ...] | list[str]) -> str:
    close = nearest(word, known)
    return f"did you mean {close}? " if close else ""
