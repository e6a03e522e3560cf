"""What a language adds to vectors, taken out of a benchmark's: the training-free baselines of `language_offsets`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
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
# More examples than this move a mean no more.
MOST_EXAMPLES = 2000


@dataclass(frozen=True)
class Removal:
    """What takes out of a benchmark's vectors what their languages add.

    Attributes:
        kind: `means` or `shift`.
        text_sha256: Of the parallel text that it was estimated on; None for the benchmark's own vectors.
        take: Of queries, candidates, the benchmark, and whether vectors are of unit length: both without it.
    """

    kind: str
    text_sha256: str | None
    take: Callable[[torch.Tensor, torch.Tensor, Benchmark, bool], Vectors]

    def __call__(self, queries: torch.Tensor, candidates: torch.Tensor, benchmark: Benchmark, unit: bool) -> Vectors:
        return self.take(queries, candidates, benchmark, unit)

    @property
    def settings(self) -> dict[str, str]:
        """For results files."""
        text = {} if self.text_sha256 is None else {"parallel_text_sha256": self.text_sha256}
        return {"remove_language": self.kind, **text}


def removal_of(
    kind: str, model: SentenceTransformer, parallel: ParallelPairs | None = None, source: str = "en"
) -> Removal:
    """What gives a benchmark's query and candidate vectors without what their languages add.

    Args:
        kind: `means`, of the benchmark's own vectors or, with parallel text, of that text; or `shift`.
        model: The encoder, which embeds the parallel text.
        parallel: Passages, else queries, of 2,000 examples at most.
        source: Language that `shift` moves documents to.

    Raises:
        InputError: An unknown kind, no parallel text, or text that lacks a language.
    """
    if kind not in KINDS:
        raise InputError(f"--remove_language {kind}: choose {' or '.join(KINDS)}")
    sha256 = None if parallel is None else parallel.sha256
    if kind == "means":
        return Removal(kind, sha256, subtract_means if parallel is None else _means_of_text(model, parallel))
    if parallel is None:
        raise InputError("--remove_language shift needs parallel text: give --parallel_text")
    vectors_of = shift_vectors(model, parallel, source)

    def shifted(queries: torch.Tensor, candidates: torch.Tensor, benchmark: Benchmark, unit: bool) -> Vectors:
        offsets = offsets_for(vectors_of, benchmark.languages)
        return queries, subtract(candidates, benchmark.candidate_languages, offsets, unit)

    return Removal(kind, sha256, shifted)


def _means_of_text(
    model: SentenceTransformer, parallel: ParallelPairs
) -> Callable[[torch.Tensor, torch.Tensor, Benchmark, bool], Vectors]:
    """Means of the examples that all of a benchmark's languages have, so that they differ by the language alone."""

    def take(queries: torch.Tensor, candidates: torch.Tensor, benchmark: Benchmark, unit: bool) -> Vectors:
        languages, texts = common_texts(parallel, benchmark.languages)
        moved = []
        for kind, vectors, codes in (
            ("query", queries, benchmark.query_languages),
            ("passage", candidates, benchmark.candidate_languages),
        ):
            own = encode_texts(model, texts, kind=kind, normalise=unit)
            moved.append(subtract(vectors, codes, language_means(own, languages, len(benchmark.languages)), unit))
        return moved[0], moved[1]

    return take


def common_texts(parallel: ParallelPairs, languages: list[str]) -> tuple[np.ndarray, list[str]]:
    """Texts of the first examples, 2,000 at most, that exist in all of the languages.

    Returns:
        Each text's place in `languages`, int `[n]`, and the texts.

    Raises:
        InputError: A language is missing, or no example has all.
    """
    if missing := [tag for tag in languages if tag not in parallel.languages]:
        raise InputError(f"the parallel text has no '{missing[0]}'; it has {', '.join(parallel.languages)}")
    place = np.full(len(parallel.languages), -1)
    place[[parallel.languages.index(tag) for tag in languages]] = np.arange(len(languages))
    wanted = place[parallel.language_of_row] >= 0
    complete = np.bincount(parallel.example_of_row[wanted], minlength=parallel.num_examples) == len(languages)
    if not complete.any():
        raise InputError(f"no example of the parallel text exists in all of {', '.join(languages)}")
    chosen = np.isin(parallel.example_of_row, np.flatnonzero(complete)[:MOST_EXAMPLES]) & wanted
    return place[parallel.language_of_row[chosen]], _texts(parallel, chosen)


def _texts(parallel: ParallelPairs, chosen: np.ndarray) -> list[str]:
    """Passages, else queries, of the chosen rows, bool `[rows]`."""
    rows = parallel.dataset.select(np.flatnonzero(chosen))
    return [passage or query for passage, query in zip(rows["passage"], rows["query"], strict=True)]


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
    vectors = encode_texts(model, _texts(parallel, chosen), kind="passage")
    return relative_language_vectors(
        vectors, parallel.example_of_row[chosen], parallel.language_of_row[chosen], parallel.languages, source
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
