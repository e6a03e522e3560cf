"""Which questions a reader trains on, and with which passages: its own, and some that do not answer it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hf_hybrid.data.squad import Answer, Question
from hf_hybrid.errors import InputError
from hf_hybrid.metrics.answers import holds_answer

# Passages that are looked at for one that holds no answer to a question.
_TRIES = 20


@dataclass(frozen=True)
class Pair:
    """A question, a passage, and the answer's place in it; None where it has none."""

    question: str
    passage: str
    answer: Answer | None


def chosen_questions(
    sources: Iterable[Sequence[Question]], rows_per_language: int | None = None, seed: int = 0
) -> list[Question]:
    """Questions with an answer, of every source at most so many of a language.

    Args:
        sources: questions, source by source; those without an answer are left out.
        rows_per_language: of each source; all where None.
        seed: of the choice.

    Raises:
        InputError: there is no question with an answer.
    """
    generator = np.random.default_rng(seed)
    kept: list[Question] = []
    for source in sources:
        by_language: dict[str, list[Question]] = {}
        for question in source:
            if question.answers and question.text.strip():
                by_language.setdefault(question.lang, []).append(question)
        for rows in by_language.values():
            size = len(rows) if rows_per_language is None else min(rows_per_language, len(rows))
            kept += [rows[place] for place in np.sort(generator.choice(len(rows), size, replace=False))]
    if not kept:
        raise InputError("no question has an answer to train on: give files whose answers were not taken out")
    return kept


def training_pairs(questions: Sequence[Question], distractors: float = 0.0, seed: int = 0) -> list[Pair]:
    """Each question with its passage, and for a share of them once more with another passage, which has no answer.

    From gold passages alone a reader cannot learn to say "not here", which it must behind a retriever.

    Args:
        questions: each with an answer.
        distractors: share of the questions, 0 to 1, that come with another passage of their language, too.
        seed: of the choice.

    Raises:
        InputError: a share below 0 or above 1.

    Example:
        >>> rows = [Question(str(n), f"Who {n}?", f"It is {n}{n}.", (Answer(f"{n}{n}", 6),)) for n in range(4)]
        >>> [pair.answer is None for pair in training_pairs(rows, distractors=0.5)]
        [False, False, False, False, True, True]
    """
    if not 0 <= distractors <= 1:
        raise InputError(f"--distractors must lie between 0 and 1, got {distractors}")
    pairs = [Pair(one.text, one.context, one.answers[0]) for one in questions]
    generator = np.random.default_rng((seed, 1))
    contexts: dict[str, list[str]] = {}
    for one in questions:
        contexts.setdefault(one.lang, []).append(one.context)
    asked = generator.choice(len(questions), int(distractors * len(questions)), replace=False)
    for place in np.sort(asked):
        one = questions[place]
        right = [answer.text for answer in one.answers]
        for _ in range(_TRIES):
            passage = contexts[one.lang][generator.integers(len(contexts[one.lang]))]
            if passage != one.context and not holds_answer(passage, right):
                pairs.append(Pair(one.text, passage, None))
                break
    return pairs
