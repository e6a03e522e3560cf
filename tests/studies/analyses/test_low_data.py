"""Few examples: the baseline is chosen on the validation benchmark; differences and groups are worked out by hand."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.studies.analyses.low_data import LowDataSettings, analyse, check, chosen_baselines
from hf_hybrid.studies.analyses.settings import unseen_languages
from hf_hybrid.studies.grid import make_grid
from hf_hybrid.studies.languages import family, script
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.study import from_json
from tests.results_files import small_benchmark, write_system
from tests.studies.designs import SMALL

DESIGN = {
    **SMALL,
    "study": "low_data",
    "arms": {arm: {"arm": arm} for arm in ("x-x-mono", "x-y", "hybrid")},
    "factor": "examples",
    "levels": {"100": {}, "1000": {}, "10000": {}},
    "benchmarks": {"dev": {}, "test": {}},
    "analysis": {"method": "hybrid", "baselines": ["x-x-mono", "x-y"], "validation": "dev", "unseen": ["zh-Hant"]},
}
# The better baseline changes with the number of examples, on the validation benchmark only.
NOISE = {("dev", "x-x-mono"): 1.0, ("dev", "x-y"): 1.3, ("test", "x-x-mono"): 1.3, ("test", "x-y"): 1.0}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> StudyResults:
    output: Path = tmp_path_factory.mktemp("low")
    design = from_json(DESIGN, "test")
    found = StudyResults(design, make_grid(design, {}), output)
    benchmark = small_benchmark(questions=16)
    for number, cell in enumerate(found.grid.cells):
        for name in ("dev", "test"):
            path = cell.results(output, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = NOISE.get((name, cell.arm), 0.8)
            if cell.level == "100" and cell.arm != "hybrid":
                noise = 2.3 - noise
            write_system(path, noise, seed=cell.seed, benchmark=benchmark, draw=number)
    return found


def test_the_baseline_is_chosen_where_it_is_not_judged(results):
    settings = LowDataSettings(**DESIGN["analysis"])
    assert chosen_baselines(results, settings, "total") == {"100": "x-y", "1000": "x-x-mono", "10000": "x-x-mono"}


def test_differences_are_those_of_the_results_files(results):
    pytest.importorskip("statsmodels")
    found = analyse(results)
    (content,) = found.content["differences"]
    assert content["benchmark"] == "test" and content["sizes"] == [100, 1000, 10000]
    for place, (level, arm) in enumerate(content["baselines"].items()):
        sides = [results.files("test", {"arm": one, "level": level}) for one in (arm, "hybrid")]
        values = [[results.load(file).per_language["de"]["mul_map"] for file in side] for side in sides]
        expected = np.mean(values[1]) - np.mean(values[0])
        assert content["languages"]["de"][place] == pytest.approx(expected)
        means = np.mean([content["languages"][tag][place] for tag in ("de", "en", "zh-Hant")])
        assert content["by_size"][level]["difference"] == pytest.approx(means, abs=1e-6)
    families = content["groups"]["family"]["difference"]
    assert {name: one["languages"] for name, one in families.items()} == {"Germanic": 2, "Sino-Tibetan": 1}
    assert content["groups"]["seen"]["difference"]["unseen"]["languages"] == 1
    first, second = found.findings
    assert first.verdict == "holds" and first.low > 0 and second.name == "slope_test_total"
    assert any(
        "a family with one language cannot be told" in one and "Sino-Tibetan" in one for one in found.not_identified
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"levels": {"100": {}}}, "two numbers of examples or more"),
        ({"seeds": [1], "levels": {"100": {}, "200": {}}}, "two sizes need more than one seed"),
        ({"arms": {"hybrid": {}, "x-y": {}, "x-x-mono": None}}, "no trained arm 'x-x-mono'"),
    ],
)
def test_mistakes_are_named(change, message):
    pytest.importorskip("statsmodels")
    with pytest.raises(InputError, match=message):
        check(from_json({**DESIGN, **change}, "test"))


def test_without_statsmodels_nothing_runs(monkeypatch):
    real = builtins.__import__

    def absent(name, *rest):
        if name.startswith("statsmodels"):
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match='need statsmodels: pip install "hf_hybrid'):
        check(from_json(DESIGN, "test"))


def test_families_and_scripts():
    assert [family(tag) for tag in ("nl", "fr", "pl", "zh-Hant", "bn")] == [
        "Germanic",
        "Romance",
        "Slavic",
        "Sino-Tibetan",
        "Indic",
    ]
    assert [script(tag) for tag in ("zh-Hant", "fa", "te")] == ["Hant", "Arab", "Telu"]


def test_what_a_language_does_not_have_is_not_counted(results):
    pytest.importorskip("statsmodels")
    design = from_json({**DESIGN, "analysis": {**DESIGN["analysis"], "available": {"de": 1000, "en": 125}}}, "test")
    found = analyse(StudyResults(design, make_grid(design, {}), results.output))
    (content,) = found.content["differences"]
    assert content["sizes"] == pytest.approx([100, 500, (1000 * 125 * 10_000) ** (1 / 3)])
    assert any("2 of 3 languages have fewer than 10,000 examples" in one for one in found.not_identified)


def test_a_language_that_no_run_trains_on_is_unseen_by_itself(results):
    pytest.importorskip("statsmodels")
    analysis = {key: value for key, value in DESIGN["analysis"].items() if key != "unseen"}
    design = from_json(
        {**DESIGN, "analysis": analysis, "train": {**DESIGN["train"], "languages": ["de", "zh-Hant"]}}, "test"
    )
    found = analyse(StudyResults(design, results.grid, results.output))
    (content,) = found.content["differences"]
    seen = content["groups"]["seen"]["difference"]
    assert {name: one["languages"] for name, one in seen.items()} == {"seen": 2, "unseen": 1}


def test_languages_outside_the_training_are_unseen_unless_others_are_named():
    design = from_json({**DESIGN, "train": {"languages": ["de", "en"]}}, "test")
    assert unseen_languages(design, ["de", "sw", "en"]) == ["sw"]
    assert unseen_languages(design, ["de", "sw", "en"], ["en"]) == ["en"]
    assert unseen_languages(from_json({**DESIGN, "train": {}}, "test"), ["de", "sw"]) == []
