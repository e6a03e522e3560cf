"""Benchmarks: loaders that all give a `Benchmark`, or a `CorpusBenchmark` where the corpora need not fit in memory."""

from .benchmark import Benchmark
from .corpus_benchmark import Collection, CorpusBenchmark
from .registry import BENCHMARK_NAMES, benchmark_options, load_benchmark

__all__ = ["BENCHMARK_NAMES", "Benchmark", "Collection", "CorpusBenchmark", "benchmark_options", "load_benchmark"]
