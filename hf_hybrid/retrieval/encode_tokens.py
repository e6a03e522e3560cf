"""Texts to what a model's first module takes: tokenised once, ahead of the batches, and measured in tokens.

Sorting texts by characters, as libraries do that tokenise batch by batch, leaves a batch of several languages ragged:
a Chinese character is about a token, a German one a quarter of it. Here whole blocks are tokenised first, so that
batches can be cut by tokens.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from hf_hybrid.encoders.packed import first_position, kernel_is_there, pack, spans, take_packed, why_padded
from hf_hybrid.encoders.text_inputs import ensure_padding

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

# Texts given to the tokenizer at once: enough for all its threads, few enough that its own objects stay small.
_TOKENISED_AT_ONCE = 1024
_FAST_FEATURES = {"input_ids", "attention_mask", "token_type_ids", "modality", "prompt_length"}
# What the fast path is compared on with the model's own preprocessing.
_PROBE = (
    "",
    " a  b ",
    "Ein Satz, mit Komma.",
    "東京は日本の首都です。",
    "İstanbul'da kaç kişi yaşıyor?",
    "long text " * 2000,
)


class Block(Protocol):
    """Texts ready for the model."""

    lengths: np.ndarray
    """int64 ``[n]``: tokens of each text, or an estimate; for sorting and for the size of batches."""

    def features(self, rows: np.ndarray) -> dict[str, Any]:
        """Input of the model for some of the texts, on the CPU."""


class BlockMaker(Protocol):
    """Makes blocks of texts for one model and one prompt."""

    def __call__(self, texts: Sequence[str]) -> Block:
        """Tokenise the texts."""


def block_maker(model: SentenceTransformer, prompt: str | None, task: str | None = None) -> BlockMaker:
    """Choose how to prepare texts for a model.

    Transformers with a fast tokenizer and static encoders are tokenised by the Rust tokenizer directly; that this
    gives exactly what the model's own preprocessing gives is tried on a few texts first. All other models (routers,
    message formats, flattened inputs) get their own preprocessing, batch by batch.

    Args:
        model: the encoder.
        prompt: put before every text; None or an empty string for none.
        task: "query" or "document", which some models preprocess differently.
    """
    ensure_padding(model)
    first = model[0]
    if type(first) is StaticEmbedding:
        return _StaticMaker(first.tokenizer, prompt or "")
    if type(first) is Transformer and getattr(first.tokenizer, "is_fast", False) and not first.can_flatten_inputs:
        fast = _TransformerMaker(first, model.preprocess([_PROBE[0]], prompt=prompt, task=task), prompt or "")
        if _same_features(fast(_PROBE).features(np.arange(len(_PROBE))), model, prompt, task):
            fast.packed_from = _packed_from(model)
            return fast
    return _PreprocessMaker(model, prompt, task)


def _same_features(ours: dict[str, Any], model: SentenceTransformer, prompt: str | None, task: str | None) -> bool:
    theirs = model.preprocess(list(_PROBE), prompt=prompt, task=task)
    if set(theirs) - _FAST_FEATURES or set(theirs) != set(ours):
        return False
    return all(
        torch.equal(ours[name], value) if isinstance(value, torch.Tensor) else ours[name] == value
        for name, value in theirs.items()
    )


def _packed_from(model: SentenceTransformer) -> int | None:
    """Where positions start if texts are to be laid end to end; None where they are padded."""
    if not _half(next(model.parameters()).dtype) or not kernel_is_there(model.device) or why_padded(model):
        return None
    take_packed(model)
    return first_position(model)


def _half(dtype: torch.dtype) -> bool:
    return dtype in (torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class _StaticBlock:
    """Token ids end to end, for an embedding bag."""

    values: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray

    def features(self, rows: np.ndarray) -> dict[str, Any]:
        lengths = self.lengths[rows]
        flat = spans(self.starts[rows], lengths)
        return {
            "input_ids": torch.from_numpy(self.values[flat].astype(np.int64)),
            "offsets": torch.from_numpy(np.cumsum(lengths) - lengths),
        }


class _StaticMaker:
    def __init__(self, tokenizer: Tokenizer, prompt: str) -> None:
        self.tokenizer = tokenizer
        self.prompt = prompt

    def __call__(self, texts: Sequence[str]) -> _StaticBlock:
        return _StaticBlock(*_token_ids(self.tokenizer, texts, self.prompt, special_tokens=False))


@dataclass(frozen=True)
class _TransformerBlock:
    values: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray
    padding_id: int
    padding_left: bool
    constants: dict[str, Any]
    token_type_ids: bool
    packed_from: int | None = None

    def features(self, rows: np.ndarray) -> dict[str, Any]:
        lengths, starts = self.lengths[rows], self.starts[rows]
        if self.packed_from is not None:
            return {**pack(self.values[spans(starts, lengths)], lengths, self.packed_from), **self.constants}
        longest = int(lengths.max(initial=0))
        column = np.arange(longest) - (longest - lengths[:, None] if self.padding_left else 0)
        is_token = (column >= 0) & (column < lengths[:, None])
        ids = np.full(is_token.shape, self.padding_id, dtype=np.int64)
        ids[is_token] = self.values[(starts[:, None] + column)[is_token]]
        features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(is_token.astype(np.int64))}
        if self.token_type_ids:
            features["token_type_ids"] = torch.zeros(ids.shape, dtype=torch.int64)
        return {**features, **self.constants}


class _TransformerMaker:
    def __init__(self, module: Transformer, example: dict[str, Any], prompt: str) -> None:
        self.tokenizer = module.tokenizer
        self.max_length = module.max_seq_length
        self.prompt = prompt
        # Not of a text but of the batch: its modality and the length of the prompt, which some poolings leave out.
        self.constants = {name: value for name, value in example.items() if not isinstance(value, torch.Tensor)}
        self.token_type_ids = "token_type_ids" in example
        self.packed_from: int | None = None

    def __call__(self, texts: Sequence[str]) -> _TransformerBlock:
        backend = self.tokenizer.backend_tokenizer
        # transformers sets both anew at every call, so nobody else meets our settings.
        backend.no_padding()
        if self.max_length is None or self.max_length > 1_000_000:
            backend.no_truncation()
        else:
            backend.enable_truncation(self.max_length, direction=self.tokenizer.truncation_side)
        values, lengths, starts = _token_ids(backend, texts, self.prompt, special_tokens=True)
        return _TransformerBlock(
            values,
            lengths,
            starts,
            padding_id=self.tokenizer.pad_token_id or 0,
            padding_left=self.tokenizer.padding_side == "left",
            constants=self.constants,
            token_type_ids=self.token_type_ids,
            packed_from=self.packed_from,
        )


@dataclass(frozen=True)
class _PreprocessBlock:
    texts: Sequence[str]
    lengths: np.ndarray
    maker: _PreprocessMaker

    def features(self, rows: np.ndarray) -> dict[str, Any]:
        texts = [self.texts[row] for row in rows.tolist()]
        return self.maker.model.preprocess(texts, prompt=self.maker.prompt, task=self.maker.task)


@dataclass(frozen=True)
class _PreprocessMaker:
    """The model's own preprocessing; lengths are guessed from the bytes of the texts, which follow tokens better than
    characters.
    """

    model: SentenceTransformer
    prompt: str | None
    task: str | None

    def __call__(self, texts: Sequence[str]) -> _PreprocessBlock:
        limit = self.model.max_seq_length
        guesses = np.array([len(text.encode()) // 4 + 8 for text in texts], dtype=np.int64)
        return _PreprocessBlock(texts, guesses if limit is None else np.minimum(guesses, limit), self)


def _token_ids(
    tokenizer: Tokenizer, texts: Sequence[str], prompt: str, special_tokens: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Token ids end to end (int32), the number of each text and where it starts (int64)."""
    # Once a process has used threads and forked, the tokenizer would fall back to one; here nothing forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    parts: list[np.ndarray] = []
    lengths: list[int] = []
    for start in range(0, len(texts), _TOKENISED_AT_ONCE):
        some = texts[start : start + _TOKENISED_AT_ONCE]
        encodings = tokenizer.encode_batch_fast(
            [prompt + text for text in some] if prompt else list(some), add_special_tokens=special_tokens
        )
        ids = [encoding.ids for encoding in encodings]
        counts = [len(one) for one in ids]
        lengths += counts
        parts.append(np.fromiter(chain.from_iterable(ids), dtype=np.int32, count=sum(counts)))
    counts = np.array(lengths, dtype=np.int64)
    values = np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)
    return values, counts, np.cumsum(counts) - counts
