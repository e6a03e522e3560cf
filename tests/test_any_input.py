"""Commands on anything that hypothesis thinks of: exit status 0, or 2 and one line, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.retrieval.encode import load_encoder

ENCODINGS = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"])
VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.floats() | st.text(max_size=3)
VALUES |= st.sampled_from(["a b", "a\tb", "EN", "en", "he", "iw", "German", "\ud800", "\ufeffa", "\u2028"])
NAMES = ("_id", "id", "docid", "lang", "text", "title", "example", "cluster")
RIGHT = st.fixed_dictionaries(
    {"_id": st.integers(0, 9).map(str), "lang": st.sampled_from(["EN", "en", "de"]), "text": st.just("a word")}
)
ROWS = st.lists(RIGHT | st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)), max_size=4)
MANY = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    args = ModelArguments(encoder="static", vocab_size=300, embedding_dimension=8, query_prompt="", passage_prompt="")
    return save_encoder(build_encoder(args, ["a word and another"] * 50), tmp_path_factory.mktemp("m") / "model")


@pytest.fixture
def loaded(model, monkeypatch):
    """The encoder, read once: loading it is not what is tried here."""
    encoder = load_encoder(str(model), device="cpu")
    monkeypatch.setattr("hf_hybrid.retrieval.encode.load_encoder", lambda *_, **__: encoder)
    return str(model)


def write(path: Path, lines: list[str], encoding: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes("\r\n".join(lines).encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace"))
    return path


def run(capsys, *command: object) -> int:
    capsys.readouterr()
    status = main([str(word) for word in command])
    error = capsys.readouterr().err
    assert status in (0, 2) and (status == 0 or error.strip().count("\n") == 0), error
    return status


@MANY
@given(ROWS, ENCODINGS, st.booleans())
def test_encode(loaded, capsys, tmp_path_factory, rows, encoding, ascii_only):
    folder = tmp_path_factory.mktemp("encode")
    corpus = write(folder / "c.jsonl", [json.dumps(row, ensure_ascii=ascii_only) for row in rows], encoding)
    run(capsys, "encode", loaded, "--corpus", corpus, "--output", folder / "v", "--quiet")


@MANY
@given(st.lists(st.tuples(VALUES, VALUES), max_size=4), ENCODINGS)
def test_search(loaded, capsys, tmp_path_factory, rows, encoding):
    folder = tmp_path_factory.mktemp("search")
    corpus = write(folder / "c.jsonl", ['{"_id": "d", "text": "a word"}'], "utf-8")
    assert run(capsys, "encode", loaded, "--corpus", corpus, "--output", folder / "v", "--quiet") == 0
    topics = write(folder / "t.tsv", [f"{query}\t{text}" for query, text in rows], encoding)
    output = folder / "run"
    if (
        run(capsys, "search", loaded, "--vectors", folder / "v", "--queries", topics, "--output", output, "--quiet")
        == 0
    ):
        assert all(len(line.split()) == 6 for line in output.read_text().split("\n") if line)


@MANY
@given(
    ROWS, ROWS, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), VALUES | st.just(1)), max_size=4), ENCODINGS
)
def test_evaluate(loaded, capsys, tmp_path_factory, corpus, queries, judged, encoding):
    folder = tmp_path_factory.mktemp("local")
    for name, rows in (("corpus", corpus), ("queries", queries)):
        write(folder / f"{name}.jsonl", [json.dumps(row) for row in rows], encoding)
    write(folder / "qrels" / "test.tsv", ["\t".join(map(str, row)) for row in judged], encoding)
    run(capsys, "evaluate", loaded, "--benchmark", "local", "--data_dir", folder, "--quiet")
