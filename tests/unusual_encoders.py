"""Small encoders that embed otherwise than most: routes, prompts that are not pooled, tokenizers without padding."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, StaticEmbedding
from transformers import DistilBertConfig, DistilBertModel, GPT2Config, GPT2Model, LlamaConfig, LlamaModel

from hf_hybrid.encoders.tokenizer_training import train_tokenizer
from tests.conftest import renditions

PROMPTS = {"query": "look for this question: ", "document": "text: "}


def tokenizer():
    return train_tokenizer([str(row[side]) for row in renditions(40) for side in ("query", "passage")], 400)


def distilbert(folder: Path, seed: int = 0) -> Transformer:
    """One layer, 16 wide."""
    torch.manual_seed(seed)
    words = tokenizer()
    config = DistilBertConfig(vocab_size=len(words), dim=16, n_layers=1, n_heads=2, hidden_dim=32)
    config.pad_token_id = words.pad_token_id
    DistilBertModel(config).save_pretrained(folder)
    words.model_max_length = 64
    words.save_pretrained(folder)
    return Transformer(str(folder))


def routed(folder: Path, kind: str = "transformers") -> SentenceTransformer:
    """A `Router`: two transformers, or a static encoder for queries and a transformer for passages."""
    passages = [distilbert(folder / "passages", seed=1), Pooling(16)]
    if kind == "static queries":
        queries = [StaticEmbedding(tokenizer().backend_tokenizer, embedding_dim=16)]
    else:
        queries = [distilbert(folder / "queries", seed=2), Pooling(16, "cls")]
    modules = [Router.for_query_document(queries, passages), Normalize()]
    return SentenceTransformer(modules=modules, prompts=dict(PROMPTS), device="cpu")


def without_pooled_prompt(folder: Path, mode: str = "mean") -> SentenceTransformer:
    """Pools the text alone, as INSTRUCTOR does."""
    modules = [distilbert(folder), Pooling(16, mode, include_prompt=False), Normalize()]
    return SentenceTransformer(modules=modules, prompts=dict(PROMPTS), device="cpu")


def late_router(folder: Path) -> SentenceTransformer:
    """One transformer for both, and a layer of its own for queries and for passages."""
    torch.manual_seed(3)
    heads = Router.for_query_document([Dense(16, 8)], [Dense(16, 8)])
    modules = [distilbert(folder), Pooling(16), heads]
    return SentenceTransformer(modules=modules, prompts=dict(PROMPTS), device="cpu")


def rotary_folder(folder: Path, padding_side: str) -> Path:
    """A decoder with rotary positions, as newer embedding models are: padding on either side moves nothing."""
    torch.manual_seed(5)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    LlamaModel(config).save_pretrained(folder)
    return _save_tokenizer(words, folder, padding_side)


def gpt2_folder(folder: Path, padding_side: str = "right", eos: bool = True) -> Path:
    """A checkpoint of plain transformers as GPT-2's: learned positions, no padding token."""
    torch.manual_seed(4)
    words = tokenizer()
    config = GPT2Config(vocab_size=len(words), n_positions=64, n_embd=16, n_layer=1, n_head=2, initializer_range=0.5)
    GPT2Model(config).save_pretrained(folder)
    words.pad_token = None
    words.eos_token = words.sep_token or words.unk_token if eos else None
    return _save_tokenizer(words, folder, padding_side)


def _save_tokenizer(words, folder: Path, padding_side: str) -> Path:
    words.model_max_length = 64
    words.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "padding_side": padding_side}))
    return folder
