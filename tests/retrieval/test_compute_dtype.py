"""What an encoder computes in: the vectors stay close, the encoder stays the one that was loaded, files say it."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import ModernBertConfig, ModernBertModel

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.cli.main import main
from hf_hybrid.data.teacher_vectors import TeacherVectors
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.compute_dtype import cast_weights, compute_dtype_of
from hf_hybrid.retrieval.encode import load_encoder
from hf_hybrid.retrieval.encode_texts import encode_texts
from hf_hybrid.retrieval.provenance import model_sha256
from hf_hybrid.retrieval.shards import Shards

TEXTS = ["one two", "three four five", "six", "seven eight nine ten"] * 20
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def saved(kind: str, folder) -> str:
    args = ModelArguments(encoder=kind, vocab_size=330, embedding_dimension=16, **SIZES)
    return str(save_encoder(build_encoder(args, training_texts=TEXTS), folder))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return saved("transformer", tmp_path_factory.mktemp("m") / "model")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    path.write_text("\n".join(json.dumps({"_id": f"p{n}", "text": text}) for n, text in enumerate(TEXTS)))
    return str(path)


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_vectors_stay_close_and_the_weights_are_known(name, model):
    plain, cast = load_encoder(model, device="cpu"), load_encoder(model, device="cpu", compute_dtype=name)
    assert compute_dtype_of(plain) == "float32" and compute_dtype_of(cast) == name
    assert model_sha256(cast) == model_sha256(plain)
    exact, close = encode_texts(plain, TEXTS), encode_texts(cast, TEXTS)
    assert close.dtype == torch.float32 and not torch.equal(exact, close)
    assert (exact * close).sum(1).min() > 0.999


def test_a_static_encoder_keeps_float32(tmp_path, caplog):
    encoder = load_encoder(saved("static", tmp_path / "static"), device="cpu", compute_dtype="bfloat16")
    assert compute_dtype_of(encoder) == "float32" and "a static encoder has no products" in caplog.text


@pytest.mark.parametrize(("units", "chosen"), [("AVX512-BF16", "bfloat16"), (None, "float32")])
def test_auto_is_what_this_cpu_is_fast_in(units, chosen, model, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("hf_hybrid.engines.precision.bf16_units", lambda: units)
    assert compute_dtype_of(load_encoder(model, device="cpu", compute_dtype="auto")) == chosen
    static = load_encoder(saved("static", tmp_path / "static"), device="cpu", compute_dtype="auto")
    assert compute_dtype_of(static) == "float32" and "compute_dtype" not in caplog.text
    # What was asked for by name is done, and said where it is slow.
    assert compute_dtype_of(load_encoder(model, device="cpu", compute_dtype="bfloat16")) == "bfloat16"
    assert ("several times as long" in caplog.text) is (units is None)


def test_frequencies_of_positions_keep_their_digits():
    config = ModernBertConfig(
        vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, pad_token_id=0
    )
    encoder = ModernBertModel(config)
    before = {name: buffer.clone() for name, buffer in encoder.named_buffers() if "inv_freq" in name}
    cast_weights(encoder, torch.bfloat16)
    after = dict(encoder.named_buffers())
    assert before and all(torch.equal(after[name], buffer) for name, buffer in before.items())
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.bfloat16}


def test_other_words_are_refused(model):
    with pytest.raises(InputError, match="compute_dtype: 'int8' is none of float32, float16, bfloat16, auto"):
        load_encoder(model, compute_dtype="int8")


def test_vectors_say_it_and_are_not_mixed(model, corpus, tmp_path, capsys):
    folder = str(tmp_path / "vectors")
    command = ["encode", model, "--corpus", corpus, "--output", folder, "--quiet", "--device", "cpu"]
    assert main([*command, "--compute_dtype", "bfloat16"]) == 0
    assert Shards.open(folder).settings.compute_dtype == "bfloat16"
    assert main(command) == 2
    assert "compute_dtype is 'bfloat16', not 'float32'" in capsys.readouterr().err
    # The same encoder searches them, in whatever numbers.
    for dtype in ("float32", "bfloat16"):
        search = ["search", model, "--vectors", folder, "--query", "six", "--k", "3", "--device", "cpu", "--quiet"]
        assert main([*search, "--compute_dtype", dtype]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 3


def test_vectors_from_before_are_float32(model, corpus, tmp_path):
    folder = tmp_path / "vectors"
    command = ["encode", model, "--corpus", corpus, "--output", str(folder), "--quiet", "--device", "cpu"]
    assert main(command) == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["compute_dtype"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert Shards.open(folder).settings.compute_dtype == "float32"
    assert main(command) == 0


def test_results_say_it(model, tmp_path):
    files = {}
    for dtype in ("float32", "bfloat16"):
        files[dtype] = tmp_path / f"{dtype}.json"
        command = ["evaluate", model, "--quiet", "--device", "cpu", "--compute_dtype", dtype]
        assert main([*command, "--output", str(files[dtype])]) == 0
    contents = {dtype: json.loads(path.read_text()) for dtype, path in files.items()}
    assert all(content["settings"]["compute_dtype"] == dtype for dtype, content in contents.items())
    first, second = (content["summary"]["mean_map"] for content in contents.values())
    assert first == pytest.approx(second, abs=0.02)


def test_teachers_say_it(model, tmp_path):
    data = tmp_path / "train.jsonl"
    rows = [{"id": str(n), "lang": "en", "query": text, "passage": text} for n, text in enumerate(TEXTS[:4])]
    data.write_text("\n".join(json.dumps(row) for row in rows))
    command = ["teacher-vectors", model, "--dataset_name_or_path", str(data), "--language", "en", "--device", "cpu"]
    output = tmp_path / "teacher.safetensors"
    assert main([*command, "--output", str(output), "--quiet", "--compute_dtype", "bfloat16"]) == 0
    assert TeacherVectors.open(output).settings.compute_dtype == "bfloat16"
