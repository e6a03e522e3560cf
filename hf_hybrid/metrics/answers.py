"""Exact match and F1 of an answer, as SQuAD 1.1's official script has them; and whether a passage holds an answer.

Both compare after one normalisation: lower case, without ASCII punctuation, without the English articles, single
spaces. It knows no language but English: Thai, Japanese or Chinese answers without spaces are one token each, so that
their F1 is their exact match. TyDi QA's gold passage task is measured by it in all its languages.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalised_answer(text: str) -> str:
    """The form in which answers are compared.

    Example:
        >>> normalised_answer("  The  Eiffel-Tower, in Paris.")
        'eiffeltower in paris'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(predicted: str, answers: Sequence[str]) -> float:
    """1 where the prediction equals one of the answers, else 0.

    Example:
        >>> exact_match("the Nile", ["Nile.", "White Nile"])
        1.0
    """
    return _best(predicted, answers, lambda a, b: float(normalised_answer(a) == normalised_answer(b)))


def f1_score(predicted: str, answers: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of the prediction's tokens, against the answer that fits best; 0 to 1.

    Example:
        >>> round(f1_score("the White Nile", ["Nile", "Blue Nile"]), 3)
        0.667
    """
    return _best(predicted, answers, _f1)


def holds_answer(passage: str, answers: Sequence[str]) -> bool:
    """Whether one of the answers stands in a passage, both normalised; an answer of which nothing is left then (an
    article, a sign) has to stand there as it is.

    Example:
        >>> holds_answer("It flows into the White-Nile.", ["white Nile", "Whitenile"])
        True
    """
    text = f" {normalised_answer(passage)} "
    return any((form in text) if (form := normalised_answer(one)) else (one in passage) for one in answers)


def _best(predicted: str, answers: Sequence[str], measure: Callable[[str, str], float]) -> float:
    return max((measure(predicted, answer) for answer in answers), default=0.0)


def _f1(predicted: str, answer: str) -> float:
    found, wanted = normalised_answer(predicted).split(), normalised_answer(answer).split()
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted)) if common else 0.0
