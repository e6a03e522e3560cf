"""The texts of a benchmark to vectors, each distinct text once."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from hf_hybrid.encoders.prompts import resolve_prompt
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.compute_dtype import compute_dtype_of
from hf_hybrid.retrieval.encode import DEFAULT_BATCH_SIZE
from hf_hybrid.retrieval.encode_texts import batch_tokens_of, encode_texts
from hf_hybrid.retrieval.similarity import similarity_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.evaluation.remove_language import Removal


@dataclass(frozen=True)
class EncodedBenchmark:
    """A benchmark's vectors, and how they were made.

    Attributes:
        queries: float32 ``[Q, d]``.
        candidates: float32 ``[N, d]``.
        similarity: by which they are compared.
        settings: prompts, batch size, dimension and the like, for a results file.
        seconds: that encoding took.
    """

    queries: torch.Tensor = field(repr=False)
    candidates: torch.Tensor = field(repr=False)
    similarity: str
    settings: dict[str, Any]
    seconds: float


def encoded_benchmark(
    model: SentenceTransformer,
    benchmark: Benchmark,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    show_progress: bool = True,
    similarity: str | None = None,
    remove_language: Removal | None = None,
) -> EncodedBenchmark:
    """`encode_benchmark` with all that an evaluation has to keep of it.

    Args:
        model: the encoder; it is left in the mode that it was in.
        benchmark: the texts.
        batch_size, query_prompt, passage_prompt, show_progress: see `encode_benchmark`.
        similarity: ``cosine``, ``dot``, ``euclidean`` or ``manhattan``, instead of the model's own.
        remove_language: takes out of the vectors what their languages add, see `evaluation.remove_language`.

    Raises:
        InputError: an unknown similarity, a batch size below one.
    """
    similarity = similarity_of(model, similarity)
    started = time.perf_counter()
    was_training = model.training
    model.eval()
    queries, candidates = encode_benchmark(
        model,
        benchmark,
        batch_size=batch_size,
        query_prompt=query_prompt,
        passage_prompt=passage_prompt,
        show_progress=show_progress,
        normalise=similarity == "cosine",
    )
    model.train(was_training)
    if remove_language is not None:
        queries, candidates = remove_language(queries, candidates, benchmark, similarity == "cosine")
    seconds = time.perf_counter() - started
    settings = {
        "batch_size": batch_size,
        "query_prompt": resolve_prompt(model, "query", query_prompt) or "",
        "passage_prompt": resolve_prompt(model, "passage", passage_prompt) or "",
        "max_seq_length": _max_seq_length(model),
        "dimension": int(queries.shape[1]),
        "similarity": similarity,
        "compute_dtype": compute_dtype_of(model),
        **({} if remove_language is None else remove_language.settings),
    }
    return EncodedBenchmark(queries, candidates, similarity, settings, seconds)


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


def _max_seq_length(model: SentenceTransformer) -> int | None:
    """Longest input in tokens, None where there is no limit (static encoders say infinity)."""
    length = model.max_seq_length
    return None if length is None or math.isinf(length) else int(length)
