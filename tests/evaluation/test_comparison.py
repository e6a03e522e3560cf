import json

import numpy as np
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.comparison import compare_results, verdict
from hf_hybrid.evaluation.comparison_report import comparison_report
from hf_hybrid.evaluation.results import Results
from hf_hybrid.metrics.significance import holm
from tests.results_files import LANGUAGES, small_benchmark, write_system

FAST = {"resamples": 500}


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    """A noisy system, a better one, and one that hardly differs from the better one."""
    folder = tmp_path_factory.mktemp("systems")
    return {
        "noisy": write_system(folder / "noisy.json", 1.6),
        "good": write_system(folder / "good.json", 1.2),
        "like_good": write_system(folder / "like_good.json", 1.2003),
    }


@pytest.fixture(scope="module")
def comparison(systems):
    return compare_results([systems["noisy"]], [systems["good"]], **FAST)


def test_figures_are_those_of_the_results_files(systems, comparison):
    a, b = (Results.load(systems[name]).summary for name in ("noisy", "good"))
    names = {name: name for name in comparison["figures"]} | {"own_language_share": "own_language_share_at_10"}
    assert len(names) == 7
    for name, entry in comparison["figures"].items():
        assert entry["a"] == pytest.approx(a[names[name]], rel=1e-6, abs=1e-7)
        assert entry["b"] == pytest.approx(b[names[name]], rel=1e-6, abs=1e-7)
        assert entry["difference"] == pytest.approx(entry["b"] - entry["a"], abs=1e-12)
        assert entry["low"] <= entry["difference"] <= entry["high"]
    languages = Results.load(systems["good"]).per_language
    for tag in LANGUAGES:
        for name in ("mo_map", "cr_map", "mul_map"):
            assert comparison["per_language"][tag][name]["b"] == pytest.approx(languages[tag][name], rel=1e-6)


def test_a_clear_gain_is_called_better_in_every_direction(comparison):
    verdicts = {name: entry["verdict"] for name, entry in comparison["figures"].items()}
    assert verdicts["mo_map"] == verdicts["cr_map"] == verdicts["mul_map"] == "B better"
    assert verdicts["rank_distance"] == verdicts["max_rank"] == "B better"
    assert comparison["figures"]["rank_distance"]["difference"] < 0
    assert comparison["settings"]["clusters"] == 20 and comparison["settings"]["seeds_paired"] is False


def test_turned_around_everything_changes_its_sign(systems, comparison):
    back = compare_results([systems["good"]], [systems["noisy"]], **FAST)
    for name, entry in comparison["figures"].items():
        mirror = back["figures"][name]
        assert mirror["difference"] == pytest.approx(-entry["difference"])
        assert [mirror["low"], mirror["high"]] == pytest.approx([-entry["high"], -entry["low"]])
        assert mirror["p_value"] == entry["p_value"]
    assert back["figures"]["mul_map"]["verdict"] == "B worse"


def test_languages_are_corrected_within_a_figure(comparison):
    for name in ("mo_map", "cr_map", "mul_map"):
        entries = [comparison["per_language"][tag][name] for tag in LANGUAGES]
        assert [e["p_holm"] for e in entries] == holm(np.array([e["p_value"] for e in entries])).tolist()


def test_equal_systems_are_equal_within_the_margin(systems):
    found = compare_results([systems["good"]], [systems["like_good"]], margin=0.02, **FAST)["figures"]["mo_map"]
    assert found["verdict"] == "equal within the margin" and found["p_not_worse"] <= found["p_equivalent"] < 0.05


def test_the_result_is_json_and_repeats(systems, comparison):
    again = compare_results([systems["noisy"]], [systems["good"]], **FAST)
    assert json.loads(json.dumps(again))["figures"] == comparison["figures"]
    other = compare_results([systems["noisy"]], [systems["good"]], seed=1, **FAST)
    assert other["figures"]["mo_map"]["low"] != comparison["figures"]["mo_map"]["low"]


def test_several_seeds_are_averaged_and_paired_where_they_are_the_same(tmp_path):
    a = [write_system(tmp_path / f"a{seed}.json", 1.6, seed=seed, draw=seed) for seed in (1, 2, 3)]
    b = [write_system(tmp_path / f"b{seed}.json", 1.2, seed=seed, draw=seed) for seed in (3, 1, 2)]
    paired = compare_results(a, b, **FAST)
    assert paired["settings"]["seeds_paired"] and paired["b"]["seeds"] == [3, 1, 2]
    apart = compare_results(a, b[:2], **FAST)
    assert not apart["settings"]["seeds_paired"]
    mean = np.mean([Results.load(path).summary["mul_map"] for path in a])
    assert paired["figures"]["mul_map"]["a"] == pytest.approx(mean, rel=1e-6)
    assert "runs/a1, runs/a2, runs/a3 (3 seeds)" in comparison_report(paired)
    assert "Seeds of equal number are paired." in comparison_report(paired)
    assert "Seeds are not paired." in comparison_report(apart)
    assert "B has one seed" in comparison_report(compare_results(a, b[:1], **FAST))


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"name": "other"}, {}, "benchmark.name is 'small' in the first and 'other' in the second"),
        ({"queries": ["y"] * 120}, {}, "benchmark.data_sha256 is '"),
        (
            {"settings": {"candidate_text": "sentence_in_context"}},
            {},
            "benchmark.settings is .*'sentence'.*in_context",
        ),
        ({}, {"k": 5}, "settings.k is 10 in the first and 5 in the second"),
    ],
)
def test_what_differs_is_named(systems, tmp_path, changes, options, message):
    other = write_system(tmp_path / "other.json", 1.0, benchmark=small_benchmark(**changes), **options)
    with pytest.raises(InputError, match=f"good.json and .*other.json cannot be compared: {message}"):
        compare_results([systems["good"]], [other], **FAST)


def test_other_queries_under_the_same_name_are_refused(systems, tmp_path):
    content = Results.load(systems["good"]).benchmark.data_sha256
    ids = ["new", *[f"q{i}" for i in range(1, 120)]]
    forged = small_benchmark(query_ids=ids, data_sha256=content)
    other = write_system(tmp_path / "other.json", 1.0, benchmark=forged)
    with pytest.raises(InputError, match="not the same queries, query 'new' is in one only"):
        compare_results([systems["good"]], [other], **FAST)
    clustered = small_benchmark(per_cluster=4, data_sha256=content)
    other = write_system(tmp_path / "clustered.json", 1.0, benchmark=clustered)
    with pytest.raises(InputError, match="clustered differently"):
        compare_results([systems["good"]], [other], **FAST)


def test_one_cluster_says_nothing_about_chance(tmp_path):
    benchmark = small_benchmark(per_cluster=40)
    paths = [write_system(tmp_path / f"{draw}.json", 1.0, benchmark=benchmark, draw=draw) for draw in (0, 1)]
    with pytest.raises(InputError, match="all queries form one cluster"):
        compare_results(paths[:1], paths[1:], **FAST)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": 0}, "--margin must be above 0"),
        ({"resamples": 5}, "--resamples"),
        ({"confidence": 1}, "--confidence"),
    ],
)
def test_wrong_options_are_named(systems, options, message):
    with pytest.raises(InputError, match=message):
        compare_results([systems["good"]], [systems["noisy"]], **options)


def test_a_file_named_twice_is_no_second_seed(systems):
    with pytest.raises(InputError, match="is named twice on one side"):
        compare_results([systems["good"]] * 2, [systems["noisy"]], **FAST)


@pytest.mark.parametrize(
    ("entry", "higher", "expected"),
    [
        ({"difference": 0.1, "p_value": 0.01}, True, "B better"),
        ({"difference": 0.1, "p_value": 0.01, "p_holm": 0.06}, True, "undecided"),
        ({"difference": 0.1, "p_value": 0.01}, None, "B higher"),
        ({"difference": -0.1, "p_value": 0.01}, None, "B lower"),
        ({"difference": -3.0, "p_value": 0.01}, False, "B better"),
        ({"difference": -0.1, "p_value": 0.01, "p_not_worse": 0.9}, True, "B worse"),
        ({"difference": -0.004, "p_value": 0.01, "p_not_worse": 0.01}, True, "B worse, by less than the margin"),
        (
            {"difference": 0.0, "p_value": 0.9, "p_not_worse": 0.01, "p_equivalent": 0.01},
            True,
            "equal within the margin",
        ),
        (
            {"difference": 0.0, "p_value": 0.9, "p_not_worse": 0.01, "p_equivalent": 0.4},
            True,
            "B not worse by the margin",
        ),
    ],
)
def test_verdicts(entry, higher, expected):
    assert verdict(entry, higher) == expected


def test_the_report_fits_its_width_and_says_what_one_seed_is_worth(comparison):
    wide, narrow = (comparison_report(comparison, width) for width in (120, 80))
    for text, columns in ((wide, 12), (narrow, 6)):
        row = next(line for line in text.splitlines() if line.startswith("zh-Hant"))
        assert len(row.split()) == 1 + columns
    assert "120 queries in 20 clusters" in wide and "margin 1 points" in wide
    assert "One seed a side" in wide
    assert f"{100 * comparison['figures']['mul_map']['difference']:+.2f}" in wide
