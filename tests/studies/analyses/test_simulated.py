"""Simulated studies with known effects, a short version of `benchmarks/simulate_studies.py`: rates that are far off
the nominal ones fail.
"""

from __future__ import annotations

import pytest

from benchmarks.simulate_studies import STUDIES

TRIALS = {"ratio": 80}


@pytest.mark.parametrize("study", STUDIES)
def test_rates_are_the_nominal_ones(study):
    for name, one in STUDIES[study](TRIALS[study]).items():
        if one["nominal"] is None:
            assert one["rate"] > 0.8, name
        elif one["nominal"] > 0.5:
            # Three standard errors of 80 trials at .95 are .073; conservative is no defect.
            assert one["rate"] > one["nominal"] - 0.075, name
        else:
            assert one["rate"] < one["nominal"] + 0.075, name
