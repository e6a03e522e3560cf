import numpy as np
import pytest
import torch

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.encode_benchmark import encode_benchmark
from hf_hybrid.retrieval.encode import load_encoder

TEXTS = ["one two", "three four five", "six", "seven eight"] * 20
SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="module")
def transformer():
    return build_encoder(ModelArguments(encoder="transformer", vocab_size=320, **SIZES), training_texts=TEXTS)


@pytest.fixture(scope="module")
def saved(transformer, tmp_path_factory):
    return save_encoder(transformer, tmp_path_factory.mktemp("models") / "sentence")


@pytest.fixture(scope="module")
def plain(transformer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "plain"
    transformer[0].auto_model.save_pretrained(folder)
    transformer[0].tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def benchmark():
    candidates = ["one two", "six", "one two", "three four five"]
    return Benchmark(
        name="toy",
        languages=("en",),
        query_ids=["a", "b"],
        queries=["six", "seven eight"],
        query_languages=[0, 0],
        query_examples=[0, 1],
        candidate_ids=list("wxyz"),
        candidates=candidates,
        candidate_languages=[0] * 4,
        relevance_offsets=[0, 1, 2],
        relevance_candidates=[1, 0],
        clusters=[0, 1],
    )


def test_vectors_are_float32_of_unit_length_in_the_given_order(saved, transformer, benchmark):
    model = load_encoder(str(saved))
    queries, candidates = encode_benchmark(model, benchmark)
    assert queries.dtype == torch.float32 and queries.shape == (2, 16) and candidates.shape == (4, 16)
    assert np.allclose(torch.linalg.vector_norm(candidates, dim=1), 1, atol=1e-6)
    expected = transformer.encode(benchmark.candidates, prompt="Passage: ", normalize_embeddings=True)
    assert np.allclose(candidates, expected, atol=1e-5)


def test_equal_texts_get_equal_vectors_whatever_the_batches(saved, benchmark):
    _, candidates = encode_benchmark(load_encoder(str(saved)), benchmark, batch_size=1)
    assert torch.equal(candidates[0], candidates[2])


def test_prompts_can_be_replaced(saved, transformer, benchmark):
    queries, _ = encode_benchmark(load_encoder(str(saved)), benchmark, query_prompt="")
    expected = transformer.encode(benchmark.queries, prompt="", normalize_embeddings=True)
    assert np.allclose(queries, expected, atol=1e-5)


def test_a_plain_transformer_gets_mean_pooling_and_no_prompt(plain, transformer, benchmark):
    queries, _ = encode_benchmark(load_encoder(str(plain)), benchmark)
    expected = transformer.encode(benchmark.queries, prompt="", normalize_embeddings=True)
    assert np.allclose(queries, expected, atol=1e-5)


def test_pooling_can_be_replaced(plain, benchmark):
    mean, cls = (encode_benchmark(load_encoder(str(plain), pooling=mode), benchmark)[0] for mode in ("mean", "cls"))
    assert not np.allclose(mean, cls, atol=1e-3)
    with pytest.raises(InputError, match="pooling 'middle' is not known"):
        load_encoder(str(plain), pooling="middle")


def test_a_static_encoder_has_no_pooling_to_replace(tmp_path):
    static = build_encoder(
        ModelArguments(encoder="static", vocab_size=320, embedding_dimension=8), training_texts=TEXTS
    )
    folder = save_encoder(static, tmp_path / "static")
    with pytest.raises(InputError, match="has no pooling"):
        load_encoder(str(folder), pooling="mean")


def test_pickled_weights_are_refused(plain, tmp_path):
    for file in plain.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="pickled weights"):
        load_encoder(str(tmp_path))


def test_a_model_that_is_not_there():
    with pytest.raises(InputError, match="no directory ./nowhere"):
        load_encoder("./nowhere")


def test_a_device_that_is_not_there(saved):
    with pytest.raises(InputError, match="device 'quantum' cannot be used"):
        load_encoder(str(saved), device="quantum")


def test_each_process_takes_its_own_gpu(monkeypatch):
    from hf_hybrid.retrieval.encode import _own_device

    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert _own_device() == "cuda:3"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert _own_device() == "cpu"


def test_a_batch_size_below_one_is_refused(saved, benchmark):
    with pytest.raises(InputError, match="batch_size"):
        encode_benchmark(load_encoder(str(saved)), benchmark, batch_size=0)
