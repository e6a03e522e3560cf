"""Small rankings for the tests of metrics and ranks: made from scores, judged by brute force or by pytrec_eval."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import torch
from hypothesis import strategies as st

from hf_hybrid.metrics import TieGroups


@st.composite
def scored_queries(draw, max_candidates: int = 12, max_queries: int = 4, levels: int = 4):
    """Scores ``[Q, N]`` with many ties, relevance (at least one per query), and candidate languages."""
    candidates = draw(st.integers(1, max_candidates))
    queries = draw(st.integers(1, max_queries))
    cells = st.lists(st.integers(0, levels), min_size=candidates, max_size=candidates)
    scores = draw(st.lists(cells, min_size=queries, max_size=queries))
    chosen = st.sets(st.integers(0, candidates - 1), min_size=1, max_size=candidates)
    relevant = [sorted(draw(chosen)) for _ in range(queries)]
    languages = draw(st.lists(st.integers(0, 2), min_size=candidates, max_size=candidates))
    return np.array(scores, dtype=np.float32) / 8, relevant, np.array(languages)


def csr(relevant: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of relevant candidates as offsets and indices."""
    offsets = np.concatenate([[0], np.cumsum([len(found) for found in relevant])])
    return offsets, np.array([index for found in relevant for index in found], dtype=np.int64)


def brute_counts(scores: np.ndarray, relevant: list[int], allowed: np.ndarray) -> tuple[list[int], list[int]]:
    """Strictly higher and equal other candidates among the allowed ones, for each relevant candidate."""
    higher = [int(((scores > scores[index]) & allowed).sum()) for index in relevant]
    tied = [int(((scores == scores[index]) & allowed).sum()) - 1 for index in relevant]
    return higher, tied


def groups_of(scores: np.ndarray, relevant: list[int]) -> TieGroups:
    """Groups of one ranking."""
    higher, tied = brute_counts(scores, relevant, np.ones(len(scores), dtype=bool))
    return TieGroups.from_ranks(np.array([0, len(relevant)]), np.array(higher), np.array(tied))


def mean_over_orders(scores: np.ndarray, relevant: list[int], measure) -> float:
    """Mean of ``measure(sorted ranks of the relevant candidates)`` over all orders of equally scored candidates."""
    values = []
    for order in permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in zip(order, order[1:], strict=False)):
            ranks = sorted(order.index(index) + 1 for index in relevant)
            values.append(measure(ranks))
    return float(np.mean(values))


def trec_measures(scores: np.ndarray, relevant: list[list[int]], names: list[str], measures: set[str]) -> list[dict]:
    """pytrec_eval's values of each query over the full ranking."""
    import pytrec_eval

    qrels = {f"q{q}": {names[index]: 1 for index in found} for q, found in enumerate(relevant)}
    run = {f"q{q}": dict(zip(names, row.tolist(), strict=True)) for q, row in enumerate(scores)}
    found = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    return [found[f"q{q}"] for q in range(len(scores))]


def unit_vectors(rows: int, dimension: int = 16, seed: int = 0) -> torch.Tensor:
    """Random vectors of unit length."""
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, dimension, generator=generator), dim=1)
