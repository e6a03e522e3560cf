"""Lines over languages: against scipy, what a seed adds, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hf_hybrid.studies.statistics.covariate import slope_over_languages

X = np.array([0.0, 1.0, 2.0, 4.0, 5.0])


def test_one_seed_is_least_squares():
    y = np.array([0.1, 0.0, 0.4, 0.5, 0.3])
    found, expected = slope_over_languages(y[:, None], X), stats.linregress(X, y)
    assert [found.slope, found.standard_error, found.p_value] == pytest.approx(
        [expected.slope, expected.stderr, expected.pvalue]
    )
    assert found.degrees == 3


def test_a_seed_with_a_line_of_its_own_widens_the_interval():
    exact = 0.3 * X
    # Slopes .2 and .4, nothing else: variance (.1^2 + .1^2) / 1 / 2 seeds.
    found = slope_over_languages(np.column_stack([0.2 * X, 0.4 * X]), X)
    assert found.slope == pytest.approx(0.3) and found.standard_error == pytest.approx(0.1)
    assert found.degrees == pytest.approx(1.0)
    assert slope_over_languages(np.column_stack([exact, exact + 1]), X).standard_error == pytest.approx(0, abs=1e-9)


def test_rates_are_nominal():
    held = false = 0
    for trial in range(300):
        generator = np.random.default_rng([3, trial])
        noise = generator.normal(0, 1, (9, 1)) + generator.normal(0, 0.5, (9, 3)) + generator.normal(0, 1, (1, 3))
        found = slope_over_languages(noise, np.arange(9.0))
        low, high = found.interval()
        held, false = held + (low <= 0 <= high), false + (found.p_value < 0.05)
        assert slope_over_languages(noise + 2 * np.arange(9.0)[:, None], np.arange(9.0)).p_value < 0.05
    assert held / 300 > 0.91 and false / 300 < 0.09


@pytest.mark.parametrize("x", [np.array([1.0, 1.0, 1.0]), np.array([1.0, 2.0])])
def test_no_line(x):
    with pytest.raises(ValueError, match="three languages or more"):
        slope_over_languages(np.zeros((len(x), 2)), x)
