"""The long tail: corpora measured per query, a line worked out by hand, and mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from hf_hybrid.benchmarks.corpus_benchmark import Collection, CorpusBenchmark
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.corpus import CorpusEvaluation
from hf_hybrid.evaluation.query_values import corpus_query_table
from hf_hybrid.evaluation.results import build_results
from hf_hybrid.retrieval.encode_sources import TextCorpus
from hf_hybrid.studies.analyses.long_tail import analyse, check
from hf_hybrid.studies.grid import make_grid
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.study import from_json
from tests.studies.designs import SMALL

PASSAGES = {"sw": 10, "te": 100, "bn": 1000, "fi": 10_000}
GAINS = {"sw": 0.3, "te": 0.2, "bn": 0.1, "fi": 0.0}
DESIGN = {
    **{key: value for key, value in SMALL.items() if key not in ("factor", "levels")},
    "study": "long_tail",
    "arms": {"x-y": {"arm": "x-y"}, "hybrid": {"arm": "hybrid"}},
    "benchmarks": {"test": {}},
    "analysis": {
        "method": "hybrid",
        "baselines": ["x-y"],
        "covariates": {"passages": "passages"},
        "logarithmic": ["passages"],
        "unseen": ["te"],
        "resamples": 300,
    },
}


def test_the_line_over_passages(tmp_path):
    design = from_json(DESIGN, "test")
    check(design)
    results = StudyResults(design, make_grid(design, {}), tmp_path)
    names = [f"q{number}" for number in range(30)]
    collections = tuple(
        Collection(tag, names, ["?"] * 30, [{"d": 1}] * 30, TextCorpus(["d"], ["d"])) for tag in PASSAGES
    )
    benchmark = CorpusBenchmark("miracl", collections)
    for number, cell in enumerate(results.grid.cells):
        path = cell.results(tmp_path, "test")
        path.parent.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(number)
        per_query = {}
        for tag, gain in GAINS.items():
            values = 0.4 + (gain if cell.arm == "hybrid" else 0) + generator.normal(0, 0.01, 30)
            names_of = ("ndcg_at_10", "recall_at_100", "judged_at_10")
            per_query[tag] = dict.fromkeys(names_of, values)
        evaluation = CorpusEvaluation("miracl", per_query, PASSAGES, {}, {"dtype": "float32"})
        made = build_results(evaluation, benchmark, "m", seed=cell.seed)
        made.save(path, queries=corpus_query_table(evaluation, benchmark))
    found = analyse(results)
    first, second = found.content["gains"]
    assert [first["figure"], second["figure"]] == ["mo_ndcg_at_10", "mo_recall_at_100"]
    assert first["languages"]["sw"]["difference"] == pytest.approx(0.3, abs=0.01)
    assert set(second["languages"]) == set(PASSAGES)
    line = first["lines"]["passages"]
    gains = [first["languages"][tag]["difference"] for tag in PASSAGES]
    # x is 1, 2, 3, 4: slope = (3 (d4 - d1) + d3 - d2) / 10
    expected = (3 * (gains[3] - gains[0]) + gains[2] - gains[1]) / 10
    assert line["slope"] == pytest.approx(expected, abs=1e-6) and line["high"] < 0
    assert [one.verdict for one in found.findings] == ["holds", "holds"]
    assert first["groups"]["unseen"]["mean"] == pytest.approx(gains[1], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariates": {"size": {"sw": 1, "te": 2}}, "logarithmic": []}, "a line needs 3 languages or more"),
        ({"logarithmic": ["size"]}, "no covariate 'size'"),
        ({"method": "x"}, "no arm 'x'"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(InputError, match=message):
        check(from_json({**DESIGN, "analysis": {**DESIGN["analysis"], **change}}, "test"))
