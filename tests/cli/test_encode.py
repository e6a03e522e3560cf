import pytest

from hf_hybrid.cli.main import main


def test_encode_says_what_it_wrote_and_goes_on(model, corpus, vectors, capsys):
    assert main(["encode", model, "--corpus", corpus, "--output", vectors, "--rows_per_shard", "50", "--quiet"]) == 0
    assert capsys.readouterr().out == f"132 vectors of 32 dimensions in 3 files: {vectors}\n"
    assert main(["encode", model, "--corpus", corpus, "--output", vectors, "--quiet"]) == 2
    assert "rows_per_shard is 50, not 65536" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["encode", "{model}", "--corpus", "none.jsonl", "--output", "x"], "none.jsonl: no such file"),
        (["encode", "{model}", "--corpus", "{corpus}", "--output", "{corpus}x", "--dtype", "int8"], "dtype is 'int8'"),
    ],
)
def test_mistakes_are_one_line(model, corpus, vectors, capsys, command, message):
    places = {"model": model, "corpus": corpus, "vectors": vectors}
    assert main([*(part.format(**places) for part in command), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
