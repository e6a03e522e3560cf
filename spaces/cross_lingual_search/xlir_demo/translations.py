"""The same question in all languages at once: does it matter in which one it is asked?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .searching import Found


@dataclass(frozen=True)
class Translations:
    """The searches of one question in L languages.

    Attributes:
        languages: of the questions, L tags; also the order of the columns.
        ranks: int64 ``[L, L]``, place of the answer in a language (column) for the question in another (row); 0 where
            there is none.
        overlap: float64 ``[L, L]``, share of the first k passages that two questions have in common.
        k: places that the overlap is about.
        ideal: the best that the mean place can be: all answers in front.
    """

    languages: tuple[str, ...]
    ranks: np.ndarray
    overlap: np.ndarray
    k: int

    @property
    def ideal(self) -> float:
        return (self.ranks.shape[1] + 1) / 2

    @property
    def mean_rank(self) -> float:
        """Mean place of all answers for all questions."""
        return float(self.ranks[self.ranks > 0].mean())

    @property
    def mean_overlap(self) -> float:
        """Mean share that two different languages have in common."""
        number = len(self.languages)
        return float(self.overlap[~np.eye(number, dtype=bool)].mean()) if number > 1 else 1.0


def compare_translations(found: Mapping[str, Found]) -> Translations:
    """Compare the searches for one question in several languages.

    Args:
        found: language of the question -> its search; all of one pool, with answers known.
    """
    languages = tuple(found)
    tops = {tag: {hit.row for hit in one.hits} for tag, one in found.items()}
    k = max(map(len, tops.values()))
    overlap = np.array([[len(tops[a] & tops[b]) / k for b in languages] for a in languages])
    return Translations(languages, np.array([_ranks(found[tag], languages) for tag in languages]), overlap, k)


def _ranks(found: Found, languages: Sequence[str]) -> list[int]:
    """Best place of an answer in each language."""
    places = [0] * len(languages)
    for row, place in sorted(found.answers.items(), key=lambda item: -item[1]):
        tag = found.pool.languages[row]
        if tag in languages:
            places[languages.index(tag)] = place
    return places
