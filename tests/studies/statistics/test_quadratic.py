"""Quadratics with partial pooling: exact where they are exact, pooled by hand, an exact permutation of groups."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_hybrid.studies.statistics.quadratic import (
    basis,
    best_place,
    between_variance,
    groups_differ,
    percentile_interval,
    pooled_curves,
)

X = np.array([0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])


@given(st.floats(-0.5, 1.5), st.floats(0.1, 3), st.floats(-1, 1))
def test_the_highest_place_of_a_concave_quadratic(place, bend, level):
    found = best_place(basis(X)[0].T @ (level - bend * (X - place) ** 2), X)
    assert found == pytest.approx(np.clip(place, 0, 1), abs=1e-6)


def test_a_convex_one_is_highest_at_an_end():
    q = basis(X)[0]
    assert best_place(q.T @ (X - 0.4) ** 2, X) == 1 and best_place(q.T @ (X - 0.6) ** 2, X) == 0
    both = best_place(np.stack([q.T @ X, q.T @ -X]), X)
    assert both.tolist() == [1, 0]


def test_without_noise_nothing_is_pooled_and_nothing_is_left():
    values = -((X[:, None] - np.array([0.2, 0.5, 0.8])) ** 2)
    curves = pooled_curves(values, np.repeat(values[None], 20, axis=0), X, np.array([0, 0, 1]))
    assert curves.best()[0] == pytest.approx([0.2, 0.5, 0.8]) and curves.residual < 1e-12
    assert curves.best_of(np.array([0, 1]))[0] == pytest.approx(0.35)


def test_languages_that_differ_by_noise_alone_become_one():
    generator = np.random.default_rng(0)
    values = -((X[:, None] - 0.4) ** 2) + generator.normal(0, 1e-4, (len(X), 4))
    draws = values + generator.normal(0, 0.1, (300, len(X), 4))
    curves = pooled_curves(values, draws, X, np.zeros(4, dtype=int))
    assert curves.tau.tolist() == [0, 0]
    assert np.ptp(curves.pooled[:, 1:], axis=0) == pytest.approx([0, 0], abs=1e-12)
    # The level is each language's own.
    assert curves.pooled[:, 0] == pytest.approx(curves.coefficients[:, 0])


def test_a_coefficient_is_shrunk_by_its_share_of_the_variance():
    generator = np.random.default_rng(1)
    values = generator.normal(0, 1, (len(X), 5))
    draws = values + generator.normal(0, 0.5, (4000, len(X), 5))
    groups = np.zeros(5, dtype=int)
    curves = pooled_curves(values, draws, X, groups)
    q = basis(X)[0]
    own, variance = q[:, 1] @ values, np.einsum("p,bpl->bl", q[:, 1], draws).var(axis=0, ddof=1)
    tau = between_variance(own, variance, groups)
    assert curves.tau[0] == pytest.approx(np.sqrt(tau))
    assert curves.pooled[:, 1] == pytest.approx(own.mean() + tau / (tau + variance) * (own - own.mean()))


def test_variance_between_by_hand():
    # Weights 1: Q = 4 + 4 = 8, one degree of freedom, scale 2 - 2 / 2 = 1.
    assert between_variance(np.array([0.0, 4.0]), np.ones(2), np.zeros(2, int)) == pytest.approx(7)
    assert between_variance(np.array([0.0, 4.0]), np.ones(2), np.array([0, 1])) == 0


def test_groups_are_compared_over_every_labelling():
    generator = np.random.default_rng(2)
    shapes = np.concatenate([np.zeros((7, 1)), generator.normal(0, 1, (7, 2))], axis=1)
    first, second = np.array([0, 1, 2]), np.array([3, 4, 5, 6])
    scaled = shapes[:, 1:] / shapes[:, 1:].std(axis=0)

    def statistic(members):
        rest = [i for i in range(7) if i not in members]
        return ((scaled[list(members)].mean(axis=0) - scaled[rest].mean(axis=0)) ** 2).sum()

    every = [statistic(members) for members in combinations(range(7), 3)]
    expected = np.mean([value >= every[0] - 1e-12 for value in every])
    assert groups_differ(shapes, first, second) == pytest.approx(expected)


def test_many_languages_are_drawn():
    generator = np.random.default_rng(3)
    shapes = generator.normal(0, 1, (40, 3))
    shapes[:20, 1] += 5
    assert groups_differ(shapes, np.arange(20), np.arange(20, 40)) == pytest.approx(1 / 10_001)


def test_few_degrees_of_freedom_widen_an_interval():
    draws = np.random.default_rng(0).normal(0, 1, 20_000)
    wide, narrow = percentile_interval(draws, 4), percentile_interval(draws, 1e9)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert narrow == pytest.approx((-1.96, 1.96), abs=0.06)


def test_a_quadratic_needs_three_points():
    with pytest.raises(ValueError, match="at least three"):
        pooled_curves(np.zeros((2, 1)), np.zeros((1, 2, 1)), np.array([0.0, 1.0]), np.array([0]))
