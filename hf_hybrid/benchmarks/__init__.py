"""Benchmarks: loaders that all give a `Benchmark`, or a `CorpusBenchmark` where the corpora need not fit in memory.

`registry.py` is the only list of them. The names below are imported on first use, so that help texts made of the list
need no numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_hybrid.benchmarks.benchmark import Benchmark
    from hf_hybrid.benchmarks.corpus_benchmark import Collection, CorpusBenchmark
    from hf_hybrid.benchmarks.registry import benchmark_names, benchmark_specs, load_benchmark, register_benchmark
    from hf_hybrid.benchmarks.spec import BenchmarkOption, BenchmarkSpec

__all__ = [
    "Benchmark",
    "BenchmarkOption",
    "BenchmarkSpec",
    "Collection",
    "CorpusBenchmark",
    "benchmark_names",
    "benchmark_specs",
    "load_benchmark",
    "register_benchmark",
]

_MODULES = {
    "Benchmark": "benchmark",
    "BenchmarkOption": "spec",
    "BenchmarkSpec": "spec",
    "Collection": "corpus_benchmark",
    "CorpusBenchmark": "corpus_benchmark",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'registry')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
