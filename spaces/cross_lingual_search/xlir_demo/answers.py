"""What page and programs ask for: input checked here, once for both, and searches with a checkpoint. No gradio."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from hf_hybrid.errors import InputError

from .checkpoints import NAMES
from .comparing import Comparison, compare
from .languages import LANGUAGES, guess_language
from .limits import checked_question, checked_results
from .pool import Facts, Pool
from .searching import Encode, Found, search
from .translations import Translations, compare_translations

GUESS = "guess"
# Vectors of questions that are kept; each is a few kilobytes.
_KEPT_QUESTIONS = 4096


@dataclass(frozen=True)
class Question:
    """A question that has been looked at.

    Attributes:
        text: its words.
        language: its language; None where it could not be guessed.
        guessed: whether the language is a guess.
        fact: the fact that it asks for, where the data know it.
    """

    text: str
    language: str | None
    guessed: bool
    fact: str | None


@dataclass(frozen=True)
class Answer:
    """A search with what it was about.

    Attributes:
        question: what was asked.
        checkpoint: name of the checkpoint.
        found: what was found.
        milliseconds: from words to results.
    """

    question: Question
    checkpoint: str
    found: Found
    milliseconds: float


class QuestionVectors:
    """Vectors of the last questions, so that one that is asked again, or shown another way, is not encoded again.

    Args:
        encode: the checkpoint's.
        kept: number of questions.
    """

    def __init__(self, encode: Encode, kept: int = _KEPT_QUESTIONS) -> None:
        self._encode = encode
        self._kept = kept
        self._vectors: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def __call__(self, text: str) -> np.ndarray:
        with self._lock:
            if text in self._vectors:
                self._vectors.move_to_end(text)
                return self._vectors[text]
        vector = self._encode([text], "query")[0]
        with self._lock:
            self._vectors[text] = vector
            while len(self._vectors) > self._kept:
                self._vectors.popitem(last=False)
        return vector


class Answers:
    """The shipped pool, embedded once with every checkpoint, and all that can be asked of it.

    Args:
        pool: the passages.
        facts: the questions that the data know.
        encoders: name of a checkpoint -> its encoder.
    """

    def __init__(self, pool: Pool, facts: Facts, encoders: Mapping[str, Encode]) -> None:
        self.pool = pool
        self.facts = facts
        self.encoders = dict(encoders)
        self._vectors = {name: encode(list(pool.texts), "passage") for name, encode in encoders.items()}
        self._questions = {name: QuestionVectors(encode) for name, encode in encoders.items()}

    @property
    def languages(self) -> list[str]:
        """Languages of the pool."""
        return list(self.pool.language_share)

    def search(
        self,
        question: str,
        checkpoint: str,
        *,
        language: str = GUESS,
        languages: Sequence[str] | None = None,
        k: int = 10,
    ) -> Answer:
        """Search the shipped pool.

        Args:
            question: in any language.
            checkpoint: one of those that were loaded.
            language: of the question, or `GUESS`.
            languages: that passages may be in; None or empty means all.
            k: results.

        Raises:
            InputError: what cannot be asked for.
        """
        return self._search(self.look_at(question, language), checkpoint, languages, k)

    def compare(
        self,
        question: str,
        first: str,
        second: str,
        *,
        language: str = GUESS,
        languages: Sequence[str] | None = None,
        k: int = 10,
    ) -> tuple[Answer, Answer, Comparison]:
        """Search with two checkpoints."""
        asked = self.look_at(question, language)
        answers = tuple(self._search(asked, name, languages, k) for name in (first, second))
        return *answers, compare(*(answer.found for answer in answers))

    def ask_in_all_languages(self, fact: str, checkpoint: str, k: int = 10) -> tuple[dict[str, Answer], Translations]:
        """Search for one question of the data in every language that it has."""
        if not isinstance(fact, str) or fact not in self.facts.facts:
            raise InputError("This question is not one of the data's: choose one from the list.")
        asked = self.facts.facts[fact].questions
        answers = {
            tag: self._search(Question(words, tag, False, fact), checkpoint, None, k) for tag, words in asked.items()
        }
        return answers, compare_translations({tag: answer.found for tag, answer in answers.items()})

    def look_at(self, question: str, language: str = GUESS) -> Question:
        """Check a question, guess its language where it is not given, and see whether the data know it."""
        text = checked_question(question)
        known = self.facts.recognise(text)
        if language in (None, "", GUESS):
            if known:
                return Question(text, known[1], False, known[0])
            return Question(text, guess_language(text), True, None)
        if language not in LANGUAGES:
            raise InputError(f"The language must be {GUESS} or one of {', '.join(LANGUAGES)}.")
        return Question(text, language, False, known[0] if known else None)

    def _search(self, question: Question, checkpoint: str, languages: Sequence[str] | None, k: int) -> Answer:
        name = self.checked_checkpoint(checkpoint)
        filtered = self._checked_languages(languages)
        return timed_search(
            question,
            name,
            self._questions[name],
            lambda query: search(
                self.pool, self._vectors[name], query, k=checked_results(k), languages=filtered, fact=question.fact
            ),
        )

    def search_in(self, pool: Pool, vectors: np.ndarray, question: Question, checkpoint: str, k: int) -> Answer:
        """Search another pool, embedded with the checkpoint."""
        name = self.checked_checkpoint(checkpoint)
        number = checked_results(k)
        return timed_search(
            question, name, self._questions[name], lambda query: search(pool, vectors, query, k=number)
        )

    def checked_checkpoint(self, name: str) -> str:
        """A checkpoint that was loaded.

        Raises:
            InputError: there is none of this name.
        """
        if not isinstance(name, str) or name not in self.encoders:
            raise InputError(
                f"There is no such checkpoint: choose one of {', '.join(n for n in NAMES if n in self.encoders)}."
            )
        return name

    def _checked_languages(self, languages: Sequence[str] | None) -> list[str] | None:
        if not languages:
            return None
        known = self.languages
        if not isinstance(languages, list | tuple) or any(tag not in known for tag in languages[: len(known) + 1]):
            raise InputError(f"Languages to search in must be among {', '.join(known)}.")
        if len(languages) > len(known):
            raise InputError(f"Languages to search in must be at most {len(known)}, each once.")
        return list(languages)


def timed_search(
    question: Question,
    checkpoint: str,
    vector_of: Callable[[str], np.ndarray],
    find: Callable[[np.ndarray], Found],
) -> Answer:
    """Encode the question, search, and say how long both took."""
    start = time.perf_counter()
    found = find(vector_of(question.text))
    return Answer(question, checkpoint, found, 1000 * (time.perf_counter() - start))
