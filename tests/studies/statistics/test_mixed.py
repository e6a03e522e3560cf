"""Mixed models against the closed form of a balanced design, and groups against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hf_hybrid.studies.statistics.mixed import groups_of_languages, slope_over_size, welch

SIZES = [1000, 3000, 10_000, 30_000]


def simulated(seed: int, languages: int = 12, seeds: int = 3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    delta = generator.normal(0, 0.01, (languages, 1, 1)) + generator.normal(0, 0.004, (1, 1, seeds))
    return delta + generator.normal(0, 0.004, (1, 4, seeds)) + generator.normal(0, 0.006, (languages, 4, seeds))


def by_hand(delta: np.ndarray) -> tuple[float, float]:
    """Slope and its standard error from the runs' means, each seed with a level of its own."""
    x = np.log10(SIZES) - np.log10(SIZES).mean()
    means = delta.mean(axis=0)
    means = means - means.mean(axis=0)
    slope = float(x @ means.sum(axis=1)) / (means.shape[1] * float(x @ x))
    rest = means - slope * x[:, None]
    degrees = means.size - means.shape[1] - 1
    return slope, float(np.sqrt((rest**2).sum() / degrees / (means.shape[1] * (x @ x))))


@pytest.mark.parametrize("seed", [0, 2])
def test_the_slope_is_that_of_the_runs(seed):
    pytest.importorskip("statsmodels")
    delta = simulated(seed)
    found = slope_over_size(delta, SIZES)
    slope, error = by_hand(delta)
    assert found.slope == pytest.approx(slope, rel=1e-6) and found.standard_error == pytest.approx(error, rel=2e-3)
    assert found.degrees == 8 and found.intercept == pytest.approx(delta.mean(), rel=1e-6)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(slope / error), 8), rel=2e-2)
    assert found.spread["language"] == pytest.approx(0.01, rel=0.5)
    low, high = found.interval()
    assert (low + high) / 2 == pytest.approx(slope) and high - low == pytest.approx(
        2 * stats.t.ppf(0.975, 8) * found.standard_error
    )


def test_one_seed_needs_three_sizes():
    pytest.importorskip("statsmodels")
    assert slope_over_size(simulated(1, seeds=1), SIZES).degrees == 2
    with pytest.raises(ValueError, match="more than one seed or three sizes"):
        slope_over_size(simulated(1, seeds=1)[:, :2], SIZES[:2])


def test_two_groups_are_welch_s_t_test():
    generator = np.random.default_rng(0)
    one, other = generator.normal(0, 1, 6), generator.normal(1, 3, 9)
    assert welch([one, other]) == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue)


def test_welch_s_own_example_and_rates():
    """Three groups without a difference: the test finds one as often as it says."""
    generator = np.random.default_rng(1)
    p_values = [
        welch([generator.normal(0, spread, size) for size, spread in ((5, 1), (6, 2), (12, 1))]) for _ in range(2000)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.02)
    assert welch([np.ones(3), np.ones(2)]) == 1 and welch([np.ones(3), np.zeros(2)]) == 0


def test_groups_of_one_language_have_no_interval():
    values = np.array([1.0, 2.0, 6.0, 9.0, 5.0])
    found, p_value = groups_of_languages(values, ["a", "a", "b", "b", "c"])
    assert found["c"] == {"mean": 5.0, "languages": 1}
    assert (found["a"]["low"], found["a"]["high"]) == pytest.approx(stats.t.interval(0.95, 1, 1.5, 0.5))
    assert p_value == pytest.approx(stats.ttest_ind([1, 2], [6, 9], equal_var=False).pvalue)
    assert groups_of_languages(values, list("abcde"))[1] is None
