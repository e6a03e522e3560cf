"""The texts of a benchmark to vectors, each distinct text once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode import DEFAULT_BATCH_SIZE
from hf_hybrid.retrieval.encode_texts import batch_tokens_of, encode_texts

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import Benchmark


def encode_benchmark(
    model: SentenceTransformer,
    benchmark: Benchmark,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    show_progress: bool = False,
    normalise: bool = True,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode the queries and candidates of a benchmark.

    The prompts saved with the model apply as in ``encode_query`` and ``encode_document`` ("query"; "document",
    "passage" or "corpus").

    Args:
        model: the encoder.
        benchmark: the texts.
        batch_size: texts of 512 tokens that a batch may hold; of shorter texts it holds more. On a CPU batches are
            smaller still.
        query_prompt: put before every query instead of the saved prompt; an empty string means none.
        passage_prompt: likewise for candidates.
        show_progress: show a progress bar for each of the two.
        normalise: give vectors unit length.

    Returns:
        float32 vectors on the model's device: queries ``[Q, d]`` and candidates ``[N, d]``.
    """
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1, got {batch_size}")

    def encode(kind: str, texts: Sequence[str], prompt: str | None) -> torch.Tensor:
        # Encoding each distinct text once saves time and gives equal texts equal vectors. In different batches they
        # may differ in the last bits, and a tie would be decided by where a text happens to stand.
        index = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        vectors = encode_texts(
            model,
            list(index),
            kind=kind,
            prompt=prompt,
            batch_tokens=batch_tokens_of(model, batch_size),
            show_progress=show_progress,
            normalise=normalise,
        )
        return vectors if len(index) == len(texts) else vectors[[index[text] for text in texts]]

    queries = encode("query", benchmark.queries, query_prompt)
    return queries, encode("passage", benchmark.candidates, passage_prompt)
