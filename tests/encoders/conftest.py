"""Tiny encoders of the four architectures that take packed texts, and rows to train them on."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from hf_hybrid.encoders.tokenizer_training import train_tokenizer
from tests.conftest import make_pairs, renditions

SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture(scope="module")
def pairs():
    return make_pairs(
        renditions(60, negatives=["a wrong answer", "another, longer wrong answer that has many more words in it"])
    )


@pytest.fixture(scope="module")
def tokenizer():
    texts = [str(row[side]) for row in renditions() for side in ("query", "passage")]
    return train_tokenizer(texts, vocab_size=300, max_length=48)


@pytest.fixture(scope="module")
def folders(tokenizer, tmp_path_factory):
    ids = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    ends = {"bos_token_id": 0, "eos_token_id": 2, "cls_token_id": 0, "sep_token_id": 2}
    distil = {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48, "dropout": 0.0, "attention_dropout": 0.0}
    local = {"local_attention": 6, "global_attn_every_n_layers": 2}
    models = {
        "bert": BertModel(BertConfig(**SIZES, **ids, **NO_DROPOUT, max_position_embeddings=64)),
        "xlm-roberta": XLMRobertaModel(XLMRobertaConfig(**SIZES, **ids, **NO_DROPOUT, max_position_embeddings=66)),
        "distilbert": DistilBertModel(DistilBertConfig(**distil, **ids, max_position_embeddings=64)),
        # Two of its layers see three tokens to each side only, across which a packed neighbour must not be seen
        # either.
        "modernbert": ModernBertModel(ModernBertConfig(**SIZES, **ids, **ends, **local, max_position_embeddings=64)),
    }
    torch.manual_seed(0)
    places = {}
    for name, model in models.items():
        places[name] = tmp_path_factory.mktemp(name)
        model.init_weights()
        model.save_pretrained(places[name])
        tokenizer.save_pretrained(places[name])
    return places
