"""Student's interval and p value are scipy's of a one-sample test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hf_hybrid.studies.statistics.student import student_interval, student_p_value


def test_they_are_those_of_a_one_sample_test():
    sample = np.random.default_rng(0).normal(0.3, 1, 12)
    mean, error = float(sample.mean()), float(stats.sem(sample))
    expected = stats.ttest_1samp(sample, 0)
    assert student_p_value(mean, error, 11) == pytest.approx(expected.pvalue)
    assert student_p_value(-mean, error, 11) == pytest.approx(expected.pvalue)
    assert student_interval(mean, error, 11, 0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))


def test_without_an_error_anything_but_nothing_is_certain():
    assert (student_p_value(0.1, 0.0, 5), student_p_value(0.0, 0.0, 5), student_p_value(0.0, 1.0, 5)) == (0, 1, 1)
    assert student_interval(0.1, 0.0, 5, 0.95) == (0.1, 0.1)
