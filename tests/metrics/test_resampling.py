"""Many systems drawn together: the same draws for all, agreeing with the comparison of two."""

from __future__ import annotations

import numpy as np
import pytest

from hf_hybrid.metrics.resampling import ClusterSums, joint_draws
from hf_hybrid.metrics.significance import paired_difference


def systems(number: int, seeds: int, clusters: int = 40, cells: int = 2) -> list[list[ClusterSums]]:
    generator = np.random.default_rng(5)
    counts = generator.integers(1, 4, (clusters, cells)).astype(float)
    shared = generator.normal(0, 1, (clusters, cells))
    return [
        [ClusterSums((shared + generator.normal(0, 0.3, (clusters, cells))) * counts, counts) for _ in range(seeds)]
        for _ in range(number)
    ]


def test_figures_are_means_over_seeds_of_weighted_cells():
    (one, other), averages = systems(2, 3), np.array([[0.5, 1.0], [0.5, 0.0]])
    joint = joint_draws([one, other], averages, resamples=10)
    expected = [[(s.sums.sum(axis=0) / s.counts.sum(axis=0)) @ averages for s in system] for system in (one, other)]
    assert joint.figures == pytest.approx(np.mean(expected, axis=1))
    assert joint.of_seed == pytest.approx(np.swapaxes(expected, 0, 1))
    assert joint.draws.shape == (10, 2, 2) and joint.clusters == 40


def test_a_difference_spreads_as_in_the_comparison_of_two():
    one, other = systems(2, 4)
    averages = np.full((2, 1), 0.5)
    joint = joint_draws([one, other], averages, resamples=6000, seed=1)
    pair = paired_difference(one, other, averages, resamples=6000, seed=2, paired_seeds=True)
    spread = (joint.draws[:, 1, 0] - joint.draws[:, 0, 0]).std()
    assert spread == pytest.approx(pair.standard_error[0], rel=0.08)
    degrees = joint.degrees(np.array([[-1.0], [1.0]]))
    assert 3 <= degrees <= 39 and degrees == pytest.approx(pair.degrees[0], rel=0.3)


def test_one_seed_has_the_degrees_of_the_clusters():
    joint = joint_draws(systems(1, 1), np.full((2, 1), 0.5), resamples=50)
    assert joint.degrees(np.array([[1.0]])) == pytest.approx(39)


def test_different_queries_or_seeds_are_refused():
    one, other = systems(2, 2)
    with pytest.raises(ValueError, match="same seeds"):
        joint_draws([one, other[:1]], np.full((2, 1), 0.5))
    changed = [ClusterSums(other[0].sums, other[0].counts + 1), other[1]]
    with pytest.raises(ValueError, match="not of the same queries"):
        joint_draws([one, changed], np.full((2, 1), 0.5))
