"""What page and programs ask for: input checked here, once for both, and searches with a checkpoint. No gradio."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hf_hybrid.errors import InputError

from .checkpoints import usual_pair
from .comparing import Comparison, compare
from .languages import LANGUAGES, guess_language
from .limits import MAX_EMBEDDING_SECONDS, checked_question, checked_results
from .measuring import Figures
from .pool import Facts, Pool
from .questions import GUESS, Question, QuestionVectors
from .searching import Encode, Found, search
from .translations import Translations, compare_translations
from .words import has_words, searched_form

# Passages of a visitor that are embedded between two looks at the clock.
_STEP = 50


@dataclass(frozen=True)
class Answer:
    """A search with what it was about.

    Attributes:
        question: what was asked.
        checkpoint: name of the checkpoint.
        found: what was found.
        milliseconds: from words to results.
        weak: whether even the best result is no closer than what is found for questions that have no answer here.
    """

    question: Question
    checkpoint: str
    found: Found
    milliseconds: float
    weak: bool = False


class Answers:
    """The shipped pool, embedded once with every checkpoint, and all that can be asked of it.

    Args:
        pool: the passages.
        facts: the questions that the data know.
        encoders: name of a checkpoint -> its encoder.
        passages: name -> float32 ``[N, d]``, vectors of the pool; made here where they are not given.
        known: name -> question -> its vector, for questions that are there for good.
        figures: name -> what was measured of it; below its closeness of a weak match, a search is told to be weak.
    """

    def __init__(
        self,
        pool: Pool,
        facts: Facts,
        encoders: Mapping[str, Encode],
        passages: Mapping[str, np.ndarray] | None = None,
        known: Mapping[str, Mapping[str, np.ndarray]] | None = None,
        figures: Mapping[str, Figures] | None = None,
    ) -> None:
        self.pool = pool
        self.facts = facts
        self.encoders = dict(encoders)
        self.figures = dict(figures or {})
        self.before, self.after = usual_pair(list(encoders))
        self._vectors = {
            name: passages[name] if passages else encode(list(pool.texts), "passage")
            for name, encode in encoders.items()
        }
        self._questions = {
            name: QuestionVectors(encode, known=(known or {}).get(name)) for name, encode in encoders.items()
        }

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
            languages: that passages may be in; None means all.
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
        one, other = (self._search(asked, name, languages, k) for name in (first, second))
        return one, other, compare(one.found, other.found)

    def ask_in_all_languages(self, fact: str, checkpoint: str, k: int = 10) -> tuple[dict[str, Answer], Translations]:
        """Search for one question of the data in every language that it has."""
        if not isinstance(fact, str) or fact not in self.facts.facts:
            raise InputError("This question is not one of the data's: choose one from the list.")
        asked = self.facts.facts[fact].questions
        self._questions[self.checked_checkpoint(checkpoint)].many(list(asked.values()))
        answers = {
            tag: self._search(Question(words, words, tag, False, fact), checkpoint, None, k)
            for tag, words in asked.items()
        }
        return answers, compare_translations({tag: answer.found for tag, answer in answers.items()})

    def look_at(self, question: str, language: str = GUESS) -> Question:
        """Check a question, guess its language where it is not given, and see whether the data know it."""
        text = checked_question(question)
        known = self.facts.recognise(text)
        # A built-in question is searched in the data's own words, however it was typed.
        searched = self.facts.facts[known[0]].questions[known[1]] if known else searched_form(text)
        if language in (None, "", GUESS):
            if known:
                return Question(text, searched, known[1], False, known[0])
            return Question(text, searched, guess_language(text), True, None)
        if language not in LANGUAGES:
            raise InputError(f"The language must be {GUESS} or one of {', '.join(LANGUAGES)}.")
        return Question(text, searched, language, False, known[0] if known else None)

    def _search(self, question: Question, checkpoint: str, languages: Sequence[str] | None, k: int) -> Answer:
        name = self.checked_checkpoint(checkpoint)
        return self._timed(
            self.pool, self._vectors[name], question, name, checked_results(k), self._checked_languages(languages)
        )

    def search_in(self, pool: Pool, vectors: np.ndarray, question: Question, checkpoint: str, k: int) -> Answer:
        """Search another pool, embedded with the checkpoint."""
        return self._timed(pool, vectors, question, self.checked_checkpoint(checkpoint), checked_results(k), None)

    def embed(self, pool: Pool, checkpoint: str, told=lambda done: None) -> np.ndarray:
        """Vectors of a visitor's passages.

        Args:
            pool: N passages.
            checkpoint: name.
            told: called with (passages that are done, N) before each step.

        Returns:
            float32 ``[N, d]``.

        Raises:
            InputError: it would take longer than a visitor may take; says how many passages would do.
        """
        encode, number = self.encoders[self.checked_checkpoint(checkpoint)], len(pool)
        texts = [searched_form(text) for text in pool.texts]
        parts, start = [], time.monotonic()
        for done in range(0, number, _STEP):
            spent = time.monotonic() - start
            if done and spent * number / done > MAX_EMBEDDING_SECONDS:
                fits = max(1, int(done * MAX_EMBEDDING_SECONDS / spent))
                raise InputError(
                    f"Embedding {number:,} passages with this checkpoint would take more than {MAX_EMBEDDING_SECONDS} "
                    f"seconds: give about {fits:,}, or choose a static checkpoint."
                )
            told((done, number))
            parts.append(encode(texts[done : done + _STEP], "passage"))
        return np.concatenate(parts)

    def _timed(
        self, pool: Pool, vectors: np.ndarray, question: Question, name: str, k: int, languages: list[str] | None
    ) -> Answer:
        """Encode the question, search, and say how long both took."""
        start = time.perf_counter()
        query = self._questions[name](question.searched)
        found = search(
            pool, vectors, query, k=k, languages=languages, fact=question.fact if pool is self.pool else None
        )
        milliseconds = 1000 * (time.perf_counter() - start)
        limit = self.figures[name].weak_below if name in self.figures else -1.0
        weak = not has_words(question.text) or found.hits[0].score < limit
        # What the data know the answer of has been measured: it may be hard, but it is not meaningless.
        return Answer(question, name, found, milliseconds, weak and question.fact is None)

    def checked_checkpoint(self, name: str) -> str:
        """A checkpoint that was loaded.

        Raises:
            InputError: there is none of this name.
        """
        if not isinstance(name, str) or name not in self.encoders:
            raise InputError(f"There is no such checkpoint: choose one of {', '.join(self.encoders)}.")
        return name

    def _checked_languages(self, languages: Sequence[str] | None) -> list[str] | None:
        if languages is None:
            return None
        known = self.languages
        if not isinstance(languages, list | tuple) or any(tag not in known for tag in languages[: len(known) + 1]):
            raise InputError(f"Languages to search in must be among {', '.join(known)}.")
        if not languages:
            raise InputError("No language is ticked, so there is nothing to search: tick at least one.")
        if len(languages) > len(known):
            raise InputError(f"Languages to search in must be at most {len(known)}, each once.")
        return list(languages)
