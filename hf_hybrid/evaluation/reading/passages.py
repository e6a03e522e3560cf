"""The best k candidates of every query, in its own language's pool and in one pool of all languages, from vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from hf_hybrid.retrieval.search import TopK
from hf_hybrid.retrieval.similarity import similarity_scores

if TYPE_CHECKING:
    from hf_hybrid.benchmarks import Benchmark


def best_passages(
    queries: torch.Tensor,
    candidates: torch.Tensor,
    benchmark: Benchmark,
    k: int,
    *,
    similarity: str = "dot",
    max_memory_mb: float = 256,
) -> dict[str, TopK]:
    """``mo``: the best k candidates in the query's language; ``mul``: the best k of all.

    Args:
        queries: float32 ``[Q, d]``.
        candidates: float32 ``[N, d]``.
        benchmark: whose vectors they are.
        k: candidates wanted; a smaller pool gives all of it, and -1 in the places that are left.
        similarity: by which they are compared.
        max_memory_mb: bound on a block of scores, in MiB.

    Returns:
        Rows of the benchmark's candidates, best first.
    """
    size = len(benchmark.queries)
    found = {
        name: TopK(np.full((size, k), -np.inf, dtype=np.float32), np.full((size, k), -1, dtype=np.int64))
        for name in ("mo", "mul")
    }
    block = max(int(max_memory_mb * 2**20 // (12 * len(benchmark.candidates))), 1)
    for code in range(len(benchmark.languages)):
        own = np.flatnonzero(benchmark.candidate_languages == code)
        asked = np.flatnonzero(benchmark.query_languages == code)
        for start in range(0, len(asked), block):
            rows = asked[start : start + block]
            scores = similarity_scores(queries[torch.from_numpy(rows)], candidates, similarity)
            for name, pool in (("mo", own), ("mul", np.arange(len(candidates)))):
                if not len(pool):
                    continue
                of_pool = scores if name == "mul" else scores[:, torch.from_numpy(own)]
                top = of_pool.topk(min(k, len(pool)), dim=1)
                width = top.values.shape[1]
                found[name].scores[rows, :width] = top.values.float().cpu().numpy()
                found[name].rows[rows, :width] = pool[top.indices.cpu().numpy()]
    return found
