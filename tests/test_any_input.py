"""Commands on anything that hypothesis thinks of: exit status 0, or 2 and one line, and never a traceback.

HF_HYBRID_FUZZ_EXAMPLES=500 tries more of it than a run of all tests has time for.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.retrieval.encode import load_encoder
from tests.results_files import write_system

ENCODINGS = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"])
VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.floats() | st.text(max_size=3)
VALUES |= st.sampled_from(["a b", "a\tb", "EN", "en", "he", "iw", "German", "\ud800", "\ufeffa", "\u2028"])
NAMES = ("_id", "id", "docid", "lang", "text", "title", "example", "cluster")
RIGHT = st.fixed_dictionaries(
    {"_id": st.integers(0, 9).map(str), "lang": st.sampled_from(["EN", "en", "de"]), "text": st.just("a word")}
)
ROWS = st.lists(RIGHT | st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)), max_size=4)
MANY = settings(
    max_examples=int(os.environ.get("HF_HYBRID_FUZZ_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
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


RENDITION = ("id", "lang", "query", "passage", "passage_id", "source", "negatives")
RIGHT_RENDITION = st.fixed_dictionaries(
    {"id": st.integers(0, 3), "lang": st.sampled_from(["de", "EN"]), "query": st.just("wo"), "passage": st.just("da")}
)
ODD = VALUES | st.just(["no", None])
# Rows of which one field is another, beside rows that are right, so that now and then there is something to train on.
ONE_ODD_FIELD = st.tuples(RIGHT_RENDITION, st.sampled_from(RENDITION), ODD).map(lambda row: {**row[0], row[1]: row[2]})
ANY_RENDITION = RIGHT_RENDITION | ONE_ODD_FIELD | st.fixed_dictionaries({}, optional=dict.fromkeys(RENDITION, ODD))
RENDITIONS = st.lists(ANY_RENDITION, max_size=3).map(lambda rows: [*rows, *SOUND])
SOUND = [
    {"id": str(number), "lang": lang, "query": "wo", "passage": "da"} for number in range(3) for lang in ("de", "en")
]


@MANY
@given(RENDITIONS, ENCODINGS, st.sampled_from(["hybrid", "x-x-mono", "x-y", "x-x"]))
def test_train(model, capsys, tmp_path_factory, rows, encoding, arm):
    folder = tmp_path_factory.mktemp("train")
    data = write(folder / "train.jsonl", [json.dumps(row) for row in rows], encoding)
    flags = "--max_steps 1 --batches_per_epoch 1 --global_batch_size 2 --report_to none --use_cpu".split()
    flags += ["--dev_split", "none", "--test_split", "none"]
    flags += ["--disable_tqdm", "true", "--save_strategy", "no", "--arm", arm, "--output_dir", folder / "run"]
    status = run_to_the_end(
        capsys,
        "train",
        "--model_name_or_path",
        model,
        "--dataset_name_or_path",
        data,
        *flags,
        "--batches_per_epoch",
        1,
    )
    assert (status == 0) == (folder / "run" / "model" / "model.safetensors").is_file()


def run_to_the_end(capsys, *command: object) -> int:
    """Training logs to the same stream as its one line of a mistake, which comes last."""
    capsys.readouterr()
    status = main([str(word) for word in command])
    error = capsys.readouterr().err
    assert status in (0, 2) and "Traceback" not in error, error
    if status == 2:
        assert error.strip().splitlines()[-1].startswith("hf-hybrid: error: "), error
    return status


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("results")
    return write_system(folder / "a.json", 0.4), write_system(folder / "b.json", 0.6, draw=1)


@MANY
@given(st.data())
def test_compare(results, capsys, tmp_path_factory, data):
    """A results file of which any one value is another, or is gone."""
    folder = tmp_path_factory.mktemp("compare")
    content = json.loads(results[0].read_text())
    part, key = content, data.draw(st.sampled_from(sorted(content)))
    while isinstance(part[key], dict) and part[key] and data.draw(st.booleans()):
        part = part[key]
        key = data.draw(st.sampled_from(sorted(part)))
    if data.draw(st.booleans()):
        part[key] = data.draw(VALUES | st.just([]) | st.just({}))
    else:
        del part[key]
    changed = folder / "a.json"
    changed.write_text(json.dumps(content))
    (folder / "a.per_query.parquet").write_bytes(results[0].with_name("a.per_query.parquet").read_bytes())
    run(capsys, "compare", changed, results[1], "--resamples", "100")


@MANY
@given(RENDITIONS, RENDITIONS, ENCODINGS)
def test_decontaminate(capsys, tmp_path_factory, train, against, encoding):
    folder = tmp_path_factory.mktemp("decontaminate")
    paths = [
        write(folder / f"{name}.jsonl", [json.dumps(row) for row in rows], encoding)
        for name, rows in (("train", train), ("test", against))
    ]
    run_to_the_end(
        capsys, "decontaminate", "--train", paths[0], "--against", paths[1], "--output", folder / "clean", "--quiet"
    )
