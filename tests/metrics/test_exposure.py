import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from hf_hybrid.metrics import awrf, awrf_min_max, jensen_shannon_divergence, place_weights, top_languages
from hf_hybrid.retrieval.ranks import Pool, relevant_ranks_from_scores
from tests.rankings import scored_queries

SHARES = st.lists(st.floats(0, 10, allow_subnormal=False), min_size=4, max_size=4).filter(
    lambda values: sum(values) > 0.1
)


def test_divergence_by_hand():
    # (3/4, 1/4) against (1/4, 3/4): the middle is even, both sides lose 1 - H(1/4) bits.
    entropy = -(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))
    assert jensen_shannon_divergence(np.array([3.0, 1]), np.array([1.0, 3])) == pytest.approx(1 - entropy, abs=1e-15)


@given(SHARES, SHARES)
def test_divergence_is_symmetric_bounded_and_that_of_scipy(left, right):
    left, right = np.array(left), np.array(right)
    found = jensen_shannon_divergence(left, right)
    assert 0 <= found <= 1
    assert found == pytest.approx(jensen_shannon_divergence(right, left), abs=1e-12)
    assert found == pytest.approx(np.nan_to_num(jensenshannon(left, right, base=2)) ** 2, abs=1e-9)


def test_equal_shares_do_not_diverge_and_nothing_is_nan():
    assert jensen_shannon_divergence(np.array([0.1, 0.2, 0.7]), np.array([1, 2, 7])) == pytest.approx(0, abs=1e-15)
    assert np.isnan(jensen_shannon_divergence(np.array([0.0, 0.0]), np.array([1, 1])))
    assert jensen_shannon_divergence(np.array([1.0, 0.0]), np.array([1.0, 5e-324])) == 0


def test_awrf_by_hand():
    # Places 1 to 3 hold languages 0, 1, 0: exposure 1 + 1/log2(3) against 1, of a pool with twice as many candidates
    # of language 0.
    exposure = np.array([1 + 1 / math.log2(3), 1.0])
    share = exposure / exposure.sum()
    middle = (share + np.array([2, 1]) / 3) / 2
    by_hand = sum(
        0.5 * sum(p * math.log2(p / m) for p, m in zip(side, middle, strict=True)) for side in (share, [2 / 3, 1 / 3])
    )
    assert awrf(exposure, np.array([4, 2])) == pytest.approx(1 - by_hand, abs=1e-14)


def test_awrf_min_max_by_hand():
    # p = 1/2: 50, 25, 12.5 to the first places; languages 0, 1, 0; 4 and 2 candidates.
    attention = np.array([62.5, 25.0])
    assert awrf_min_max(attention, np.array([4, 2])) == pytest.approx((25 / 2) / (62.5 / 4))
    assert awrf_min_max(np.array([62.5, 0.0, 0.0]), np.array([4, 2, 0])) == 0
    assert place_weights(3)[1].tolist() == [50.0, 25.0, 12.5]


def brute_exposure(scores, languages, weights):
    """Mean over many random orders of equal scores of the weight that falls to each language."""
    generator, places = np.random.default_rng(0), min(len(weights), len(scores))
    total = np.zeros(3)
    for _ in range(3000):
        order = np.lexsort((generator.random(len(scores)), -scores))[:places]
        np.add.at(total, languages[order], weights[:places])
    return total / 3000


@settings(max_examples=12, deadline=None)
@given(scored_queries(max_candidates=8, max_queries=1, levels=2), st.integers(1, 5))
def test_exposure_is_the_mean_over_tied_orders(case, k):
    scores, relevant, languages = case
    weights = place_weights(k)
    pool = Pool(np.array([0, len(relevant[0])]), np.array(relevant[0]), languages, num_languages=3)
    ranks = relevant_ranks_from_scores(torch.from_numpy(scores), pool, top_k=k, place_weights=weights)
    assert ranks.top_exposure.shape == (1, 2, 3)
    for index in (0, 1):
        expected = brute_exposure(scores[0], languages, weights[index])
        assert np.allclose(ranks.top_exposure[0, index], expected, atol=0.06 * weights[index, 0])
    assert ranks.top_exposure[0].sum(axis=1) == pytest.approx(weights[:, : len(languages)].sum(axis=1))


def test_exposure_without_ties_is_exact():
    scores = torch.tensor([[0.9, 0.1, 0.8, 0.7, 0.2]])
    pool = Pool(np.array([0, 1]), np.array([0]), np.array([1, 0, 0, 1, 0]), num_languages=2)
    found = relevant_ranks_from_scores(scores, pool, top_k=3, place_weights=place_weights(3)).top_exposure
    assert found[0].tolist() == pytest.approx(np.array([[1.0, 1 + 1 / math.log2(3)], [25.0, 62.5]]))
    with pytest.raises(ValueError, match="place_weights must be"):
        relevant_ranks_from_scores(scores, pool, top_k=2, place_weights=place_weights(3))


def test_top_languages_average_before_they_compare():
    # Each query fills its one place with one language; together they mirror the pool.
    counts = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    exposure = np.repeat(counts[:, None], 2, axis=1)
    top = top_languages(counts, exposure, np.array([0, 0, 1]), np.array([3, 3]), k=1)
    assert top.divergence[0] == 0 and top.awrf[0] == 1 and top.awrf_min_max[0] == 1
    assert top.divergence[1] == pytest.approx(0.3113, abs=1e-4) and top.awrf_min_max[1] == 0
    assert top_languages(counts, None, np.array([0, 0, 1]), np.array([3, 3]), k=1).awrf is None
