import json

import pytest

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.cli.main import main


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from hf_hybrid.encoders.models import build_encoder, save_encoder

    args = ModelArguments(encoder="static", vocab_size=400, embedding_dimension=16)
    texts = ["which country uses this currency", "welche Währung", "東京", "गणराज्य"] * 40
    return save_encoder(build_encoder(args, training_texts=texts), tmp_path_factory.mktemp("model") / "static")


def test_evaluate_prints_and_writes(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    output = tmp_path / "results.json"
    assert main(["evaluate", str(model), "--max_examples", "15", "--output", str(output), "--quiet"]) == 0
    shown = capsys.readouterr().out
    results = json.loads(output.read_text())
    assert results["model"]["name"] == str(model)
    assert results["benchmark"]["name"] == "cldr_qa" and results["settings"]["ties"] == "expected"
    assert f"{100 * results['summary']['mul_map']:.2f}" in shown
    assert "query language (row) by candidate language (column)" in shown
    assert f"Written to {output}" in shown

    assert main(["evaluate", str(model), "--output", str(output)]) == 2
    assert (
        capsys.readouterr().err
        == f"hf-hybrid: error: output {output} exists: choose another name or pass --overwrite\n"
    )


def test_evaluate_keeps_values_per_query_and_draws(model, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="pictures need the extra `plots`")
    output, plots = tmp_path / "results.json", tmp_path / "pictures"
    flags = ["--max_examples", "10", "--output", str(output), "--plots", str(plots), "--seed", "7", "--quiet"]
    assert main(["evaluate", str(model), *flags]) == 0
    results = json.loads(output.read_text())
    assert results["per_query"]["file"] == "results.per_query.parquet" and results["seed"] == 7
    assert (tmp_path / "results.per_query.parquet").is_file() and len(list(plots.iterdir())) == 8
    assert "Pictures: " in capsys.readouterr().out
    output.unlink()
    assert main(["evaluate", str(model), "--output", str(output)]) == 2
    assert "results.per_query.parquet exists" in capsys.readouterr().err
    assert main(["evaluate", str(model), "--plots", str(plots)]) == 2
    assert "map_matrix.png exists" in capsys.readouterr().err
    assert main(["compare", str(tmp_path / "none.json"), str(output)]) == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--benchmark", "xquadr"], "unknown benchmark 'xquadr': did you mean xquad_r?"),
        (["--benchmark", "xquad_r"], "clone the GitHub repository google-research-datasets/lareqa"),
        (["--candidate_text", "sentence"], "cldr_qa has no option 'candidate_text'"),
        (["--max_examples", "0"], "max_examples must be at least 1"),
        (["--max_examples", "5", "--ties", "luck"], "ties is 'luck': choose one of expected, trec"),
        (["--max_examples", "5", "--batch_size", "0"], "batch_size must be at least 1"),
    ],
)
def test_mistakes_are_one_line_and_status_2(model, capsys, flags, message):
    assert main(["evaluate", str(model), "--quiet", *flags]) == 2
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1 and shown.err.startswith("hf-hybrid: error: ")


def test_an_unknown_model_is_one_line(capsys):
    assert main(["evaluate", "./no-such-model", "--max_examples", "5"]) == 2
    assert "./no-such-model" in capsys.readouterr().err
