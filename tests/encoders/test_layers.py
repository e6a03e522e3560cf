"""Encoders with fewer layers: which are kept, what stays, and that the copy loads as what it was cut to."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.layers import keep_layers, kept_layers
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError
from tests.encoders.test_models import SIZES, TEXTS, architectures, tokenizer  # noqa: F401  (fixtures)


def store(tmp_path, tokenizer, architecture="bert", layers=4):  # noqa: F811
    model_class, config = architectures(len(tokenizer))[architecture]
    config = type(config)(**{**config.to_dict(), "num_hidden_layers": layers, "layer_types": None})
    torch.manual_seed(0)
    model_class(config).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    args = ModelArguments(model_name_or_path=str(tmp_path / "base"), query_prompt="q: ", passage_prompt="p: ")
    return save_encoder(build_encoder(args), tmp_path / "encoder")


@pytest.mark.parametrize("wanted", range(1, 13))
def test_spaced_layers_are_distinct_even_and_end_with_the_last(wanted):
    kept = kept_layers(12, wanted, "spaced")
    gaps = np.diff([-1, *kept])
    assert len(set(kept)) == wanted and kept[-1] == 11 and gaps.max() - gaps.min() <= 1
    assert kept_layers(12, wanted) == list(range(wanted))


@pytest.mark.parametrize("which", ["first", "spaced"])
def test_the_copy_computes_with_the_layers_that_it_names(tmp_path, tokenizer, which, capsys):  # noqa: F811
    source, output = store(tmp_path, tokenizer), tmp_path / "small"
    assert main(["export", str(source), str(output), "--layers", "2", "--which_layers", which]) == 0
    kept = {"first": [0, 1], "spaced": [1, 3]}[which]
    assert f"layers kept, from 0: {kept[0]}, {kept[1]}" in capsys.readouterr().out
    assert json.loads((output / "config.json").read_text())["num_hidden_layers"] == 2
    small, whole = (SentenceTransformer(str(folder), device="cpu") for folder in (output, source))
    assert small.prompts["query"] == "q: " and small.prompts["document"] == "p: "
    # By hand: the whole encoder's own modules, its layers picked one by one.
    transformer = whole[0].auto_model
    transformer.encoder.layer = torch.nn.ModuleList(transformer.encoder.layer[place] for place in kept)
    np.testing.assert_allclose(small.encode_query(TEXTS), whole.encode_query(TEXTS), atol=1e-6)
    assert sum(p.numel() for p in small.parameters()) < sum(
        p.numel() for p in SentenceTransformer(str(source), device="cpu").parameters()
    )


@pytest.mark.parametrize("architecture", ["xlm-roberta", "modernbert"])
def test_other_architectures(tmp_path, tokenizer, architecture):  # noqa: F811
    model = SentenceTransformer(str(store(tmp_path, tokenizer, architecture)), device="cpu")
    assert keep_layers(model, 3) == [0, 1, 2]
    again = SentenceTransformer(str(save_encoder(model, tmp_path / "small")), device="cpu")
    assert again[0].auto_model.config.num_hidden_layers == 3
    np.testing.assert_allclose(again.encode(TEXTS), model.encode(TEXTS), atol=1e-6)


def test_a_distilbert_from_scratch(tmp_path):
    args = ModelArguments(
        encoder="transformer", vocab_size=330, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=32, max_seq_length=32,
    )  # fmt: skip
    model = build_encoder(args, TEXTS * 20)
    assert keep_layers(model, 1, "spaced") == [2]
    again = SentenceTransformer(str(save_encoder(model, tmp_path / "small")), device="cpu")
    assert again[0].auto_model.config.n_layers == 1
    np.testing.assert_allclose(again.encode(TEXTS), model.encode(TEXTS), atol=1e-6)


def test_what_cannot_be_cut(tmp_path, tokenizer):  # noqa: F811
    model = SentenceTransformer(str(store(tmp_path, tokenizer, "modernbert")), device="cpu")
    for wanted in (0, 5):
        with pytest.raises(InputError, match=f"--layers {wanted}: the encoder has 4; give 1 to 4"):
            keep_layers(model, wanted)
    with pytest.raises(InputError, match="--which_layers is 'last': choose one of first, spaced"):
        keep_layers(model, 2, "last")
    with pytest.raises(InputError, match="the first layer of ModernBertModel is unlike the others"):
        keep_layers(model, 2, "spaced")
    static = build_encoder(ModelArguments(encoder="static", vocab_size=330, embedding_dimension=8), TEXTS * 20)
    with pytest.raises(InputError, match="--layers: a static encoder has none"):
        keep_layers(static, 1)
    odd = SentenceTransformer(str(store(tmp_path / "odd", tokenizer)), device="cpu")
    odd[0].auto_model.second = BertModel(BertConfig(**{**SIZES, "num_hidden_layers": 4}, vocab_size=10)).encoder
    with pytest.raises(InputError, match="BertModel has 2 lists of 4 layers instead of one"):
        keep_layers(odd, 1)
