"""Tiny readers and reading data, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import BertConfig, BertForQuestionAnswering, BertModel, PreTrainedTokenizerFast

from hf_hybrid.encoders.tokenizer_training import train_tokenizer

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
# Questions ask for one of two kinds of words, and passages have one of each: a tiny reader learns that in seconds.
COLOURS = ("red", "blue", "green", "white", "black", "pink")
THINGS = ("door", "roof", "wall", "car", "hat", "ship")
QUESTIONS = ("What colour is it ?", "What thing is it ?")
TEXTS = [f"The {thing} is {colour} ." for thing in THINGS for colour in COLOURS] + list(QUESTIONS)


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
    """A thing and its colour, in one of two orders, somewhere in a text."""
    thing, colour = THINGS[number % 6], COLOURS[number // 6 % 6]
    told = f"The {thing} is {colour} ." if number % 5 else f"So {colour} is the {thing} ."
    return f"{'It is so . ' * (number % 4)}{told} It is house {number} ."


def write_squad(path: Path, numbers: range, answers: bool = True) -> Path:
    """A question about every passage, in SQuAD's layout; without answers as some copies are."""
    paragraphs = []
    for number in numbers:
        text = passage(number)
        word = (COLOURS[number // 6 % 6], THINGS[number % 6])[number % 2]
        answer = {"text": word, "answer_start": text.index(word)} if answers else {"text": "", "answer_start": 0}
        question = {"id": f"english-{number}", "question": QUESTIONS[number % 2], "answers": [answer]}
        paragraphs.append({"context": text, "qas": [question]})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    return path
