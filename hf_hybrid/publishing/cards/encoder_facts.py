"""What the saved modules of an encoder say of it: pooling, normalisation, prompts, sizes; read without loading the
weights.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_hybrid.encoders.prompts import saved_prompt
from hf_hybrid.errors import InputError

# Tokenizers without a limit say something like 10^30.
_LONGEST = 1_000_000
_DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "I8": "int8"}


@dataclass(frozen=True)
class EncoderFacts:
    """An encoder as saved.

    Attributes:
        modules: names of the classes, in their order.
        architecture: of a transformer, as `distilbert`.
        pooling: `mean`, `cls`, ...; None where there is no pooling module.
        include_prompt: whether the tokens of the prompt are pooled.
        query_prompt: put before queries.
        passage_prompt: put before passages.
        dimension: of the vectors.
        max_length: tokens of a text; None without a limit.
        vocabulary: rows of the token vectors.
        parameters: numbers in the weights.
        dtype: of the largest table of weights, as `float16`.
        weight_bytes: size of the weights on disk.
        lower_cased: whether texts are lower-cased outside of the tokenizer.
    """

    modules: tuple[str, ...]
    architecture: str | None
    pooling: str | None
    include_prompt: bool
    query_prompt: str
    passage_prompt: str
    dimension: int | None
    max_length: int | None
    vocabulary: int | None
    parameters: int
    dtype: str
    weight_bytes: int
    lower_cased: bool

    @property
    def is_static(self) -> bool:
        """Whether a text's vector is the mean of its tokens' vectors."""
        return self.modules[0] == "StaticEmbedding"

    @property
    def is_normalised(self) -> bool:
        """Whether vectors have length one."""
        return self.modules[-1] == "Normalize"

    @property
    def is_plain_transformer(self) -> bool:
        """Whether `transformers` and a pooling of a few lines give the same vectors."""
        return (
            self.modules in (("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize"))
            and self.pooling in ("mean", "cls")
            and self.include_prompt
            and not self.lower_cased
        )


def read_encoder(folder: Path) -> EncoderFacts:
    """Read what the folder of a saved encoder says of it.

    Raises:
        InputError: it is no folder of sentence-transformers, or a file in it is damaged.
    """
    listed = _read(folder / "modules.json")
    if not isinstance(listed, list) or not listed:
        raise InputError(
            f"{folder}: no modules.json, so no encoder of sentence-transformers; name the folder of a model"
        )
    modules = tuple(str(entry["type"]).rpartition(".")[2] for entry in listed)
    settings = {
        name: _read(folder / entry["path"] / "config.json") or {}
        for name, entry in zip(modules, listed, strict=True)
        if name not in ("Transformer", "StaticEmbedding")
    }
    encoder = _read(folder / "config_sentence_transformers.json") or {}
    query, passage = (
        saved_prompt(encoder.get("prompts") or {}, kind, encoder.get("default_prompt_name")) or ""
        for kind in ("query", "passage")
    )
    config = _read(folder / "config.json") or {}
    transformer = _read(folder / "sentence_bert_config.json") or {}
    pooling = settings.get("Pooling", {})
    tensors = _tensors(folder)
    largest = max(
        tensors.values(), key=lambda tensor: math.prod(tensor["shape"]), default={"shape": [], "dtype": "F32"}
    )
    tokens = largest["shape"] if len(largest["shape"]) == 2 else None
    is_static = modules[0] == "StaticEmbedding"
    return EncoderFacts(
        modules=modules,
        architecture=config.get("model_type"),
        pooling=_pooling(pooling) if pooling else None,
        include_prompt=pooling.get("include_prompt", True),
        query_prompt=query,
        passage_prompt=passage,
        dimension=tokens[1]
        if is_static and tokens
        else pooling.get("embedding_dimension", pooling.get("word_embedding_dimension")),
        max_length=None if is_static else _max_length(folder, transformer, config),
        vocabulary=tokens[0] if is_static and tokens else config.get("vocab_size"),
        parameters=sum(math.prod(tensor["shape"]) for tensor in tensors.values()),
        dtype=_DTYPES.get(largest["dtype"], largest["dtype"].lower()),
        weight_bytes=sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        lower_cased=bool(transformer.get("do_lower_case", False)),
    )


def _pooling(settings: dict[str, Any]) -> str | None:
    """The one kind of pooling; sentence-transformers before 5.4 had a switch for each."""
    if "pooling_mode" in settings:
        return settings["pooling_mode"] if isinstance(settings["pooling_mode"], str) else None
    names = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
    chosen = [name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True]
    return names.get(chosen[0]) if len(chosen) == 1 else None


def _max_length(folder: Path, transformer: dict[str, Any], config: dict[str, Any]) -> int | None:
    tokenizer = _read(folder / "tokenizer_config.json") or {}
    for length in (
        transformer.get("max_seq_length"),
        tokenizer.get("model_max_length"),
        config.get("max_position_embeddings"),
    ):
        if isinstance(length, int) and 0 < length < _LONGEST:
            return length
    return None


def _tensors(folder: Path) -> dict[str, dict[str, Any]]:
    """Name -> shape and type of every tensor of the weights, from the heads of the files."""
    tensors: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with open(path, "rb") as file:
            start = file.read(8)
            head = file.read(struct.unpack("<Q", start)[0]) if len(start) == 8 else b""
        try:
            entries = json.loads(head)
        except ValueError as error:
            raise InputError(f"{path}: the head of the weights is damaged; save the model again") from error
        tensors |= {name: entry for name, entry in entries.items() if name != "__metadata__"}
    return tensors


def _read(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); save the model again") from error
