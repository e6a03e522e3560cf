"""What a language adds to the vectors of its texts, subtracted without training.

* **Means**: from every vector the mean of its language's vectors, of candidates and of queries apart. The means are
  those of the very texts that are searched and asked (transductive), or of parallel text that has nothing to do with
  them, read once as queries and once as passages.
* **Shift** (arXiv 2606.18801): from parallel text a *relative language vector* for each language, the mean over pairs
  of the vector of the translation less that of the text in a source language; it is subtracted from the documents when
  they are indexed. As published: the estimate from pairs, the subtraction on the side of the index alone. Ours: one
  source language whatever a query's language is, all texts read as passages, and vectors of unit length are made so
  again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hf_hybrid.errors import InputError

KINDS = ("means", "shift")


@dataclass(frozen=True)
class LanguageOffset:
    """What one language adds, for a corpus in it.

    Attributes:
        name: For manifests: method, languages, and what it was estimated on.
        vector: `[d]`.
    """

    name: str
    vector: torch.Tensor

    def subtract(self, vectors: torch.Tensor, unit: bool = True) -> torch.Tensor:
        """The vectors without it, of length one again if they were."""
        return subtract(vectors, np.zeros(len(vectors), dtype=np.int64), self.vector[None], unit)


def subtract(vectors: torch.Tensor, languages: np.ndarray, offsets: torch.Tensor, unit: bool = True) -> torch.Tensor:
    """Subtract each row's language's offset.

    Args:
        vectors: `[N, d]`.
        languages: int `[N]`, rows of `offsets`.
        offsets: `[L, d]`.
        unit: Make the rows of length one again.

    Example:
        >>> moved = subtract(torch.tensor([[1.0, 1.0]]), np.array([0]), torch.tensor([[0.0, 1.0]]))
        >>> moved.tolist()
        [[1.0, 0.0]]
    """
    moved = vectors - offsets.to(vectors)[torch.as_tensor(languages, device=vectors.device)]
    return torch.nn.functional.normalize(moved, dim=1) if unit else moved


def language_means(vectors: torch.Tensor, languages: np.ndarray, number: int) -> torch.Tensor:
    """Mean vector of each language, `[L, d]`; zero for one without rows.

    Example:
        >>> language_means(torch.tensor([[1.0], [3.0], [5.0]]), np.array([0, 0, 2]), 3).tolist()
        [[2.0], [0.0], [5.0]]
    """
    codes = torch.as_tensor(languages, device=vectors.device)
    sums = vectors.new_zeros(number, vectors.shape[1]).index_add_(0, codes, vectors)
    counts = torch.bincount(codes, minlength=number).clamp(min=1)
    return sums / counts[:, None]


def relative_language_vectors(
    vectors: torch.Tensor, examples: np.ndarray, languages: np.ndarray, tags: Sequence[str], source: str
) -> dict[str, torch.Tensor]:
    """Shift's vectors: tag -> mean of (translation - text in the source language) over the examples that have both.

    Args:
        vectors: `[N, d]`, of parallel texts.
        examples: int `[N]`, texts that are translations of each other.
        languages: int `[N]`, places in `tags`.
        tags: The L languages.
        source: One of them; its own vector is zero.

    Returns:
        Only languages that share an example with the source.

    Raises:
        InputError: The source is none of the languages.

    Example:
        >>> pairs = torch.tensor([[1.0, 0.0], [1.0, 2.0], [0.0, 0.0], [0.0, 4.0]])
        >>> examples, languages = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> found = relative_language_vectors(pairs, examples, languages, ["en", "de"], "en")
        >>> {tag: vector.tolist() for tag, vector in found.items()}
        {'en': [0.0, 0.0], 'de': [0.0, 3.0]}
    """
    if source not in tags:
        raise InputError(f"the parallel text has no language '{source}' to start from; it has {', '.join(tags)}")
    row_of_source = np.full(int(examples.max(initial=-1)) + 1, -1)
    of_source = np.flatnonzero(languages == list(tags).index(source))
    row_of_source[examples[of_source]] = of_source
    found = {}
    for code, tag in enumerate(tags):
        rows = np.flatnonzero((languages == code) & (row_of_source[examples] >= 0))
        if len(rows):
            found[tag] = (vectors[rows] - vectors[row_of_source[examples[rows]]]).mean(dim=0)
    return found


def offsets_for(found: Mapping[str, torch.Tensor], tags: Sequence[str]) -> torch.Tensor:
    """Offsets of the given languages, `[L, d]`.

    Raises:
        InputError: A language has none: names it.
    """
    if missing := [tag for tag in tags if tag not in found]:
        raise InputError(
            f"the parallel text has no pair of '{missing[0]}' with the source language; give one that has"
        )
    return torch.stack([found[tag] for tag in tags])
