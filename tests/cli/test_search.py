import pytest

from hf_hybrid.cli.main import main


def test_search_prints_the_best_passages(model, vectors, texts, capsys):
    assert main(["search", model, "--vectors", vectors, "--query", texts[7], "--k", "3", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    # The mean of word vectors does not know their order: "rot x" and "x rot" are equally good.
    assert len(lines) == 3 and "p7" in {line.split()[2] for line in lines[:2]}
    assert lines[0].split()[0] == "1" and lines[0].split()[4] == "1.000000"


def test_search_writes_a_run(model, vectors, texts, tmp_path, capsys):
    topics, output = tmp_path / "topics.tsv", tmp_path / "run.trec"
    topics.write_text(f"a\t{texts[0]}\nb\t{texts[99]}\n")
    command = ["search", model, "--vectors", vectors, "--queries", str(topics), "--output", str(output), "--quiet"]
    assert main(command) == 0
    lines = output.read_text().splitlines()
    assert len(lines) == 20 and {line.split()[0] for line in lines} == {"a", "b"}
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err


def test_search_through_an_index_says_what_it_loses(model, vectors, texts, capsys):
    pytest.importorskip("faiss", reason="the extra `faiss` is not installed")
    command = ["search", model, "--vectors", vectors, "--query", texts[3], "--index", "flat", "--k", "5", "--quiet"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 5
    assert shown.err == "The flat index finds 100.0 % of the exact best 5: it loses 0.0 %\n"
    assert main(command) == 0  # now from the saved index


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["search", "{model}", "--vectors", "nowhere", "--query", "x"], "make the vectors with `hf-hybrid encode`"),
        (["search", "{model}", "--vectors", "{vectors}", "--queries", "none.tsv"], "--queries none.tsv: no such file"),
        (["search", "{model}", "--vectors", "{vectors}", "--query", "x", "--k", "0"], "k must be at least 1"),
    ],
)
def test_mistakes_are_one_line(model, corpus, vectors, capsys, command, message):
    places = {"model": model, "corpus": corpus, "vectors": vectors}
    assert main([*(part.format(**places) for part in command), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
