"""A model of a few kilobytes, as a folder that `SentenceTransformer` and `AutoModel` load; made without torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "where", "is", "the", "lake", "wo", "ist", "der", "see"]
WIDTH = 8


def write_small_model(folder: Path, card: str, seed: int = 0) -> None:
    """One layer of DistilBERT with random weights, mean pooling, and a card."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)

    def linear(name: str, out: int, inner: int) -> dict[str, np.ndarray]:
        weight = draw.normal(scale=0.5, size=(out, inner)).astype(np.float32)
        return {f"{name}.weight": weight, f"{name}.bias": np.zeros(out, np.float32)}

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": np.ones(WIDTH, np.float32), f"{name}.bias": np.zeros(WIDTH, np.float32)}

    layer = "transformer.layer.0"
    weights = {
        "embeddings.word_embeddings.weight": draw.normal(size=(len(WORDS), WIDTH)).astype(np.float32),
        "embeddings.position_embeddings.weight": draw.normal(size=(16, WIDTH)).astype(np.float32),
        **norm("embeddings.LayerNorm"),
        **norm(f"{layer}.sa_layer_norm"),
        **norm(f"{layer}.output_layer_norm"),
        **linear(f"{layer}.ffn.lin1", 2 * WIDTH, WIDTH),
        **linear(f"{layer}.ffn.lin2", WIDTH, 2 * WIDTH),
    }
    for part in "qkv":
        weights |= linear(f"{layer}.attention.{part}_lin", WIDTH, WIDTH)
    weights |= linear(f"{layer}.attention.out_lin", WIDTH, WIDTH)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})

    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(folder / "tokenizer.json"))

    modules = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling")]
    settings: dict[str, object] = {
        "config.json": {
            "architectures": ["DistilBertModel"],
            "model_type": "distilbert",
            "vocab_size": len(WORDS),
            "max_position_embeddings": 16,
            "dim": WIDTH,
            "hidden_dim": 2 * WIDTH,
            "n_heads": 2,
            "n_layers": 1,
            "dropout": 0.0,
            "attention_dropout": 0.0,
            "pad_token_id": 0,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 16,
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
        },
        "modules.json": [
            {"idx": int(i), "name": i, "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, path, kind in modules
        ],
        "sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {}, "similarity_fn_name": "cosine"},
        "1_Pooling/config.json": {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True},
    }
    for path, content in settings.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(json.dumps(content, indent=2) + "\n")
    (folder / "README.md").write_text(card)
