"""Simulated studies with known effects, a short version of `benchmarks/simulate_studies.py`: rates that are far off
the nominal ones fail.
"""

from __future__ import annotations

import pytest

from benchmarks.simulate_studies import STUDIES

TRIALS = {"ratio": 80, "mono_cost": 80, "low_data": 60, "long_tail": 80, "model_size": 80}


@pytest.mark.parametrize("study", STUDIES)
def test_rates_are_the_nominal_ones(study):
    if study == "low_data":
        pytest.importorskip("statsmodels")
    for name, one in STUDIES[study](TRIALS[study]).items():
        if one["nominal"] is None:
            assert one["rate"] > 0.8, name
        elif one["nominal"] > 0.5:
            # Three standard errors of 60 trials at .95 are .084; conservative is no defect.
            assert one["rate"] > one["nominal"] - 0.085, name
        else:
            assert one["rate"] < one["nominal"] + 0.085, name
