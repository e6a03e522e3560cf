"""Monolingual cost: the front against its definition, tests at margins against the comparison itself, and mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.comparison import compare_results
from hf_hybrid.evaluation.paired_figures import paired_figures
from hf_hybrid.metrics.significance import holm
from hf_hybrid.studies.analyses.front import on_front
from hf_hybrid.studies.analyses.mono_cost import MonoCostSettings, _findings, _Judged, check, cost_entry
from hf_hybrid.studies.findings import FAILS, HOLDS, OPEN
from hf_hybrid.studies.study import from_json
from tests.results_files import write_system
from tests.studies.designs import SMALL


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=7))
def test_the_front_is_what_nothing_beats(pairs):
    values = np.array(pairs, dtype=float)
    expected = [not any((other >= own).all() and (other > own).any() for other in values) for own in values]
    assert on_front(values[None])[0].tolist() == expected and any(expected)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("systems")
    return [
        [write_system(folder / f"{name}_{seed}.json", noise, seed=seed, draw=10 * place + seed) for seed in (1, 2, 3)]
        for place, (name, noise) in enumerate((("mono", 1.0), ("half", 1.4)))
    ]


def test_costs_are_those_of_the_comparison_at_every_margin(files):
    entry = cost_entry(paired_figures(*files, resamples=500), (0.005, 0.2))
    for margin in (0.005, 0.2):
        compared = compare_results(*files, margin=margin, resamples=500)
        overall = compared["figures"]["mo_map"]
        assert entry["overall"]["difference"] == overall["difference"] < 0
        assert entry["overall"]["low"] == overall["low"] and entry["overall"]["high"] == overall["high"]
        assert entry["overall"]["not_worse"][f"{margin:g}"] == overall["p_not_worse"]
        assert entry["overall"]["equal"][f"{margin:g}"] == overall["p_equivalent"]
        languages = compared["per_language"]
        assert {tag: one["difference"] for tag, one in entry["languages"].items()} == {
            tag: one["mo_map"]["difference"] for tag, one in languages.items()
        }
    pair = paired_figures(*files, resamples=500)
    places = [pair.place("mo_map", tag) for tag in pair.languages]
    adjusted = holm(pair.found.not_worse(0.2)[places])
    assert [one["not_worse"]["0.2"] for one in entry["languages"].values()] == pytest.approx(adjusted)
    assert entry["overall"]["smallest_margin"] < entry["overall"]["smallest_seen"]


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        ({"judged": "0.3"}, "no level '0.3'; there are 0.0, 0.25, 0.5, 1.0"),
        ({"judged": "0.5", "reference": "1.0", "margins": [0]}, "margins must be above 0"),
    ],
)
def test_mistakes_are_named(analysis, message):
    with pytest.raises(InputError, match=message):
        check(from_json({**SMALL, "study": "mono_cost", "analysis": analysis}, "test"))


def test_what_is_judged_shares_the_level_and_losses_beyond_a_margin_fail():
    def judged(margin, low, high, p_value):
        overall = {"difference": 0.0, "low": low, "high": high, "smallest_seen": 0.01}
        overall["not_worse"] = {f"{margin:g}": p_value}
        cost = {"benchmark": "b", "budget": "", "level": "0.5", "overall": overall}
        return _Judged(cost, margin, 3, 40)

    found = _findings(
        [
            judged(0.01, -0.004, 0.002, 0.01),
            judged(0.02, -0.012, 0.001, 0.03),  # .03 alone, but two tests are left
            judged(0.005, -0.012, -0.006, 0.99),
            judged(0.01, -0.012, -0.006, 0.5),
        ],
        MonoCostSettings(judged="0.5"),
    )
    assert [one.p_value for one in found] == pytest.approx([0.04, 0.09, 1.0, 1.0])
    assert [one.verdict for one in found] == [HOLDS, OPEN, FAILS, OPEN]
