"""Model size: slopes are those of the results files, and a design without sizes is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.studies.analyses.model_size import analyse, check
from hf_hybrid.studies.grid import make_grid
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.study import from_json
from tests.results_files import small_benchmark, write_system
from tests.studies.designs import SMALL

DESIGN = {
    **SMALL,
    "study": "model_size",
    "arms": {"x-y": {"arm": "x-y"}, "hybrid": {"arm": "hybrid"}},
    "factor": "size",
    "levels": {"s": {"seed_of": 1}, "m": {"seed_of": 2}, "l": {"seed_of": 3}},
    "benchmarks": {"test": {}},
    "analysis": {
        "method": "hybrid",
        "baselines": ["x-y"],
        "parameters": {"s": 100, "m": 200, "l": 400},
        "resamples": 300,
    },
}


def test_slopes_are_those_of_the_results_files(tmp_path):
    design = from_json(DESIGN, "test")
    check(design)
    results = StudyResults(design, make_grid(design, {}), tmp_path)
    gain = {"s": 0.0, "m": 0.3, "l": 0.6}
    for number, cell in enumerate(results.grid.cells):
        path = cell.results(tmp_path, "test")
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = 1.5 - (gain[cell.level] if cell.arm == "hybrid" else 0)
        write_system(path, noise, seed=cell.seed, benchmark=small_benchmark(questions=20), draw=number)
    found = analyse(results)
    assert not any("ceiling" in table.title for table in found.tables)
    line = found.content["lines"][0]
    assert line["figure"] == "mul_map"
    values = {arm: list(line["arms"][arm]["values"].values()) for arm in ("hybrid", "x-y")}
    # Sizes 1, 2, 4: the slope for twice the parameters is half of last less first.
    slopes = {arm: (one[2] - one[0]) / 2 for arm, one in values.items()}
    assert line["arms"]["hybrid"]["slope"] == pytest.approx(slopes["hybrid"])
    assert line["interaction"]["x-y"]["slope"] == pytest.approx(slopes["hybrid"] - slopes["x-y"])
    files = results.files("test", {"arm": "hybrid", "level": "l"})
    mean = np.mean([results.load(file).summary["mul_map"] for file in files])
    assert values["hybrid"][2] == pytest.approx(mean, abs=1e-6)
    assert line["interaction"]["x-y"]["low"] > 0 and "a trend over 3 sizes" in found.findings[0].text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [1]}, "two seeds or more"),
        ({"levels": {"s": {}, "m": {}}}, "three sizes or more"),
        ({"levels": {"s": {}, "x": {}}}, "a number above 0 for the level x"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(InputError, match=message):
        check(from_json({**DESIGN, **change}, "test"))


def test_behind_a_reader_there_is_its_ceiling_by_language(tmp_path):
    design = from_json(DESIGN, "test")
    results = StudyResults(design, make_grid(design, {}), tmp_path)
    for number, cell in enumerate(results.grid.cells):
        path = cell.results(tmp_path, "test")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_system(path, 1.5, seed=cell.seed, benchmark=small_benchmark(questions=20), draw=number)
        record = json.loads(path.read_text())
        record["reading"] = {"reader": {"name": "reader"}, "settings": {}, "answers_sha256": "0"}
        record["summary"] |= {"gold_em": 0.5, "gold_f1": 0.625}
        for place, of_language in enumerate(record["per_language"].values()):
            of_language |= {"gold_em": 0.25 * (place + 1), "gold_f1": 0.5 + 0.125 * place}
        path.write_text(json.dumps(record))
    (table,) = [one for one in analyse(results).tables if "ceiling" in one.title]
    assert table.title == "The reader's ceiling (test)"
    assert table.head == ["language", "questions", "exact match", "F1"]
    assert table.rows == [
        ["de", "20", "25.00", "50.00"],
        ["en", "20", "50.00", "62.50"],
        ["zh-Hant", "20", "75.00", "75.00"],
        ["mean", "60", "50.00", "62.50"],
    ]
