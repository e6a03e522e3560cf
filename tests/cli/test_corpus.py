import json

import pytest

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import build_encoder, save_encoder

WORDS = "rot grün blau weiss schwarz gelb braun grau eins zwei drei vier".split()
TEXTS = [f"{a} {b}" for a in WORDS for b in WORDS if a != b]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    args = ModelArguments(encoder="static", vocab_size=330, embedding_dimension=32, query_prompt="", passage_prompt="")
    return str(save_encoder(build_encoder(args, training_texts=TEXTS * 3), tmp_path_factory.mktemp("m") / "model"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    rows = [json.dumps({"_id": f"p{n}", "text": text}) for n, text in enumerate(TEXTS)]
    path.write_text("\n".join(rows))
    return str(path)


@pytest.fixture(scope="module")
def vectors(model, corpus, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("v") / "vectors")
    assert main(["encode", model, "--corpus", corpus, "--output", folder, "--rows_per_shard", "50", "--quiet"]) == 0
    return folder


def test_encode_says_what_it_wrote_and_goes_on(model, corpus, vectors, capsys):
    assert main(["encode", model, "--corpus", corpus, "--output", vectors, "--rows_per_shard", "50", "--quiet"]) == 0
    assert capsys.readouterr().out == f"132 vectors of 32 dimensions in 3 files: {vectors}\n"
    assert main(["encode", model, "--corpus", corpus, "--output", vectors, "--quiet"]) == 2
    assert "rows_per_shard is 50, not 65536" in capsys.readouterr().err


def test_search_prints_the_best_passages(model, vectors, capsys):
    assert main(["search", model, "--vectors", vectors, "--query", TEXTS[7], "--k", "3", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    # The mean of word vectors does not know their order: "rot x" and "x rot" are equally good.
    assert len(lines) == 3 and "p7" in {line.split()[2] for line in lines[:2]}
    assert lines[0].split()[0] == "1" and lines[0].split()[4] == "1.000000"


def test_search_writes_a_run(model, vectors, tmp_path, capsys):
    topics, output = tmp_path / "topics.tsv", tmp_path / "run.trec"
    topics.write_text(f"a\t{TEXTS[0]}\nb\t{TEXTS[99]}\n")
    command = ["search", model, "--vectors", vectors, "--queries", str(topics), "--output", str(output), "--quiet"]
    assert main(command) == 0
    lines = output.read_text().splitlines()
    assert len(lines) == 20 and {line.split()[0] for line in lines} == {"a", "b"}
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err


def test_search_through_an_index_says_what_it_loses(model, vectors, capsys):
    pytest.importorskip("faiss", reason="the extra `faiss` is not installed")
    command = ["search", model, "--vectors", vectors, "--query", TEXTS[3], "--index", "flat", "--k", "5", "--quiet"]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 5
    assert shown.err == "The flat index finds 100.0 % of the exact best 5: it loses 0.0 %\n"
    assert main(command) == 0  # now from the saved index


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["encode", "{model}", "--corpus", "none.jsonl", "--output", "x"], "none.jsonl: no such file"),
        (["encode", "{model}", "--corpus", "{corpus}", "--output", "{corpus}x", "--dtype", "int8"], "dtype is 'int8'"),
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
