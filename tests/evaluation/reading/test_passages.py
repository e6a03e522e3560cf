"""The best passages of two pools: against sorting everything, at any block size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hf_hybrid.evaluation.reading.passages import best_passages
from tests.rankings import unit_vectors
from tests.results_files import small_benchmark


@pytest.mark.parametrize("max_memory_mb", [256, 1e-6])
@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
def test_they_are_those_of_a_full_sort(max_memory_mb, similarity):
    benchmark = small_benchmark()
    queries, candidates = (unit_vectors(120, 8, seed=seed) for seed in (1, 2))
    found = best_passages(queries, candidates, benchmark, 7, similarity=similarity, max_memory_mb=max_memory_mb)
    scores = (queries @ candidates.T).numpy()
    for query, code in enumerate(benchmark.query_languages):
        order = np.argsort(-scores[query], kind="stable")
        own = [row for row in order if benchmark.candidate_languages[row] == code]
        assert found["mul"].rows[query].tolist() == order[:7].tolist()
        assert found["mo"].rows[query].tolist() == own[:7]
    if similarity == "dot":
        expected = np.take_along_axis(scores, found["mo"].rows, axis=1)
        np.testing.assert_allclose(found["mo"].scores, expected, rtol=1e-6)


def test_a_small_pool_gives_all_it_has():
    benchmark = small_benchmark(questions=2, per_cluster=1)
    found = best_passages(*(torch.eye(6), torch.eye(6)), benchmark, 4)
    assert found["mo"].rows[:, 2:].tolist() == [[-1, -1]] * 6 and np.isneginf(found["mo"].scores[:, 2:]).all()
    assert found["mo"].rows[0, 0] == 0 and set(found["mo"].rows[2, :2]) == {2, 3}
    assert (found["mul"].rows >= 0).all()
