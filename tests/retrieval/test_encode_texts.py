import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers.sentence_transformer.modules import Pooling

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval import encode_tokens
from hf_hybrid.retrieval.encode_texts import ahead, batches_of, encode_texts
from hf_hybrid.retrieval.encode_tokens import _PreprocessMaker, _StaticMaker, _TransformerMaker, block_maker

RNG = np.random.default_rng(0)
WORDS = "der die das 東京 भारत країна alpha beta gamma delta question answer Satz мир".split()
TEXTS = [" ".join(RNG.choice(WORDS, size)) for size in RNG.integers(1, 90, 150)] + ["", "  ", "x"]
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="module")
def transformer():
    args = ModelArguments(encoder="transformer", vocab_size=340, max_seq_length=40, **SIZES)
    return build_encoder(args, training_texts=TEXTS[:-3]).eval()


@pytest.fixture(scope="module")
def static():
    args = ModelArguments(encoder="static", vocab_size=340, embedding_dimension=16, max_seq_length=30)
    return build_encoder(args, training_texts=TEXTS[:-3]).eval()


def reference(model, kind):
    encode = model.encode_query if kind == "query" else model.encode_document
    return torch.as_tensor(encode(TEXTS, batch_size=7, normalize_embeddings=True))


@pytest.mark.parametrize("kind", ["query", "passage"])
@pytest.mark.parametrize("batch_tokens", [1, 64, None])
@pytest.mark.parametrize("name", ["transformer", "static"])
def test_vectors_are_those_of_sentence_transformers(name, kind, batch_tokens, request):
    model = request.getfixturevalue(name)
    vectors = encode_texts(model, TEXTS, kind=kind, batch_tokens=batch_tokens)
    assert vectors.dtype == torch.float32
    assert torch.allclose(vectors, reference(model, kind), atol=1e-5)


def test_windows_do_not_change_the_order(transformer, monkeypatch):
    monkeypatch.setattr("hf_hybrid.retrieval.encode_texts.WINDOW", 10)
    assert torch.allclose(encode_texts(transformer, TEXTS), reference(transformer, "passage"), atol=1e-5)


def test_the_fast_path_is_taken_where_it_gives_the_same_tokens(transformer, static):
    assert isinstance(block_maker(transformer, "Query: ", "query"), _TransformerMaker)
    assert isinstance(block_maker(static, "Query: ", "query"), _StaticMaker)


def test_another_preprocessing_is_respected(transformer, monkeypatch):
    """A module that does something else to texts is found out by the probe, and keeps its own way."""
    original = type(transformer[0]).preprocess

    def lower(self, inputs, prompt=None, **kwargs):
        return original(self, [text.lower() for text in inputs], prompt=prompt, **kwargs)

    monkeypatch.setattr(type(transformer[0]), "preprocess", lower)
    assert isinstance(block_maker(transformer, "Query: ", "query"), _PreprocessMaker)
    assert torch.allclose(encode_texts(transformer, TEXTS), reference(transformer, "passage"), atol=1e-5)


def test_a_pooling_without_the_prompt(transformer):
    pooling = transformer[1]
    transformer[1] = Pooling(pooling.embedding_dimension, pooling_mode="mean", include_prompt=False)
    try:
        assert torch.allclose(encode_texts(transformer, TEXTS), reference(transformer, "passage"), atol=1e-5)
    finally:
        transformer[1] = pooling


def test_left_padding(transformer):
    transformer[0].tokenizer.padding_side = "left"
    try:
        ours = block_maker(transformer, None)(TEXTS[:5]).features(np.arange(5))
        theirs = transformer.preprocess(TEXTS[:5])
        assert torch.equal(ours["input_ids"], theirs["input_ids"])
        assert torch.equal(ours["attention_mask"], theirs["attention_mask"])
    finally:
        transformer[0].tokenizer.padding_side = "right"


def test_shortened_vectors(transformer):
    transformer.truncate_dim = 6
    try:
        vectors = encode_texts(transformer, TEXTS)
        assert vectors.shape == (len(TEXTS), 6)
        assert torch.allclose(vectors, reference(transformer, "passage"), atol=1e-5)
    finally:
        transformer.truncate_dim = None


def test_training_mode_is_restored(transformer):
    transformer.train()
    encode_texts(transformer, TEXTS[:3])
    assert transformer.training
    transformer.eval()


@pytest.mark.parametrize("name", ["batch_tokens", "max_batch_size"])
def test_batch_sizes_below_one(transformer, name):
    with pytest.raises(InputError, match=f"{name} must be at least 1"):
        encode_texts(transformer, TEXTS[:3], **{name: 0})


def test_an_unknown_kind(transformer):
    with pytest.raises(InputError, match="choose query or passage"):
        encode_texts(transformer, TEXTS[:3], kind="document")


def test_no_texts(transformer):
    assert encode_texts(transformer, []).shape == (0, 16)


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 120), st.integers(1, 9))
def test_batches_hold_every_text_once_within_the_budget(lengths, batch_tokens, max_batch_size):
    lengths = np.array(lengths, dtype=np.int64)
    batches = list(batches_of(lengths, batch_tokens, max_batch_size))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= batch_tokens
        assert len(batch) <= max_batch_size
    longest = [lengths[batch].max() for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_items_come_ahead_and_errors_where_they_belong():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            if number == 3:
                raise InputError("three")
            yield number

    taken = []
    with pytest.raises(InputError, match="three"):
        for item in ahead(items()):
            taken.append(item)
    assert taken == [0, 1, 2] and made == [0, 1, 2, 3]


def test_reading_ahead_stops_when_nobody_wants_more():
    made = []

    def items():
        for number in range(1000):
            made.append(number)
            yield number

    reader = ahead(items())
    assert next(reader) == 0
    reader.close()
    assert len(made) <= 4


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_texts_laid_end_to_end_give_the_same_vectors(transformer, monkeypatch, kind):
    """The layout that half precision gets on a GPU, here with the mask that stands in for its attention."""
    model = copy.deepcopy(transformer)
    monkeypatch.setattr(encode_tokens, "kernel_is_there", lambda device: True)
    monkeypatch.setattr(encode_tokens, "_half", lambda dtype: True)
    features = block_maker(model, "Query: ", "query")(TEXTS).features(np.arange(4))
    assert features["input_ids"].shape[0] == 1 and len(features["cu_seq_lens_q"]) == 5
    assert torch.allclose(encode_texts(model, TEXTS, kind=kind), reference(transformer, kind), atol=1e-5)


def test_texts_are_padded_in_float32_and_without_the_kernel(transformer, monkeypatch):
    def layout(model):
        return sorted(block_maker(model, "", None)(TEXTS).features(np.arange(4)))

    padded = layout(transformer)
    assert "attention_mask" in padded
    assert layout(copy.deepcopy(transformer).bfloat16()) == padded
    monkeypatch.setattr(encode_tokens, "kernel_is_there", lambda device: True)
    assert layout(transformer) == padded
    assert "cu_seq_lens_q" in layout(copy.deepcopy(transformer).bfloat16())
