import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.metrics import TieGroups, ndcg_at_k, recall_at_k, reciprocal_rank
from tests.rankings import groups_of, mean_over_orders, scored_queries


def ranking(ranks):
    return TieGroups.from_ranks(np.array([0, len(ranks)]), np.array(ranks) - 1)


def test_exact_values():
    groups = ranking([2, 3, 11])
    assert recall_at_k(groups, 10)[0] == pytest.approx(2 / 3)
    assert recall_at_k(groups, 1)[0] == 0.0
    assert reciprocal_rank(groups)[0] == 0.5
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg_at_k(groups, 10)[0] == pytest.approx((1 / math.log2(3) + 1 / 2) / ideal)


def test_recall_at_10_of_11_relevant_cannot_reach_one():
    assert recall_at_k(ranking(range(1, 12)), 10)[0] == pytest.approx(10 / 11)


def test_no_relevant_candidate_is_nan():
    groups = TieGroups.from_ranks(np.array([0, 0]), np.array([], dtype=int))
    for values in (recall_at_k(groups, 3), reciprocal_rank(groups), ndcg_at_k(groups, 3)):
        assert np.isnan(values).tolist() == [True]


@settings(max_examples=80, deadline=None)
@given(scored_queries(max_candidates=6, max_queries=1, levels=3), st.integers(1, 7))
def test_ties_give_the_mean_over_all_orders(case, k):
    scores, relevant, _ = case[0][0], case[1][0], case[2]
    groups = groups_of(scores, relevant)

    def ndcg(ranks):
        ideal = sum(1 / math.log2(i + 2) for i in range(min(len(ranks), k)))
        return sum(1 / math.log2(rank + 1) for rank in ranks if rank <= k) / ideal

    expected = {
        "recall": mean_over_orders(scores, relevant, lambda ranks: sum(rank <= k for rank in ranks) / len(ranks)),
        "mrr": mean_over_orders(scores, relevant, lambda ranks: 1 / ranks[0]),
        "ndcg": mean_over_orders(scores, relevant, ndcg),
    }
    assert recall_at_k(groups, k)[0] == pytest.approx(expected["recall"], abs=1e-13)
    assert reciprocal_rank(groups)[0] == pytest.approx(expected["mrr"], abs=1e-13)
    assert ndcg_at_k(groups, k)[0] == pytest.approx(expected["ndcg"], abs=1e-13)


def test_a_cutoff_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        recall_at_k(ranking([1]), 0)
