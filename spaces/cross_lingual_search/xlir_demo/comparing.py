"""One question, two checkpoints: where each puts the same passages."""

from __future__ import annotations

from dataclasses import dataclass

from .searching import Found, ranks_of

# Passages of each checkpoint whose places are compared where nothing is known to answer the question.
_BEST = 5


@dataclass(frozen=True)
class Movement:
    """A passage's place with the first checkpoint and with the second.

    Attributes:
        row: in the pool.
        language: of the passage.
        before: place with the first, from 1.
        after: place with the second.
    """

    row: int
    language: str
    before: int
    after: int


@dataclass(frozen=True)
class Comparison:
    """Two searches of one pool for one question.

    Attributes:
        first: the first checkpoint's.
        second: the second's.
        movements: of the answers, or of the best passages of both where no answer is known; in the order of the
            second.
        of_answers: which of the two.
        shared: passages that both have among their hits.
        places_before: row -> place with the first, of everything among the second's hits.
    """

    first: Found
    second: Found
    movements: tuple[Movement, ...]
    of_answers: bool
    shared: int
    places_before: dict[int, int]


def compare(first: Found, second: Found) -> Comparison:
    """Put two searches side by side.

    Example:
        >>> import numpy as np
        >>> from xlir_demo.pool import Pool
        >>> from xlir_demo.searching import search
        >>> pool = Pool(["a", "b"], ["en", "de"], ["1", "2"], ["f", "f"], ["", ""])
        >>> found = [search(pool, np.eye(2), np.array(q), k=1, fact="f") for q in ([1.0, 0.0], [0.0, 1.0])]
        >>> [(m.language, m.before, m.after) for m in compare(*found).movements]
        [('de', 2, 1), ('en', 1, 2)]
        >>> compare(*found).places_before
        {1: 2}
    """
    rows = list(first.answers) or list(
        dict.fromkeys(hit.row for found in (first, second) for hit in found.hits[:_BEST])
    )
    before, after = ranks_of(first.order, rows), ranks_of(second.order, rows)
    movements = [Movement(row, first.pool.languages[row], before[row], after[row]) for row in rows]
    return Comparison(
        first=first,
        second=second,
        movements=tuple(sorted(movements, key=lambda movement: (movement.after, movement.row))),
        of_answers=bool(first.answers),
        shared=len({hit.row for hit in first.hits} & {hit.row for hit in second.hits}),
        places_before=ranks_of(first.order, [hit.row for hit in second.hits]),
    )
