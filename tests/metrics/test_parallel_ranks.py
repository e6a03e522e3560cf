import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, rankdata

from hf_hybrid.metrics import cluster_blocks, friedman, within_query_ranks

BLOCKS = st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4), min_size=2, max_size=12)


def test_by_hand():
    # Rank sums 3, 7, 8 of three blocks: 12 / 36 * 122 - 36 = 14 / 3, W = chi2 / 6.
    result = friedman(np.array([[1.0, 2, 3], [1, 3, 2], [1, 2, 3]]))
    assert result.chi2 == pytest.approx(14 / 3) and result.kendall_w == pytest.approx(7 / 9)
    assert result.p_value == pytest.approx(np.exp(-7 / 3))  # chi-square of two degrees of freedom
    assert np.allclose(result.mean_ranks, [1, 7 / 3, 8 / 3]) and result.blocks == 3


@given(BLOCKS)
def test_equals_scipy_with_ties(blocks):
    ranks = rankdata(np.array(blocks), axis=1)
    result = friedman(ranks)
    if (ranks == ranks[:, :1]).all():
        assert result is None  # nothing but ties
        return
    statistic, p_value = friedmanchisquare(*np.array(blocks).T)
    assert result.chi2 == pytest.approx(statistic, abs=1e-9)
    assert result.p_value == pytest.approx(p_value, abs=1e-9)
    assert -1e-12 <= result.kendall_w <= 1 + 1e-12


def test_extremes_of_w():
    assert friedman(np.tile([1.0, 2, 3], (5, 1))).kendall_w == pytest.approx(1)
    assert friedman(np.array([[1.0, 2, 3], [3, 2, 1]])).kendall_w == pytest.approx(0)


def test_only_complete_queries_are_blocks():
    offsets, languages = np.array([0, 2, 4, 6, 7]), np.array([1, 0, 0, 0, 0, 1, 1])
    ranks = within_query_ranks(offsets, languages, np.array([3, 9, 1, 2, 8, 8, 0]), 2)
    assert np.array_equal(ranks, [[2, 1], [np.nan] * 2, [1.5, 1.5], [np.nan] * 2], equal_nan=True)
    assert friedman(ranks[:2]) is None and friedman(np.ones((3, 1))) is None


def test_a_cluster_is_one_block():
    ranks = np.array([[1.0, 2, 3], [2, 1, 3], [1, 3, 2], [np.nan] * 3])
    assert cluster_blocks(ranks, np.array([4, 4, 7, 7])).tolist() == [[1.5, 1.5, 3.0], [1.0, 3.0, 2.0]]
    assert cluster_blocks(ranks[3:], np.array([1])).shape == (0, 3)


def test_repeated_questions_do_not_make_a_preference_certain():
    generator = np.random.default_rng(1)
    of_paragraph = np.stack([generator.permutation(4) + 1.0 for _ in range(30)])
    ranks, clusters = np.repeat(of_paragraph, 20, axis=0), np.repeat(np.arange(30), 20)
    naive, clustered = friedman(ranks), friedman(cluster_blocks(ranks, clusters))
    assert clustered.blocks == 30 and naive.kendall_w == pytest.approx(clustered.kendall_w)
    assert naive.p_value < 1e-6 < 0.05 < clustered.p_value
