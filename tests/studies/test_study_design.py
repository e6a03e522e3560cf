"""Designs by a grid: the packaged ones are whole, places are filled, mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_hybrid.arguments.parsing import parse_arguments, read_recipe
from hf_hybrid.cli.main import make_parser
from hf_hybrid.errors import InputError
from hf_hybrid.studies.grid import make_grid
from hf_hybrid.studies.kinds import KINDS, kind_of
from hf_hybrid.studies.run_study import evaluation_flags, flag_words
from hf_hybrid.studies.study import StudyDesign, packaged_designs
from tests.studies.designs import SMALL, written

PACKAGED = [(kind.name, name) for kind in KINDS for name in packaged_designs(kind.name)]


class Everything(dict):
    """A path for every place."""

    def __missing__(self, name: str) -> str:
        return f"{name}/"

    def __contains__(self, name: object) -> bool:
        return True


@pytest.mark.parametrize(("kind", "name"), PACKAGED)
def test_packaged_designs_have_flags_that_the_commands_know(kind, name):
    design = StudyDesign.load(name, kind).with_places(Everything())
    kind_of(kind).check(design)
    grid = make_grid(design, read_recipe(design.recipe))
    assert grid.runs
    for run in grid.runs:
        if run.seed is not None:
            training = parse_arguments(["--config", design.recipe, *flag_words(run.flags), "--bf16", "false"])[2]
            assert training.seed == run.seed and training.max_steps == run.flags["max_steps"]
        for cell in run.cells:
            for benchmark, flags in design.benchmarks.items():
                words = flag_words(evaluation_flags(benchmark, {**flags, **cell.evaluate}, Path("study")))
                make_parser().parse_args(["evaluate", "model/", *words, "--output", "x.json"])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_a_tiny_form(kind):
    assert "tiny" in packaged_designs(kind.name)
    assert not any("{" in str(value) for value in StudyDesign.load("tiny", kind.name).train.values())


def test_a_design_survives_json():
    for kind, name in PACKAGED:
        from hf_hybrid.studies.study import from_json

        design = StudyDesign.load(name, kind)
        assert from_json(design.to_json(), "again") == design


def test_places_are_filled_everywhere(tmp_path):
    design = StudyDesign.load(
        written(tmp_path, {**SMALL, "benchmarks": {"xquad_r": {"data_dir": "{xquad}/files"}}, "analysis": {}}), "ratio"
    )
    filled = design.with_places({"base": "runs/b", "xquad": "data"})
    assert filled.train["model_name_or_path"] == "runs/b"
    assert filled.benchmarks["xquad_r"] == {"data_dir": "data/files"}
    with pytest.raises(InputError, match="the design needs xquad: give --data xquad=PATH"):
        design.with_places({"base": "b"})
    with pytest.raises(InputError, match="--data mix=...: the design has no place of that name"):
        design.with_places({"base": "b", "xquad": "d", "mix": "m"})


CONTRAST = {"name": "n", "text": "t", "benchmark": "cldr_qa", "figure": "mul_map", "kind": "higher"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": [1]}, "unknown field 'seed'; did you mean seeds?"),
        ({"seeds": [1, 1]}, "'seeds' must hold different whole numbers"),
        ({"seeds": [True]}, "'seeds' must hold different whole numbers"),
        ({"arms": []}, "field 'arms' is missing or empty"),
        ({"arms": {"x": 3}}, "arms: x: must be a mapping of flags to values"),
        ({"factor": None}, "levels need a name: field 'factor'"),
        ({"budgets": {"b": {"rule": "equal", "number": 3}}}, "budgets: b: give a rule, one of equal_steps"),
        ({"budgets": {"b": {"rule": "equal_steps", "number": 0}}}, "number must be a whole number above 0"),
        ({"contrasts": [{"name": "n"}]}, "contrasts: each needs a, b, benchmark, figure, kind, name, text"),
        ({"contrasts": [{**CONTRAST, "kind": "best", "a": {}, "b": {}}]}, "kind 'best' is none of higher"),
        ({"contrasts": [{**CONTRAST, "a": {}, "b": {}}]}, "contrast n: say which level: 0.0, 0.25, 0.5, 1.0"),
        ({"contrasts": [{**CONTRAST, "a": {"level": "2"}, "b": {}}]}, "no level '2'; there are 0.0"),
        ({"contrasts": [{**CONTRAST, "a": {"alpha": "2"}, "b": {}}]}, "'alpha' is none of arm, level, budget"),
        ({"contrasts": [{**CONTRAST, "benchmark": "b", "a": {}, "b": {}}]}, "no benchmark 'b' in the design"),
    ],
)
def test_mistakes_are_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        StudyDesign.load(written(tmp_path, {**SMALL, **change}), "ratio")


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        ({"level": 1}, "field 'benchmark' is missing"),
        ({**SMALL["analysis"], "group": {}}, "unknown field 'group'; did you mean groups?"),
        ({**SMALL["analysis"], "benchmark": "other"}, "benchmark 'other' is no benchmark of the design"),
        ({**SMALL["analysis"], "compare": ["low", "x"]}, "compare: no group 'x'; there are low, high"),
        ({**SMALL["analysis"], "groups": {"low": ["de"], "high": ["de"]}}, "a language may stand in one group only"),
    ],
)
def test_an_analysis_is_checked_before_anything_runs(tmp_path, analysis, message):
    design = StudyDesign.load(written(tmp_path, {**SMALL, "analysis": analysis}), "ratio")
    with pytest.raises(InputError, match=message):
        kind_of("ratio").check(design)


def test_levels_of_a_curve_are_numbers(tmp_path):
    design = StudyDesign.load(written(tmp_path, {**SMALL, "levels": {"a": {}, "0.5": {}}}), "ratio")
    with pytest.raises(InputError, match="levels of alpha must be numbers"):
        kind_of("ratio").check(design)


def test_what_is_no_design_is_named(tmp_path):
    file = tmp_path / "design.yaml"
    for text, message in (("a: [", "not valid YAML"), ("- 1", "not a mapping")):
        file.write_text(text)
        with pytest.raises(InputError, match=message):
            StudyDesign.load(str(file), "ratio")
    with pytest.raises(InputError, match="no packaged design of it for ratio; there are small, static, tiny"):
        StudyDesign.load("no", "ratio")


def test_what_a_reader_says_is_kept_for_the_whole_study():
    flags = {"data_dir": "tydiqa/", "reader": "runs/reader"}
    assert evaluation_flags("tydiqa", flags, Path("out"))["readings"] == "out/readings"
    assert evaluation_flags("tydiqa", {**flags, "readings": "mine"}, Path("out"))["readings"] == "mine"
    assert "readings" not in evaluation_flags("tydiqa", {"data_dir": "tydiqa/"}, Path("out"))


def test_further_benchmarks_by_a_flag():
    design = StudyDesign.load("tiny", "low_data")
    more = design.with_benchmarks({"belebele": "belebele/"})
    assert more.benchmarks == {**design.benchmarks, "belebele": {"data_dir": "belebele/"}}
    assert design.with_benchmarks({}) == design
    with pytest.raises(InputError, match="--benchmarks test=...: the design has this benchmark"):
        design.with_benchmarks({"test": "x"})
