"""Vectors are searched with the encoder that made them, or not at all."""

from __future__ import annotations

import json

import pytest
import torch

from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import save_encoder
from hf_hybrid.retrieval.provenance import modules_of
from tests.unusual_encoders import routed, without_pooled_prompt

TEXTS = [f"passage {n} in de" for n in range(20)]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two encoders of one dimension."""
    folder = tmp_path_factory.mktemp("models")
    made = {}
    for name in ("first", "second"):
        model = without_pooled_prompt(folder / f"{name}-parts")
        with torch.no_grad():
            next(model.parameters()).add_(name == "second")
        made[name] = str(save_encoder(model, folder / name))
    return made


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    path.write_text("\n".join(json.dumps({"_id": f"p{n}", "text": text}) for n, text in enumerate(TEXTS)))
    return str(path)


def encode(model: str, corpus: str, folder, *flags: str) -> str:
    assert main(["encode", model, "--corpus", corpus, "--output", str(folder), "--quiet", *flags]) == 0
    return str(folder)


def search(capsys, model: str, vectors: str, *flags: str) -> tuple[int, str]:
    capsys.readouterr()
    status = main(["search", model, "--vectors", vectors, "--query", "passage 3", "--k", "2", "--quiet", *flags])
    lines = capsys.readouterr().err.split("\n")
    # transformers shows a bar of its own.
    return status, "\n".join(line for line in lines if "Loading weights" not in line)


def test_another_encoder_of_the_same_dimension_is_refused(models, corpus, tmp_path, capsys):
    vectors = encode(models["first"], corpus, tmp_path / "v")
    assert search(capsys, models["first"], vectors) == (0, "")
    status, error = search(capsys, models["second"], vectors)
    assert status == 2 and error.count("\n") == 1
    assert (
        f"encoded with {models['first']} (weights " in error and f"queries with {models['second']} (weights" in error
    )
    assert f"search with {models['first']}, or encode the corpus with {models['second']}" in error


def test_a_copy_under_another_name_is_the_same_encoder(models, corpus, tmp_path, capsys):
    import shutil

    vectors = encode(models["first"], corpus, tmp_path / "v")
    assert search(capsys, shutil.copytree(models["first"], tmp_path / "copy").as_posix(), vectors)[0] == 0


def test_another_pooling_of_the_same_weights_is_refused(models, corpus, tmp_path, capsys):
    vectors = encode(models["first"], corpus, tmp_path / "v", "--pooling", "cls")
    status, error = search(capsys, models["first"], vectors)
    assert status == 2
    assert "as Transformer > Pooling(cls) > Normalize" in error
    assert "as Transformer > Pooling(mean, prompt left out) > Normalize: give the same --pooling" in error
    assert search(capsys, models["first"], vectors, "--pooling", "cls")[0] == 0


def test_queries_encoded_as_passages_are_refused(models, corpus, tmp_path, capsys):
    vectors = encode(models["first"], corpus, tmp_path / "v", "--kind", "query")
    status, error = search(capsys, models["first"], vectors)
    assert status == 2 and "these vectors were encoded as query and are searched as passages" in error


def test_vectors_of_before_modules_were_kept_are_searched(models, corpus, tmp_path, capsys):
    vectors = encode(models["first"], corpus, tmp_path / "v")
    path = tmp_path / "v" / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({key: content[key] for key in content if key not in ("modules", "similarity")}))
    assert search(capsys, models["first"], vectors) == (0, "")


def test_routes_are_described(tmp_path):
    expected = "Router(query: StaticEmbedding; document: Transformer > Pooling(mean)) > Normalize"
    assert modules_of(routed(tmp_path, "static queries")) == expected
