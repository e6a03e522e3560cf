"""Methods: every cell against the reference, Holm over the grid, the start scored once."""

from __future__ import annotations

import numpy as np
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.metrics.significance import holm
from hf_hybrid.studies.analyses.methods import analyse, check
from hf_hybrid.studies.grid import make_grid
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.study import from_json
from tests.results_files import small_benchmark, write_system
from tests.studies.designs import SMALL

DESIGN = {
    **SMALL,
    "study": "methods",
    "arms": {"start": None, "hybrid": {"arm": "hybrid"}},
    "factor": "method",
    "levels": {"none": {}, "means": {"evaluate": {"remove_language": "means"}}, "symmetric": {"symmetric": True}},
    "benchmarks": {"test": {}},
    "analysis": {"reference": {"arm": "start", "level": "none"}, "resamples": 500},
}


def test_every_cell_is_compared_with_the_reference(tmp_path):
    design = from_json(DESIGN, "test")
    check(design)
    results = StudyResults(design, make_grid(design, {}), tmp_path)
    for number, cell in enumerate(results.grid.cells):
        path = cell.results(tmp_path, "test")
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = {"start": 1.4, "hybrid": 0.9}[cell.arm] - (0.2 if cell.level == "means" else 0)
        write_system(path, noise, seed=cell.seed, benchmark=small_benchmark(questions=20), draw=number)
    found = analyse(results)
    content = found.content["benchmarks"]["test"]
    assert list(content["means"]) == ["start-none", "start-means", "hybrid-none", "hybrid-means", "hybrid-symmetric"]
    differences = content["differences"]
    assert set(differences) == set(content["means"]) - {"start-none"}
    start = results.load(results.files("test", {"arm": "start", "level": "none"})[0]).summary["mul_map"]
    for name, one in differences.items():
        expected = content["means"][name]["mul_map"]["mean"] - start
        assert (
            one["difference"] == pytest.approx(expected, abs=1e-6) and one["low"] <= one["difference"] <= one["high"]
        )
    adjusted = holm(np.array([one["p_value"] for one in differences.values()]))
    assert [one["p_holm"] for one in differences.values()] == pytest.approx(adjusted)
    assert content["means"]["start-none"]["mul_map"]["low"] is None
    (table,) = found.tables
    assert [row[:3] for row in table.rows[:3]] == [
        ["start", "none", "1"],
        ["start", "means", "1"],
        ["hybrid", "none", "2"],
    ]
    assert table.rows[0][-2:] == ["reference", "-"]
    assert [len(series.x) for series in found.panels[0].series] == [1, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"analysis": {"reference": {"arm": "start"}}}, "reference: give level, one of none, means, symmetric"),
        ({"analysis": {**DESIGN["analysis"], "figure": "best"}}, "no figure 'best'"),
        (
            {"budgets": {name: {"rule": "equal_steps", "number": 1} for name in "ab"}},
            "give one budget: all methods see the same examples",
        ),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(InputError, match=message):
        check(from_json({**DESIGN, **change}, "test"))
