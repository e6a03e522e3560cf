"""Arms and the curve over alpha, from files of round numbers and from small systems."""

from __future__ import annotations

import hashlib
import json

import pytest

from hf_hybrid.cli.main import main
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.arms import ArmsOptions, build_arms
from hf_hybrid.evaluation.arms.intervals import over_seeds
from hf_hybrid.evaluation.arms.seed_files import public_name
from tests.minimal_results import results, write
from tests.results_files import write_system


@pytest.fixture
def files(tmp_path):
    return [write(tmp_path / f"s{seed}.json", results(mo, seed)) for seed, mo in ((1, 0.4), (2, 0.5), (3, 0.6))]


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    """Two seeds of three arms: hybrid is much better than x-y, and like x-x-mono."""
    folder = tmp_path_factory.mktemp("arms")
    noises = {"hybrid": 1.0, "x-x-mono": 1.02, "x-y": 2.5}
    return {
        arm: [str(write_system(folder / f"{arm}_{seed}.json", noise, seed=seed, draw=seed)) for seed in (1, 2)]
        for arm, noise in noises.items()
    }


def test_interval_of_three_seeds():
    found = over_seeds([0.4, 0.5, 0.6])
    # t of 2 degrees of freedom is 4.302653, sd .1, half the interval 4.302653 * .1 / sqrt(3)
    assert found["mean"] == pytest.approx(0.5) and found["sd"] == pytest.approx(0.1)
    assert (found["low"], found["high"]) == (
        pytest.approx(0.5 - 0.248414, abs=1e-6),
        pytest.approx(0.748414, abs=1e-6),
    )


def test_one_seed_has_no_interval():
    assert over_seeds([0.5]) == {"mean": 0.5, "low": None, "high": None, "sd": None, "values": [0.5]}


def test_an_arm(files, tmp_path):
    content = build_arms({"hybrid": files}, folder=tmp_path)
    arm = content["arms"]["hybrid"]
    assert arm["seeds"] == 3 and content["comparisons"] == {} and content["claims"] == []
    assert arm["figures"]["mo_map"]["values"] == [0.4, 0.5, 0.6]
    assert arm["figures"]["rank_distance_median"] == {
        "mean": 1500.5, "low": 1500.5, "high": 1500.5, "sd": 0.0, "values": [1500.5] * 3
    }  # fmt: skip
    assert arm["per_language"]["de"]["mo_map"]["mean"] == pytest.approx(0.6)
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert arm["files"][0] == {"file": "s1.json", "sha256": digest, "seed": 1}


def test_curve_with_low_resource_languages_apart(files, tmp_path):
    content = build_arms({}, {0.5: files[:2], 0.0: files[2:]}, folder=tmp_path)
    assert content["alpha"]["low_resource"] == ["th"] and content["alpha"]["others"] == ["de", "zh-Hant"]
    assert "arms" not in content
    first, second = content["alpha"]["points"]
    assert (first["alpha"], first["seeds"], second["alpha"], second["seeds"]) == (0.0, 1, 0.5, 2)
    assert second["all"]["mo_map"]["mean"] == pytest.approx(0.45)
    assert second["low_resource"]["mo_map"]["mean"] == pytest.approx(0.45)
    assert second["others"]["rank_distance"]["mean"] == 2000.0  # 1,000 and 3,000


def test_comparisons_and_claims(systems, tmp_path):
    content = build_arms(systems, options=ArmsOptions(resamples=300), folder=tmp_path)
    assert list(content["comparisons"]) == ["x-x-mono", "x-y"]
    assert content["comparisons"]["x-y"]["b"]["seeds"] == [1, 2]
    verdicts = {(entry["claim"], entry["against"]): entry["verdict"] for entry in content["claims"]}
    assert list(verdicts) == [
        ("multilingual", "x-x-mono"),
        ("multilingual", "x-y"),
        ("monolingual", "x-x-mono"),
        ("monolingual", "x-y"),
        ("cross_lingual", "x-x-mono"),
        ("cross_lingual", "x-y"),
        ("bias", "x-x-mono"),
    ]
    assert verdicts["multilingual", "x-y"] == verdicts["monolingual", "x-y"] == "holds"
    entry = content["claims"][1]
    assert entry["difference"] == content["comparisons"]["x-y"]["figures"]["mul_map"]["difference"] > 0
    json.dumps(content, allow_nan=False)


def test_names_of_files_do_not_tell_the_machine(tmp_path):
    assert public_name(tmp_path / "m" / "results" / "a" / "1.json", tmp_path / "m" / "results") == "a/1.json"
    assert public_name(tmp_path / "runs" / "one" / "results.json", tmp_path / "m") == "one/results.json"


def change(content, benchmark=None, **fields):
    return {**content, **fields, "benchmark": {**content["benchmark"], **(benchmark or {})}}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (change(results(0.7, 1)), "seed 1 is there twice"),
        (change(results(0.7, 9), {"data_sha256": "cd"}), "do not belong together: benchmark.data_sha256"),
        (change(results(0.7, 9), settings={"k": 5, "ties": "expected"}), "settings.k is 10 in the first and 5"),
        (results(0.4, 1), "has the content of"),
    ],
)
def test_files_that_do_not_belong_together(files, tmp_path, other, message):
    with pytest.raises(InputError, match=message):
        build_arms({"hybrid": [*files, write(tmp_path / "other.json", other)]})


def test_command(systems, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="pictures need the extra `plots`")
    output, plot = tmp_path / "arms.json", tmp_path / "curve.png"
    arms = [word for arm, paths in systems.items() for word in ("--arm", arm, *paths)]
    alphas = [word for alpha, arm in (("0", "x-y"), ("1", "x-x-mono")) for word in ("--alpha", alpha, *systems[arm])]
    flags = ["--resamples", "200", "--output", str(output), "--plot", str(plot), "--low_resource", "de"]
    assert main(["arms", *arms, *alphas, *flags]) == 0
    shown = capsys.readouterr().out
    assert "best in multilingual retrieval (Mul)" in shown and "low-resource languages" in shown
    assert plot.read_bytes().startswith(b"\x89PNG")
    content = json.loads(output.read_text())
    assert content["settings"]["resamples"] == 200 and content["alpha"]["low_resource"] == ["de"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no results files"),
        (["--arm", "hybrid"], "--arm hybrid: name its results files after it"),
        (["--alpha", "half", "a.json"], "--alpha half: write a number between 0 and 1"),
        (["--alpha", "2", "a.json"], "alpha must lie between 0 and 1, got 2"),
        (["--arm", "x-y", "a.json", "--arm", "x-x", "b.json"], "reference arm 'hybrid' has no results"),
        (["--arm", "x-y", "a.json", "--plot", "a.png"], "name its points with --alpha"),
        (["--arm", "hybrid", "none.json"], "cannot read results file none.json"),
    ],
)
def test_mistakes(arguments, message, tmp_path, capsys):
    assert main(["arms", *arguments, "--output", str(tmp_path / "out.json")]) == 2
    assert message in capsys.readouterr().err
