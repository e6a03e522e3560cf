"""Encoders of the GPU benchmark: packaged recipes on random weights of the published shapes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.arguments.parsing import parse_arguments
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.encoders.tokenizer_training import train_tokenizer

POSITIONS = 512


@dataclass(frozen=True)
class Shape:
    """Published sizes of the encoder that a recipe starts from."""

    recipe: str
    layers: int
    width: int
    heads: int
    feed_forward: int
    vocabulary: int


SHAPES = {
    # multilingual-e5-small with the pieces that eleven languages use
    "e5_small": Shape("small_arm", 12, 384, 12, 1536, 66_697),
    "xlmr_base": Shape("xlmr_base", 12, 768, 12, 3072, 250_002),
    "xlmr_large": Shape("xlmr_large", 24, 1024, 16, 4096, 250_002),
    "labse": Shape("labse", 12, 768, 12, 3072, 501_153),
}
# For a look at the command on a CPU.
TINY = {name: Shape(shape.recipe, 2, 32, 2, 64, 2_000) for name, shape in SHAPES.items()}


@dataclass(frozen=True)
class Encoder:
    """An encoder with what its recipe says of training; both sides train it."""

    shape: Shape
    model: SentenceTransformer
    training: HybridTrainingArguments
    max_tokens: int
    lora: bool

    def passes(self) -> int:
        """Forward passes that a step is worth: the backward pass is two, and one where only an adapter gets
        gradients.
        """
        return 2 if self.lora else 3


def build(shape: Shape, device: torch.device, lora: bool, flags: Sequence[str] = ()) -> Encoder:
    """The encoder that a recipe builds, from random weights in place of a checkpoint's, without dropout.

    Args:
        shape: Its sizes and recipe.
        device: Where it is trained.
        lora: Train an adapter, as `--use_peft` does.
        flags: Further ones of the training command.
    """
    given = ["--config", shape.recipe, "--report_to", "none", *flags]
    given += [] if device.type == "cuda" else ["--bf16", "false", "--use_cpu"]
    if shape.recipe == "small_arm":
        # All layers, as `passes` counts them; tiny shapes have fewer than the recipe leaves as they are.
        given += ["--freeze_layers", "0", "--freeze_word_table", "true"]
    given += ["--use_peft", "--lora_dropout", "0", "--learning_rate", "3e-4"] if lora else []
    with tempfile.TemporaryDirectory() as folder:
        save_random(shape, Path(folder))
        arguments, _, training = parse_arguments([*given, "--model_name_or_path", folder])
        model = build_encoder(arguments).to(device)
    if training.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return Encoder(shape, model, training, model.max_seq_length, lora)


def save_random(shape: Shape, folder: Path) -> None:
    """Write a checkpoint with random weights: BERT or XLM-R alone, or LaBSE with its pooling and its dense layer."""
    sizes = {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.feed_forward,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    torch.manual_seed(0)
    if shape.recipe.startswith("xlmr"):
        model = XLMRobertaModel(XLMRobertaConfig(**sizes, max_position_embeddings=POSITIONS + 2, type_vocab_size=1))
    else:
        model = BertModel(BertConfig(**sizes, max_position_embeddings=POSITIONS))
    model.save_pretrained(folder)
    # Not used but for its padding, so a small one does.
    train_tokenizer([f"word{i} other{i}" for i in range(200)], 400).save_pretrained(folder)
    if shape.recipe == "labse":
        pooling, dense = Pooling(shape.width, pooling_mode="cls"), Dense(shape.width, shape.width)
        modules = [Transformer(str(folder)), pooling, dense, Normalize()]
        SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
