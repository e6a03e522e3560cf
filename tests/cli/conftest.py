"""A small encoder, a corpus and its vectors, for the verbs that read or make them."""

import json

import pytest

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import build_encoder, save_encoder

WORDS = "rot grün blau weiss schwarz gelb braun grau eins zwei drei vier".split()
TEXTS = [f"{a} {b}" for a in WORDS for b in WORDS if a != b]


@pytest.fixture(scope="package")
def texts():
    return TEXTS


@pytest.fixture(scope="package")
def model(tmp_path_factory):
    args = ModelArguments(encoder="static", vocab_size=330, embedding_dimension=32, query_prompt="", passage_prompt="")
    return str(save_encoder(build_encoder(args, training_texts=TEXTS * 3), tmp_path_factory.mktemp("m") / "model"))


@pytest.fixture(scope="package")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    rows = [json.dumps({"_id": f"p{n}", "text": text}) for n, text in enumerate(TEXTS)]
    path.write_text("\n".join(rows))
    return str(path)


@pytest.fixture(scope="package")
def vectors(model, corpus, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("v") / "vectors")
    assert main(["encode", model, "--corpus", corpus, "--output", folder, "--rows_per_shard", "50", "--quiet"]) == 0
    return folder
