"""Texts to vectors with any sentence-transformers model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from ..errors import InputError
from .encode_texts import batch_tokens_of, encode_texts

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from ..benchmarks import Benchmark

DEFAULT_BATCH_SIZE = 128


def load_encoder(
    name: str, revision: str | None = None, pooling: str | None = None, device: str | None = None
) -> SentenceTransformer:
    """Load an encoder to evaluate: a folder or a Hub name, of sentence-transformers or of plain transformers.

    A plain transformers model gets mean pooling. Weights are read from safetensors only and no code of the checkpoint is run. Prompts
    are those saved with the model: none are added.

    Args:
        name: local directory or Hub name.
        revision: branch, tag or commit of a Hub model.
        pooling: ``mean`` or ``cls`` instead of what the checkpoint says (plain transformers: instead of ``mean``).
        device: ``cpu``, ``cuda``, ...; by default this process's GPU where there is one.

    Raises:
        InputError: the checkpoint cannot be found or loaded, has pickled weights only, or has no pooling to replace.

    Example:
        >>> load_encoder("intfloat/multilingual-e5-small", pooling="mean")  # doctest: +SKIP
    """
    from ..arguments import ModelArguments
    from ..checkpoints import find_checkpoint, load_checkpoint
    from ..models import set_pooling

    model = load_checkpoint(find_checkpoint(name, revision), name, ModelArguments())
    if pooling is not None:
        set_pooling(model, pooling)
    try:
        model.to(device or _own_device())
    except (RuntimeError, AssertionError) as error:  # torch's own ways to say that the device is not there
        raise InputError(
            f"device {device!r} cannot be used: {str(error).splitlines()[0]}; choose cpu or leave it out"
        ) from error
    return model.eval()


def _own_device() -> str:
    """This process's GPU where there is one: a launcher says which of the machine's it is."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"


def encode_benchmark(
    model: SentenceTransformer,
    benchmark: Benchmark,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    show_progress: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode the queries and candidates of a benchmark.

    The prompts saved with the model apply as in ``encode_query`` and ``encode_document`` ("query"; "document", "passage" or
    "corpus").

    Args:
        model: the encoder.
        benchmark: the texts.
        batch_size: texts of 512 tokens that a batch may hold; of shorter texts it holds more. On a CPU batches are smaller still.
        query_prompt: put before every query instead of the saved prompt; an empty string means none.
        passage_prompt: likewise for candidates.
        show_progress: show a progress bar for each of the two.

    Returns:
        float32 L2-normalised vectors on the model's device: queries ``[Q, d]`` and candidates ``[N, d]``.
    """
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1, got {batch_size}")

    def encode(kind: str, texts: Sequence[str], prompt: str | None) -> torch.Tensor:
        # Encoding each distinct text once saves time and gives equal texts equal vectors. In different batches they may differ in
        # the last bits, and a tie would be decided by where a text happens to stand.
        index = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        vectors = encode_texts(
            model,
            list(index),
            kind=kind,
            prompt=prompt,
            batch_tokens=batch_tokens_of(model, batch_size),
            show_progress=show_progress,
        )
        return vectors if len(index) == len(texts) else vectors[[index[text] for text in texts]]

    queries = encode("query", benchmark.queries, query_prompt)
    return queries, encode("passage", benchmark.candidates, passage_prompt)
