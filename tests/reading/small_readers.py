"""Tiny readers and reading data, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import BertConfig, BertForQuestionAnswering, BertModel, PreTrainedTokenizerFast

from hf_hybrid.encoders.tokenizer_training import train_tokenizer

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
# Question and passage of one pattern: a reader learns in seconds to point at what follows the asked-for word.
COLOURS = ("red", "blue", "green", "white", "black", "pink")
THINGS = ("door", "roof", "wall", "car", "hat", "ship")
TEXTS = [f"The {thing} is {colour} ." for thing in THINGS for colour in COLOURS] + ["What colour is the door ?"]


def small_tokenizer(max_length: int = 128) -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS * 20, vocab_size=340, max_length=max_length)


def store(folder: Path, reader: bool = True, max_length: int = 128, seed: int = 0, **config: int) -> Path:
    """Save a random BERT, with or without the layer that finds answers."""
    tokenizer = small_tokenizer(max_length)
    torch.manual_seed(seed)
    ids = {"vocab_size": len(tokenizer), "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    settings = BertConfig(**{**SIZES, **config}, **ids, max_position_embeddings=max_length)
    (BertForQuestionAnswering if reader else BertModel)(settings).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def passage(number: int) -> str:
    """Three things and their colours."""
    parts = [f"The {THINGS[(number + k) % 6]} is {COLOURS[(number // 6 + 2 * k + number) % 6]} ." for k in range(3)]
    return " ".join(parts) + f" It is house {number} ."


def write_squad(path: Path, numbers: range, answers: bool = True) -> Path:
    """A question about one thing of every passage, in SQuAD's layout; without answers as some copies are."""
    paragraphs = []
    for number in numbers:
        text = passage(number)
        words = text.split()
        thing, colour = words[5 * (number % 3) + 1], words[5 * (number % 3) + 3]
        start = text.index(f"{thing} is {colour}") + len(f"{thing} is ")
        answer = {"text": colour, "answer_start": start} if answers else {"text": "", "answer_start": 0}
        question = {"id": f"english-{number}", "question": f"What colour is the {thing} ?", "answers": [answer]}
        paragraphs.append({"context": text, "qas": [question]})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    return path
