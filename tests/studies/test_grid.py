"""Grids: cells that share a run, budgets in steps, what is left out, the order of runs."""

from __future__ import annotations

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.studies.grid import make_grid, mono_share, steps_of
from hf_hybrid.studies.study import Budget, from_json
from tests.studies.designs import SMALL

RECIPE = {"global_batch_size": 1000, "arm": "hybrid"}


def grid(**change):
    return make_grid(from_json({**SMALL, **change}, "test"), RECIPE)


def test_seed_by_seed_in_the_order_of_the_design():
    found = grid()
    assert [run.name for run in found.runs[:5]] == [
        "total-hybrid-0.0/seed_1",
        "total-hybrid-0.25/seed_1",
        "total-hybrid-0.5/seed_1",
        "total-hybrid-1.0/seed_1",
        "total-hybrid-0.0/seed_2",
    ]
    # The design's batches of 10 rows, not the recipe's.
    assert {run.flags["max_steps"] for run in found.runs} == {10} and found.left_out == ()


def test_cells_of_equal_flags_share_a_run():
    budgets = {
        "total": {"rule": "equal_examples", "number": 100},
        "cross": {"rule": "equal_cross_examples", "number": 100},
    }
    found = grid(budgets=budgets, seeds=[3])
    steps = {(cell.budget, cell.level): run.flags["max_steps"] for run in found.runs for cell in run.cells}
    assert steps == {
        **{("total", level): 10 for level in ("0.0", "0.25", "0.5", "1.0")},
        **{("cross", "0.0"): 10, ("cross", "0.25"): 13, ("cross", "0.5"): 20},
    }
    assert len(found.runs) == 6 and [cell.budget for cell in found.runs[0].cells] == ["total", "cross"]
    assert found.left_out == (("cross-hybrid-1.0", "equal_cross_examples has no such examples"),)


def test_the_start_itself_is_scored_once_and_needs_no_training():
    levels = {"none": {}, "means": {"evaluate": {"k": 5}}, "symmetric": {"symmetric": True}}
    found = grid(arms={"start": None, "hybrid": {}}, levels=levels, factor="method")
    start, *trained = found.runs
    assert start.seed is None and start.flags == {}
    assert [(cell.level, cell.evaluate, cell.seed) for cell in start.cells] == [
        ("none", {}, None),
        ("means", {"k": 5}, None),
    ]
    # A level of the evaluation alone shares the training.
    assert len(trained) == 2 * 2 and [cell.level for cell in trained[0].cells] == ["none", "means"]


def test_steps_follow_the_budget():
    flags = {"global_batch_size": 10, "arm": "hybrid", "mono_probability": 0.75}
    rules = ("equal_steps", "equal_examples", "equal_cross_examples", "equal_mono_examples")
    assert [steps_of(Budget(rule, 300), flags) for rule in rules] == [300, 30, 120, 40]
    assert steps_of(Budget("equal_cross_examples", 300), {**flags, "arm": "x-x"}) is None
    assert steps_of(Budget("equal_mono_examples", 300), {**flags, "arm": "x-y"}) is None
    assert mono_share({}) == 0.5
    with pytest.raises(InputError, match="name global_batch_size in the recipe or in `train`"):
        steps_of(Budget("equal_examples", 300), {})
