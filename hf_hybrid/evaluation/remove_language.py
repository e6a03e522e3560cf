"""What a language adds to vectors, taken out of a benchmark's: the training-free baselines of `language_offsets`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag
from hf_hybrid.retrieval.encode_texts import encode_texts
from hf_hybrid.retrieval.language_offsets import (
    KINDS,
    LanguageOffset,
    language_means,
    offsets_for,
    relative_language_vectors,
    subtract,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.data.pairs import ParallelPairs

Vectors = tuple[torch.Tensor, torch.Tensor]
Removal = Callable[[torch.Tensor, torch.Tensor, "Benchmark", bool], Vectors]
# More pairs than this move a mean no more.
MOST_EXAMPLES = 2000


def removal_of(
    kind: str, model: SentenceTransformer, parallel: ParallelPairs | None = None, source: str = "en"
) -> Removal:
    """A function of a benchmark's query and candidate vectors that gives them without what their languages add.

    Args:
        kind: `means` or `shift`.
        model: The encoder; `shift` embeds the parallel text with it.
        parallel: Parallel text for `shift`: its passages, else its queries; the first 2,000 examples at most.
        source: Language that `shift` moves documents to.

    Raises:
        InputError: An unknown kind, no parallel text, or text that lacks a language.
    """
    if kind not in KINDS:
        raise InputError(f"--remove_language {kind}: choose {' or '.join(KINDS)}")
    if kind == "means":
        return subtract_means
    if parallel is None:
        raise InputError("--remove_language shift needs parallel text: give --parallel_text")
    vectors_of = shift_vectors(model, parallel, source)

    def shifted(queries: torch.Tensor, candidates: torch.Tensor, benchmark: Benchmark, unit: bool) -> Vectors:
        offsets = offsets_for(vectors_of, benchmark.languages)
        return queries, subtract(candidates, benchmark.candidate_languages, offsets, unit)

    return shifted


def subtract_means(queries: torch.Tensor, candidates: torch.Tensor, benchmark: Benchmark, unit: bool) -> Vectors:
    """Each side's own means, by language."""
    number = len(benchmark.languages)
    moved = []
    for vectors, languages in ((queries, benchmark.query_languages), (candidates, benchmark.candidate_languages)):
        moved.append(subtract(vectors, languages, language_means(vectors, languages, number), unit))
    return moved[0], moved[1]


def shift_vectors(model: SentenceTransformer, parallel: ParallelPairs, source: str) -> dict[str, torch.Tensor]:
    """Relative language vectors of an encoder; see `language_offsets`."""
    chosen = parallel.example_of_row < MOST_EXAMPLES
    rows, texts = [], []
    for row, (passage, query) in enumerate(zip(parallel.dataset["passage"], parallel.dataset["query"], strict=True)):
        if chosen[row]:
            rows.append(row)
            texts.append(passage or query)
    vectors = encode_texts(model, texts, kind="passage")
    return relative_language_vectors(
        vectors, parallel.example_of_row[rows], parallel.language_of_row[rows], parallel.languages, source
    )


def language_offset(model: SentenceTransformer, parallel: ParallelPairs, language: str, source: str) -> LanguageOffset:
    """Shift's vector of one language, for `hf_hybrid.retrieval.encode_corpus`.

    Args:
        model: The encoder that the corpus is encoded by.
        parallel: Parallel text.
        language: Of the corpus.
        source: Language that it is moved to.

    Raises:
        InputError: The text lacks one of the languages, or pairs of both.
    """
    tag = canonical_tag(language)
    vector = offsets_for(shift_vectors(model, parallel, source), [tag])[0]
    return LanguageOffset(f"shift of {tag} to {source}, parallel text {parallel.sha256[:16]}", vector)
