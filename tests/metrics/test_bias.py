import numpy as np
import pytest
from hypothesis import given, settings

from hf_hybrid.metrics import TieGroups, max_rank, own_language_share, rank_distance, summarise_rank_distance
from hf_hybrid.retrieval.ranks import Pool, relevant_ranks
from tests.rankings import groups_of, mean_over_orders, scored_queries, unit_vectors


def test_rank_distance_is_last_minus_first():
    groups = TieGroups.from_ranks(np.array([0, 3, 4, 4]), np.array([99, 4, 7, 5]))
    assert np.array_equal(rank_distance(groups), [95.0, np.nan, np.nan], equal_nan=True)


@settings(max_examples=80, deadline=None)
@given(scored_queries(max_candidates=6, max_queries=1, levels=3))
def test_ties_give_the_mean_over_all_orders(case):
    scores, relevant = case[0][0], case[1][0]
    distance = rank_distance(groups_of(scores, relevant))[0]
    if len(relevant) == 1:
        assert np.isnan(distance)
    else:
        assert distance == pytest.approx(
            mean_over_orders(scores, relevant, lambda ranks: ranks[-1] - ranks[0]), abs=1e-12
        )


def test_random_rankings_have_the_distance_that_theory_gives():
    pool, relevant, queries = 1000, 11, 4000
    generator = np.random.default_rng(0)
    ranks = np.stack([generator.choice(pool, relevant, replace=False) for _ in range(queries)])
    groups = TieGroups.from_ranks(np.arange(queries + 1) * relevant, ranks.ravel())
    distances = rank_distance(groups)
    expected = (relevant - 1) / (relevant + 1) * (pool + 1)
    assert abs(distances.mean() - expected) < 4 * distances.std() / queries**0.5


def test_summary_averages_queries_then_languages():
    distances = np.array([10.0, 20.0, 90.0, 7.0, np.nan])
    summary = summarise_rank_distance(distances, np.array([0, 0, 0, 1, 1]), 3, pool_size=101)
    assert summary.mean == pytest.approx((40 + 7) / 2)
    assert summary.median == pytest.approx((20 + 7) / 2)
    assert summary.normalised == pytest.approx(summary.mean / 100)
    assert np.array_equal(summary.by_language, [40, 7, np.nan], equal_nan=True)


def test_summary_of_nothing_is_nan():
    summary = summarise_rank_distance(np.array([np.nan]), np.array([0]), 1, pool_size=5)
    assert np.isnan([summary.mean, summary.median, summary.normalised]).all()


def test_own_language_share():
    top = np.array([[9.0, 1.0], [7.0, 3.0], [4.0, 6.0]])
    share = own_language_share(top, np.array([0, 0, 1]), np.array([30, 70]), k=10)
    assert np.allclose(share.top_by_language, [[0.8, 0.2], [0.4, 0.6]])
    assert np.allclose(share.own_by_language, [0.8, 0.6])
    assert share.own == pytest.approx(0.7)
    assert np.allclose(share.pool_by_language, [0.3, 0.7])
    assert share.pool == pytest.approx(0.5)


def test_a_pool_smaller_than_k_is_its_own_top():
    share = own_language_share(np.array([[2.0, 1.0]]), np.array([0]), np.array([2, 1]), k=10)
    assert share.own == pytest.approx(2 / 3) and share.k == 10


def test_max_rank_is_where_the_last_one_stands():
    groups = TieGroups.from_ranks(np.array([0, 3, 4, 4]), np.array([99, 4, 7, 5]))
    assert np.array_equal(max_rank(groups), [100.0, 6.0, np.nan], equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(scored_queries(max_candidates=6, max_queries=1, levels=3))
def test_max_rank_is_the_mean_over_tied_orders(case):
    scores, relevant = case[0][0], case[1][0]
    expected = mean_over_orders(scores, relevant, lambda ranks: ranks[-1])
    assert max_rank(groups_of(scores, relevant))[0] == pytest.approx(expected, abs=1e-12)


def test_random_vectors_on_the_shape_of_xquad_r_have_the_distance_that_theory_gives():
    # 13,014 candidates, 11 relevant ones for each query: (11 - 1) / (11 + 1) * (13,014 + 1) = 10,845.8.
    sizes = [1222, 1276, 1234, 1180, 1215, 1244, 1219, 852, 1167, 1209, 1196]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    queries = 800
    relevant = (np.arange(queries)[:, None] + starts[:-1]).ravel()
    pool = Pool(np.arange(queries + 1) * 11, relevant, np.repeat(np.arange(11), sizes), num_languages=11)
    ranks = relevant_ranks(unit_vectors(queries, 48), unit_vectors(int(starts[-1]), 48, seed=1), pool)
    groups = TieGroups.from_ranks(ranks.offsets, ranks.pool_higher, ranks.pool_tied)
    distances, lowest = rank_distance(groups), max_rank(groups)
    expected = 10 / 12 * 13015
    assert round(expected) == 10846
    assert abs(distances.mean() - expected) < 2 * distances.std() / queries**0.5
    assert abs(lowest.mean() - 11 / 12 * 13015) < 2 * lowest.std() / queries**0.5
