"""A checkpoint measured over all built-in questions, so that no example is picked in secret: how many of the first
results are in the question's own language, how many are right, and below which closeness a search has found nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .limits import DEFAULT_RESULTS
from .pool import Asked, Pool

# Share of questions whose best result is farther than what counts as a weak match.
_WEAK_SHARE = 0.1


@dataclass(frozen=True)
class Figures:
    """Means over n questions.

    Attributes:
        questions: n.
        k: first results that are looked at.
        own_share: share of them in the question's language.
        fair_share: share of that language in the pool.
        right: number of right ones among them.
        first_right: share of questions whose first result is right.
        weak_below: closeness of the best result that nine of ten questions reach; below it, a match is weak.
    """

    questions: int
    k: int
    own_share: float
    fair_share: float
    right: float
    first_right: float
    weak_below: float

    def record(self) -> dict[str, Any]:
        """As JSON types, rounded as far as the page looks at them."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Outcomes:
    """The first k results of n questions.

    Attributes:
        own: int64 ``[n]``, results in the question's language.
        right: int64 ``[n]``, right results.
        first_right: bool ``[n]``, whether the first result is right.
        best: float32 ``[n]``, closeness of the first result.
        k: results of each.
    """

    own: np.ndarray
    right: np.ndarray
    first_right: np.ndarray
    best: np.ndarray
    k: int


def outcomes(
    pool: Pool, asked: Sequence[Asked], passages: np.ndarray, questions: np.ndarray, k: int = DEFAULT_RESULTS
) -> Outcomes:
    """Search with every built-in question.

    Args:
        pool: N passages.
        asked: n questions.
        passages: float32 ``[N, d]``.
        questions: float32 ``[n, d]``.
        k: first results that are looked at; at most N.

    Example:
        >>> pool = Pool(["a", "b"], ["en", "de"], ["1", "2"], ["f", "f"], ["", ""])
        >>> found = outcomes(pool, [Asked("f", "de", "?")], np.eye(2), np.array([[0.6, 0.8]]), k=1)
        >>> found.own.tolist(), found.right.tolist(), found.best.tolist()
        ([1], [1], [0.8])
    """
    k = min(k, len(pool))
    scores = questions @ passages.T
    top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    languages, facts = np.array(pool.languages), np.array([fact or "" for fact in pool.facts])
    own = languages[top] == np.array([one.language for one in asked])[:, None]
    right = facts[top] == np.array([one.fact for one in asked])[:, None]
    best = scores[np.arange(len(asked)), top[:, 0]]
    return Outcomes(own.sum(axis=1), right.sum(axis=1), right[:, 0], best, k)


def figures(pool: Pool, asked: Sequence[Asked], found: Outcomes) -> Figures:
    """Means over the questions."""
    return Figures(
        questions=len(asked),
        k=found.k,
        own_share=float(found.own.mean() / found.k),
        fair_share=float(np.mean([pool.language_share.get(one.language, 0.0) for one in asked])),
        right=float(found.right.mean()),
        first_right=float(found.first_right.mean()),
        weak_below=float(np.quantile(found.best, _WEAK_SHARE)),
    )
