"""Corpora of visitors in memory only: a bounded number, each for a bounded time, under names that cannot be guessed."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from hf_hybrid.errors import InputError

from .limits import CORPUS_SECONDS, MAX_CORPORA
from .pool import Pool


@dataclass
class Corpus:
    """A visitor's passages with their vectors.

    Attributes:
        pool: the passages.
        vectors: name of a checkpoint -> float32 ``[N, d]``, of those that it was searched with.
        until: when it is forgotten, by the store's clock.
    """

    pool: Pool = field(repr=False)
    vectors: dict[str, np.ndarray] = field(repr=False)
    until: float = 0.0


class CorpusStore:
    """Corpora by name.

    Args:
        most: corpora that are held; the one that was used longest ago makes room.
        seconds: after which one is forgotten.
        clock: of seconds.
    """

    def __init__(
        self, most: int = MAX_CORPORA, seconds: float = CORPUS_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._corpora: OrderedDict[str, Corpus] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        with self._lock:
            self._forget()
            return len(self._corpora)

    def add(self, corpus: Corpus) -> str:
        """Keep a corpus; returns its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._forget()
            corpus.until = self._clock() + self._seconds
            self._corpora[name] = corpus
            while len(self._corpora) > self._most:
                self._corpora.popitem(last=False)
        return name

    def get(self, name: str | None) -> Corpus:
        """The corpus of a name.

        Raises:
            InputError: there is none, or no more.
        """
        with self._lock:
            self._forget()
            corpus = self._corpora.get(name or "")
            if corpus is None:
                raise InputError(
                    "There are no texts to search: add yours first. Texts are deleted after half an hour, or when "
                    "many visitors bring some."
                )
            self._corpora.move_to_end(name)
            return corpus

    def remove(self, name: str | None) -> None:
        """Forget a corpus, if it is there."""
        with self._lock:
            self._corpora.pop(name or "", None)

    def _forget(self) -> None:
        now = self._clock()
        for name in [name for name, corpus in self._corpora.items() if corpus.until <= now]:
            del self._corpora[name]
