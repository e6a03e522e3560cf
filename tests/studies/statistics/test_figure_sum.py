"""Slopes over sizes from figures that were drawn together: least squares, and the errors of their draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hf_hybrid.metrics.resampling import ClusterSums, JointDraws, joint_draws
from hf_hybrid.studies.statistics.figure_sum import figure_sum, slope_weights

SIZES = np.log2([8e6, 16e6, 64e6])


def drawn(noise: float, seeds: int = 3, clusters: int = 40) -> JointDraws:
    generator = np.random.default_rng(3)
    means = [*(0.2 + 0.05 * SIZES), *(0.1 + 0.03 * SIZES)]
    query = generator.normal(0, 0.2, (clusters, 1))
    systems = [
        [
            ClusterSums(mean + query + generator.normal(0, noise, (clusters, 1)), np.ones((clusters, 1)))
            for _ in range(seeds)
        ]
        for mean in means
    ]
    return joint_draws(systems, np.ones((1, 1)), resamples=500)


def test_a_slope_is_that_of_least_squares():
    joint = drawn(0.05)
    for of_arms, rows in (((1.0, 0.0), slice(0, 3)), ((0.0, 1.0), slice(3, 6))):
        expected = np.polyfit(SIZES, joint.figures[rows, 0], 1)[0]
        assert figure_sum(joint, slope_weights(SIZES, of_arms)[:, None]).value == pytest.approx(expected, abs=1e-12)


def test_slopes_differ_by_their_difference_and_its_error_is_that_of_the_draws():
    joint = drawn(0.05)
    found = figure_sum(joint, slope_weights(SIZES, (1.0, -1.0))[:, None])
    one, other = (figure_sum(joint, slope_weights(SIZES, arms)[:, None]) for arms in ((1.0, 0.0), (0.0, 1.0)))
    assert found.value == pytest.approx(one.value - other.value)
    of_draws = [np.polyfit(SIZES, draw[:3, 0] - draw[3:, 0], 1)[0] for draw in joint.draws]
    assert found.standard_error == pytest.approx(np.std(of_draws))
    low, high = found.interval()
    half = stats.t.ppf(0.975, found.degrees) * found.standard_error
    assert (low, high) == pytest.approx((found.value - half, found.value + half))
    assert found.p_value == pytest.approx(2 * stats.t.sf(found.value / found.standard_error, found.degrees))


def test_what_all_systems_share_is_no_error_of_a_difference():
    found = figure_sum(drawn(0.0), slope_weights(SIZES, (1.0, -1.0))[:, None])
    assert found.value == pytest.approx(0.02) and found.standard_error < 1e-12 and found.p_value < 1e-12
    assert figure_sum(drawn(0.0), np.zeros((6, 1))).p_value == 1.0
