"""Results files of made-up systems on a small parallel benchmark, for the tests of comparisons and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.evaluation.query_values import query_table
from hf_hybrid.evaluation.results import build_results
from tests.rankings import unit_vectors

LANGUAGES = ("de", "en", "zh-Hant")


def small_benchmark(questions: int = 40, per_cluster: int = 2, **fields) -> Benchmark:
    """Every question and its one answer in every language."""
    number = len(LANGUAGES)
    total = number * questions
    relevant = np.arange(questions)[:, None] + np.arange(number) * questions
    content = {
        "name": "small",
        "languages": LANGUAGES,
        "query_ids": [f"q{i}" for i in range(total)],
        "queries": ["x"] * total,
        "query_languages": np.repeat(np.arange(number), questions),
        "query_examples": np.tile(np.arange(questions), number),
        "candidate_ids": [f"d{i}" for i in range(total)],
        "candidates": ["x"] * total,
        "candidate_languages": np.repeat(np.arange(number), questions),
        "relevance_offsets": np.arange(total + 1) * number,
        "relevance_candidates": np.tile(relevant, (number, 1)).ravel(),
        "clusters": np.tile(np.arange(questions) // per_cluster, number),
        "settings": {"candidate_text": "sentence"},
    }
    return Benchmark(**{**content, **fields})


def write_system(
    path: Path, noise: float, seed: int | None = None, benchmark: Benchmark | None = None, draw: int = 0, k: int = 10
) -> Path:
    """Evaluate vectors that share a meaning up to noise, and write the results with their values per query."""
    benchmark = small_benchmark() if benchmark is None else benchmark
    meanings = unit_vectors(int(benchmark.query_examples.max()) + 1, 24, seed=99)
    meaning = meanings[torch.from_numpy(benchmark.query_examples)]
    kept = [meaning + noise * unit_vectors(len(meaning), 24, seed=2 * draw + side) for side in (0, 1)]
    vectors = [torch.nn.functional.normalize(side, dim=1) for side in kept]
    evaluation = evaluate_embeddings(*vectors, benchmark, k=k)
    results = build_results(evaluation, benchmark, f"runs/{path.stem}", seed=seed)
    return results.save(path, queries=query_table(evaluation, benchmark))
