import numpy as np
import pytest
from hypothesis import given, settings

from hf_hybrid.metrics import TieGroups, average_precision
from hf_hybrid.metrics import average_precision as average_precision_function
from tests.rankings import groups_of, mean_over_orders, scored_queries


def of_ranks(ranks, tied=None):
    """AP of one ranking with relevant candidates at these ranks."""
    groups = TieGroups.from_ranks(
        np.array([0, len(ranks)]), np.array(ranks) - 1, None if tied is None else np.array(tied)
    )
    return average_precision(groups)[0]


def plain(ranks):
    return sum((i + 1) / rank for i, rank in enumerate(ranks)) / len(ranks)


def test_exact_values():
    assert of_ranks([1, 2, 3]) == 1.0
    assert of_ranks([1, 3]) == pytest.approx((1 + 2 / 3) / 2, abs=1e-15)
    assert of_ranks([4]) == 0.25


def test_one_of_two_tied_at_the_top_is_the_mean_of_both_orders():
    assert of_ranks([1], tied=[1]) == pytest.approx((1 + 1 / 2) / 2, abs=1e-15)


def test_everything_tied_and_relevant_is_perfect():
    assert of_ranks([1, 1, 1], tied=[2, 2, 2]) == pytest.approx(1.0, abs=1e-15)


@settings(max_examples=80, deadline=None)
@given(scored_queries(max_candidates=6, max_queries=1, levels=3))
def test_ties_give_the_mean_over_all_orders(case):
    scores, relevant, _ = case
    expected = mean_over_orders(scores[0], relevant[0], plain)
    assert average_precision(groups_of(scores[0], relevant[0]))[0] == pytest.approx(expected, abs=1e-13)


def test_the_closed_form_of_long_ties_agrees_with_the_plain_sum(monkeypatch):
    import sys

    module = sys.modules[average_precision_function.__module__]
    ranks, tied = [500, 500, 500, 6000], [2999, 2999, 2999, 7000]
    closed = of_ranks(ranks, tied)
    monkeypatch.setattr(module, "_LONGEST_PLAIN_SUM", 10**9)
    assert closed == pytest.approx(of_ranks(ranks, tied), abs=1e-13)


def test_rankings_do_not_mix():
    groups = TieGroups.from_ranks(np.array([0, 1, 1, 3]), np.array([1, 0, 2]))
    assert np.allclose(average_precision(groups), [0.5, np.nan, (1 + 2 / 3) / 2], atol=1e-15, equal_nan=True)
