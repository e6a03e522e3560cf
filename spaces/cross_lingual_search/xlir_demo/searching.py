"""The search itself, exact and without a page: a question against all passages of a pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from hf_hybrid.errors import InputError

from .pool import Pool, shares

# Texts and their kind, "query" or "passage", to float32 unit vectors [n, d].
Encode = Callable[[Sequence[str], str], np.ndarray]


@dataclass(frozen=True)
class Hit:
    """One passage that was found.

    Attributes:
        rank: its place, from 1.
        row: its number in the pool.
        score: cosine similarity with the question.
        is_answer: whether it answers the question; None where that is not known.
    """

    rank: int
    row: int
    score: float
    is_answer: bool | None


@dataclass(frozen=True)
class Found:
    """What a search gave.

    Attributes:
        pool: what was searched.
        hits: the best passages, best first.
        searched: number of passages that were compared, after the filter.
        mix: share of each language among the hits.
        pool_mix: its share of the passages that were searched.
        answers: row -> place of every passage that is known to answer the question, within all that were searched.
        order: rows of all that were searched, best first.
    """

    pool: Pool = field(repr=False)
    hits: tuple[Hit, ...]
    searched: int
    mix: dict[str, float]
    pool_mix: dict[str, float]
    answers: dict[int, int]
    order: np.ndarray = field(repr=False)


def search(
    pool: Pool,
    vectors: np.ndarray,
    query: np.ndarray,
    *,
    k: int,
    languages: Sequence[str] | None = None,
    fact: str | None = None,
) -> Found:
    """Compare a question with every passage and keep the best.

    Args:
        pool: N passages.
        vectors: float32 ``[N, d]``, unit vectors of the passages.
        query: float32 ``[d]``, unit vector of the question.
        k: passages to return; fewer where the pool has fewer.
        languages: search passages in these only; None means all.
        fact: what the question asks for, where that is known.

    Returns:
        The passages; equal scores in the pool's order.

    Raises:
        InputError: there are no passages in the languages.

    Example:
        >>> pool = Pool(["a", "b"], ["en", "de"], ["1", "2"], ["f", None], ["", ""])
        >>> found = search(pool, np.eye(2, dtype=np.float32), np.array([0.6, 0.8], np.float32), k=1, fact="f")
        >>> found.hits[0].row, found.mix, found.answers
        (1, {'de': 1.0}, {0: 2})
    """
    rows = _rows_in(pool, languages)
    scores = vectors @ query if rows is None else vectors[rows] @ query
    # Stable, so that equal scores stay in the pool's order.
    order = np.argsort(-scores, kind="stable")
    best = order[:k]
    found_rows, found_scores = (best if rows is None else rows[best]), scores[best]
    order = order if rows is None else rows[order]
    answering = set(pool.rows_of_fact.get(fact, ())) if fact is not None else set()
    hits = tuple(
        Hit(rank, int(row), float(score), int(row) in answering if answering else None)
        for rank, (row, score) in enumerate(zip(found_rows, found_scores, strict=True), start=1)
    )
    return Found(
        pool=pool,
        hits=hits,
        searched=len(order),
        mix=shares([pool.languages[hit.row] for hit in hits]),
        pool_mix=pool.language_share if rows is None else shares([pool.languages[row] for row in rows]),
        answers=ranks_of(order, sorted(answering)),
        order=order,
    )


def ranks_of(order: np.ndarray, rows: Sequence[int]) -> dict[int, int]:
    """Places, from 1, of some rows in an order of rows; rows that are not in it are left out.

    Example:
        >>> ranks_of(np.array([4, 2, 7]), [7, 4, 9])
        {7: 3, 4: 1}
    """
    places = {}
    for row in rows:
        found = np.flatnonzero(order == row)
        if len(found):
            places[row] = int(found[0]) + 1
    return places


def _rows_in(pool: Pool, languages: Sequence[str] | None) -> np.ndarray | None:
    """Rows in some languages; None where that is all of them."""
    if languages is None:
        return None
    wanted = set(languages)
    rows = np.array([row for row, tag in enumerate(pool.languages) if tag in wanted], dtype=np.int64)
    if not len(rows):
        raise InputError("There are no passages in the chosen languages: choose at least one that the texts are in.")
    return None if len(rows) == len(pool) else rows
