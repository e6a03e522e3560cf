"""Benchmarks: loaders that all give a `Benchmark`, or a `CorpusBenchmark` where the corpora need not fit in memory."""

from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.benchmarks.corpus_benchmark import Collection, CorpusBenchmark
from hf_hybrid.benchmarks.registry import BENCHMARK_NAMES, benchmark_options, load_benchmark

__all__ = ["BENCHMARK_NAMES", "Benchmark", "Collection", "CorpusBenchmark", "benchmark_options", "load_benchmark"]
