"""Every figure is declared once, and a new one appears wherever its entry says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hf_hybrid.evaluation import figures
from hf_hybrid.evaluation.arms import ArmsOptions, build_arms
from hf_hybrid.evaluation.arms.text import arms_report
from hf_hybrid.evaluation.comparison import compare_results
from hf_hybrid.evaluation.comparison_report import comparison_report
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.evaluation.figures import (
    ARMS,
    CARD,
    CARD_ARMS,
    COMPARISON,
    HUB,
    LANGUAGES,
    RUN,
    Cells,
    Column,
    Measure,
    Unit,
    all_figures,
    column_of,
    columns,
    compared_figures,
    find_figure,
    query_columns,
)
from hf_hybrid.evaluation.results import Results
from hf_hybrid.evaluation.text_report import evaluation_report
from hf_hybrid.metric.output import compute_metric
from hf_hybrid.metrics import recall_at_k
from hf_hybrid.publishing.cards.arms_sections import arms_section, comparisons_section
from hf_hybrid.publishing.cards.evaluation_sections import evaluation_section
from hf_hybrid.publishing.cards.folder_files import read_folder
from hf_hybrid.publishing.cards.published_results import model_index
from hf_hybrid.training.run_folder import comparison_table
from tests.minimal_results import write
from tests.rankings import unit_vectors
from tests.results_files import small_benchmark, write_system

NEW = Measure(
    "hit_at_2",
    "Hit@2",
    lambda groups, k: recall_at_k(groups, 2),
    (RUN, LANGUAGES, COMPARISON, ARMS, CARD, CARD_ARMS, HUB),
    per_query=True,
)
KEYS = ("mo_hit_at_2", "cr_hit_at_2", "mul_hit_at_2")
FAST = {"resamples": 100}
NOISE = {"hybrid": 0.6, "x-y": 1.2}


@pytest.fixture
def with_a_new_measure(monkeypatch):
    monkeypatch.setattr(figures, "MEASURES", (*figures.MEASURES, NEW))


def measured():
    benchmark = small_benchmark()
    queries, candidates = (unit_vectors(benchmark.num_queries, 24, seed=seed) for seed in (1, 2))
    return evaluate_embeddings(queries, candidates, benchmark, k=5)


def test_an_evaluation_and_its_report_have_a_new_measure(with_a_new_measure):
    evaluation = measured()
    summary = evaluation.summary()
    for key in KEYS:
        assert all(key in values for values in evaluation.per_language().values())
        assert 0 < summary[key] < 1
    report = evaluation_report(evaluation, 200)
    rows = [line.split() for line in report.splitlines()]
    assert ["Hit@2", *(f"{100 * summary[key]:.2f}" for key in KEYS)] in rows
    assert "Mul, Hit@2" in next(line for line in report.splitlines() if line.startswith("query"))
    last = next(line for line in comparison_table({"before": summary}).splitlines() if line.startswith("Mul, Hit@2"))
    assert last.split()[-1] == f"{summary['mul_hit_at_2']:.3f}"


def test_a_comparison_the_arms_and_a_card_have_a_new_measure(with_a_new_measure, tmp_path):
    sides = {
        arm: [write_system(tmp_path / f"{arm}_{seed}.json", noise, seed, draw=seed) for seed in (1, 2)]
        for arm, noise in NOISE.items()
    }
    comparison = compare_results(sides["x-y"], sides["hybrid"], **FAST)
    for key in KEYS:
        entry = comparison["figures"][key]
        assert entry["b"] == pytest.approx(np.mean([Results.load(path).summary[key] for path in sides["hybrid"]]))
        assert entry["verdict"] == "B better" and "p_not_worse" not in entry  # the margin is one of mAP
    assert "Mul, Hit@2" in comparison_report(comparison)
    content = build_arms(sides, {0.5: sides["hybrid"]}, ArmsOptions(resamples=100), tmp_path)
    report = arms_report(content)
    mean = content["arms"]["hybrid"]["figures"]["mul_hit_at_2"]["mean"]
    assert "Mul, Hit@2" in report.splitlines()[0] and f"{100 * mean:.2f} [" in report
    assert "mul_hit_at_2" in content["alpha"]["points"][0]["all"]
    folder = tmp_path / "model"
    write(folder / "results" / "small.json", json.loads(sides["hybrid"][0].read_text()))
    write(folder / "results" / "arms.json", content)
    files = read_folder(folder)
    value = files.results[0].results.summary["mul_hit_at_2"]
    table = evaluation_section(files, with_pictures=False)
    assert "| Mul, Hit@2 |" in table and f"| {100 * value:.1f} |" in table
    assert "mul_hit_at_2*100" in table
    assert "Mul, Hit@2" in arms_section(files) and "Mul, Hit@2" in comparisons_section(files)
    index = model_index("m", files, {})
    assert "name: Mul, Hit@2" in index and f"value: {value:.4f}".rstrip("0") in index


def test_files_without_the_new_measure_are_compared_and_shown_without_it(monkeypatch, tmp_path):
    old = write_system(tmp_path / "old.json", 1.2)
    folder = tmp_path / "model"
    write(folder / "results" / "small.json", json.loads(old.read_text()))
    before = evaluation_section(read_folder(folder), with_pictures=False)
    monkeypatch.setattr(figures, "MEASURES", (*figures.MEASURES, NEW))
    new = write_system(tmp_path / "new.json", 0.6)
    assert list(compare_results([new], [old], **FAST)["figures"]) == list(
        compare_results([old], [old], **FAST)["figures"]
    )
    assert evaluation_section(read_folder(folder), with_pictures=False) == before


def test_the_metric_has_a_new_measure(with_a_new_measure):
    columns = {
        "query_id": ["q1"],
        "query_language": ["de"],
        "candidate_languages": [["de", "en"]],
        "pool_ranks": [[1, 4]],
        "language_ranks": [[1, 2]],
    }
    result = compute_metric("ranks", columns, {"pool_sizes": {"de": 5, "en": 5}})
    assert [result[key] for key in KEYS] == [1.0, 1.0, 0.5]


def test_every_figure_of_an_evaluation_is_declared_and_the_other_way_round():
    evaluation = measured()
    summary = evaluation.summary()
    declared = [figure.key.format(k=5) for figure in all_figures()]
    assert len(declared) == len(set(declared)) and set(summary) <= set(declared)
    # PEER needs several answers in a language.
    assert set(declared) - set(summary) == {"peer"}
    by_language = {figure.column(LANGUAGES, 5, by_language=True).key for figure in all_figures()}
    tests = {"friedman_p_value", "friedman_p_value_of_clusters"}
    assert {key for values in evaluation.per_language().values() for key in values} - tests <= by_language


def test_values_per_query_are_those_that_are_declared():
    single, lists = query_columns()
    assert set(single) | set(lists) <= set(measured().per_query)
    for figure in compared_figures().values():
        assert (figure.per_query.column in lists) is (figure.per_query.cells is not Cells.POOL)


def test_columns_of_a_table_differ_in_title():
    for table in {table for figure in all_figures() for table in figure.tables}:
        titles = [column.title for column in columns(table)]
        assert len(titles) == len(set(titles)), table.name


@pytest.mark.parametrize(
    ("name", "title", "unit"),
    [
        ("mo_map", "Mo, mAP", Unit.FRACTION),
        ("own_language_share", "own language in top {k}", Unit.FRACTION),
        ("own_language_share_at_7", "own language in top {k}", Unit.FRACTION),
        ("rank_distance_normalised", "rank distance, % of the pool", Unit.FRACTION),
        ("rank_distance_median", "rank distance, median", Unit.RANKS),
        ("mo_recall_at_100", "Recall@100", Unit.FRACTION),
        ("mul_ndcg_at_3", "Mul, nDCG@{k}", Unit.FRACTION),
    ],
)
def test_figures_are_found_by_their_keys(name, title, unit):
    figure = find_figure(name)
    assert (figure.title, figure.unit) == (title, unit)


def test_what_is_not_declared_is_shown_under_its_key():
    assert find_figure("nothing") is None
    assert column_of("nothing", ARMS) == Column("nothing", "nothing", 100, 2)


def test_values_are_shown_in_their_unit():
    share, rank = (column_of(key, COMPARISON) for key in ("mul_map", "rank_distance"))
    assert (share.text(0.1234), share.text(0.1234, "+"), rank.text(1234.56)) == ("12.34", "+12.34", "1,234.6")
    assert share.text(None) == share.text(float("nan")) == "-"
