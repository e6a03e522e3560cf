"""The smallest difference that a design sees, against the power of the test itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hf_hybrid.studies.statistics.power import smallest_seen


@pytest.mark.parametrize("number", [5, 12])
def test_a_t_test_finds_it_four_times_of_five(number):
    generator = np.random.default_rng(number)
    spread = 0.01
    effect = float(smallest_seen(spread / np.sqrt(number), number - 1))
    samples = generator.normal(effect, spread, (20_000, number))
    found = (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean()
    # The usual formula takes a shifted t for the noncentral one: exact for many degrees of freedom.
    assert found == pytest.approx(0.8, abs=0.03)


def test_a_family_of_tests_needs_more():
    assert smallest_seen(0.01, 20, tests=11) > smallest_seen(0.01, 20) > 0
