import numpy as np
import pytest

from hf_hybrid.metrics import language_scores

NAN = np.nan


def test_cells_leave_out_queries_without_a_relevant_candidate():
    # Three queries: two in language 0, one in language 1; the second has nothing to find in language 1.
    by_language = np.array([[1.0, 0.2], [0.5, NAN], [0.4, 0.8]])
    scores = language_scores(by_language, np.array([0.6, 0.2, 0.9]), np.array([0, 0, 1]))
    assert np.allclose(scores.cells, [[0.75, 0.2], [0.4, 0.8]])
    assert np.allclose(scores.pool, [0.4, 0.9])
    assert scores.mo == pytest.approx((0.75 + 0.8) / 2)
    assert scores.cr == pytest.approx((0.2 + 0.4) / 2)
    assert scores.mul == pytest.approx((0.4 + 0.9) / 2)
    assert np.allclose(scores.cross_by_language, [0.2, 0.4])


def test_mul_weighs_languages_not_queries():
    scores = language_scores(np.ones((3, 2)), np.array([0.0, 0.0, 1.0]), np.array([0, 0, 1]))
    assert scores.mul == 0.5


def test_a_language_without_queries_or_candidates_is_left_out():
    by_language = np.array([[0.5, NAN, 0.1], [0.7, NAN, 0.3]])
    scores = language_scores(by_language, np.array([0.4, 0.2]), np.array([0, 2]))
    assert np.isnan(scores.cells[1]).all() and np.isnan(scores.cells[:, 1]).all()
    assert scores.mo == pytest.approx((0.5 + 0.3) / 2)
    assert scores.mul == pytest.approx(0.3)


def test_one_language_has_no_cross_language_mean():
    scores = language_scores(np.array([[0.5]]), np.array([0.5]), np.array([0]))
    assert np.isnan(scores.cr) and scores.mo == 0.5
