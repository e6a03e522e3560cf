"""A question that has been looked at, and its vectors, which are made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from .searching import Encode

GUESS = "guess"
# Vectors of questions that are kept; each is a few kilobytes.
_KEPT_QUESTIONS = 4096


@dataclass(frozen=True)
class Question:
    """A question that has been looked at.

    Attributes:
        text: its words, as they were typed.
        searched: what of them is embedded.
        language: its language; None where it could not be guessed, or is none of the page's.
        guessed: whether the language is a guess.
        fact: the fact that it asks for, where the data know it.
    """

    text: str
    searched: str
    language: str | None
    guessed: bool
    fact: str | None


class QuestionVectors:
    """Vectors of the last questions, so that one that is asked again, or shown another way, is not encoded again.

    Args:
        encode: the checkpoint's.
        kept: number of questions.
        known: vectors that are there for good.
    """

    def __init__(
        self, encode: Encode, kept: int = _KEPT_QUESTIONS, known: Mapping[str, np.ndarray] | None = None
    ) -> None:
        self._encode = encode
        self._kept = kept
        self._known = dict(known or {})
        self._vectors: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = Lock()
        # One at a time: a second pass beside the first would take both of them longer than one after the other.
        self._encoding = Lock()

    def __call__(self, text: str) -> np.ndarray:
        return self.many([text])[0]

    def many(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Vectors of several questions, those that are missing in one batch."""
        found = self._kept_of(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            with self._encoding:
                fresh = dict(zip(missing, self._encode(missing, "query"), strict=True))
            with self._lock:
                self._vectors.update(fresh)
                while len(self._vectors) > self._kept:
                    self._vectors.popitem(last=False)
            found |= fresh
        return [found[text] for text in texts]

    def _kept_of(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        found = {text: self._known[text] for text in texts if text in self._known}
        with self._lock:
            for text in texts:
                if text in self._vectors:
                    self._vectors.move_to_end(text)
                    found[text] = self._vectors[text]
        return found
