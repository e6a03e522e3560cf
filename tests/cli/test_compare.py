import json

import pytest

from hf_hybrid.cli.main import main
from tests.results_files import write_system


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("systems")
    return {
        name: str(write_system(folder / f"{name}.json", noise, seed=seed, draw=seed))
        for name, noise, seed in (("a1", 1.6, 1), ("a2", 1.6, 2), ("b1", 1.2, 1), ("b2", 1.2, 2))
    }


def test_compare_prints_writes_and_draws(files, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="pictures need the extra `plots`")
    output, plots = tmp_path / "compare.json", [str(tmp_path / f"compare.{suffix}") for suffix in ("png", "svg")]
    flags = ["--resamples", "300", "--margin", "0.02", "--output", str(output), "--plot", *plots]
    assert main(["compare", files["a1"], files["b1"], *flags]) == 0
    shown = capsys.readouterr().out
    content = json.loads(output.read_text())
    assert content["settings"]["margin"] == 0.02 and content["a"]["files"] == [files["a1"]]
    assert "Mul, mAP" in shown and content["figures"]["mul_map"]["verdict"] in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.json", "compare.png", "compare.svg"]
    assert main(["compare", files["a1"], files["b1"], "--output", str(output)]) == 2
    assert "exists: choose another name or pass --overwrite" in capsys.readouterr().err


def test_several_seeds_a_side(files, capsys):
    flags = ["--a", files["a1"], files["a2"], "--b", files["b1"], files["b2"], "--resamples", "200"]
    assert main(["compare", *flags]) == 0
    assert "Seeds of equal number are paired." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a1"], "compare takes two results files, got 1"),
        ([], "compare takes two results files, got 0"),
        (["a1", "b1", "--a", "a2"], "not both"),
        (["--a", "a1"], "--a and --b belong together"),
        (["a1", "none.json"], "cannot read results file none.json"),
        (["a1", "b1", "--margin", "-1"], "--margin must be above 0"),
        (["a1", "b1", "--plot", "picture.pdf"], "must end in .png or .svg"),
    ],
)
def test_mistakes_are_one_line_and_status_2(files, capsys, arguments, message):
    assert main(["compare", *(files.get(word, word) for word in arguments)]) == 2
    shown = capsys.readouterr().err
    assert message in shown and shown.count("\n") == 1 and shown.startswith("hf-hybrid: error: ")
