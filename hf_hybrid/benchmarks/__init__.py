"""Benchmarks: loaders that all give a `Benchmark`."""

from .benchmark import Benchmark
from .registry import BENCHMARK_NAMES, load_benchmark

__all__ = ["BENCHMARK_NAMES", "Benchmark", "load_benchmark"]
