"""Which pieces to keep, so that the language that is covered least is covered best.

A linear programme says which pieces are in and which are out for all but a few, and how good any choice can be; the
few nearest to the border are then settled exactly, as whole numbers. To give the language that is covered least its
most frequent piece, again and again, does not see that a piece serves several languages, and covers less.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from hf_hybrid.errors import InputError

# How many pieces nearest to the border are settled exactly.
CORE = 30
# What a language's coverage on average weighs beside the least one: enough to choose among equals.
MEAN_WEIGHT = 1e-6
# Rounding of sums of shares, and of the solver's bounds.
EXACT, BOUND = 1e-12, 1e-9


def best_pieces(counts: np.ndarray, number: int, required: np.ndarray) -> np.ndarray:
    """The pieces, at most `number`, with which the least covered language is covered best; of equal choices one that
    covers more on average.

    Args:
        counts: int `[languages, vocabulary]`, how often each piece stands in the texts of a language.
        number: Of pieces to keep, required ones included. Pieces that stand nowhere are not taken to fill it up.
        required: bool `[vocabulary]`, pieces that stay in any case.

    Returns:
        bool `[vocabulary]`.

    Raises:
        InputError: More are required than may be kept.

    Example:
        >>> counts = np.array([[5, 0, 3, 2], [0, 6, 2, 2]])    # the first two pieces serve one language each
        >>> best_pieces(counts, 2, np.zeros(4, bool)).tolist()
        [True, True, False, False]
    """
    free = number - int(required.sum())
    if free < 0:
        raise InputError(
            f"pieces: {number:,} are fewer than the {int(required.sum()):,} that stay in any case (special tokens, "
            "prompts, single characters); give more"
        )
    candidates, shares, base = _problem(counts, required)
    if free >= len(candidates):
        return _kept(required, candidates)
    # Unknowns: whether each candidate is kept, and last the least coverage, which is to be as great as can be.
    cost = np.append(-MEAN_WEIGHT * shares.mean(0), -1.0)
    rows = np.vstack([np.column_stack([-shares, np.ones(len(shares))]), np.append(np.ones(len(candidates)), 0.0)])
    return _kept(required, candidates[_solve(cost, rows, np.append(base, free))[:-1]])


def fewest_pieces(counts: np.ndarray, coverage: float, required: np.ndarray) -> np.ndarray:
    """The fewest pieces that cover the given share of every language's tokens.

    Args:
        counts, required: As for `best_pieces`.
        coverage: Share of the tokens, above 0 and at most 1.

    Returns:
        bool `[vocabulary]`.

    Raises:
        InputError: The share is not one.

    Example:
        >>> counts = np.array([[5, 0, 3, 2], [0, 6, 2, 2]])
        >>> fewest_pieces(counts, 0.8, np.zeros(4, bool)).tolist()
        [True, True, True, False]
    """
    if not 0 < coverage <= 1:
        raise InputError(f"coverage: {coverage} is no share; give a number above 0 and at most 1")
    candidates, shares, base = _problem(counts, required)
    if coverage == 1 or not len(candidates):
        return _kept(required, candidates)
    chosen = _solve(np.ones(len(candidates)), -shares, base - coverage)
    # The solver's own tolerance may leave a language a few tokens short.
    while (short := base + shares[:, chosen].sum(1) < coverage - EXACT).any():
        language = int(np.flatnonzero(short)[0])
        chosen[np.argmax(np.where(chosen, -1.0, shares[language]))] = True
    return _kept(required, candidates[chosen])


def _solve(cost: np.ndarray, rows: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Unknowns from 0 to 1 of least cost with `rows @ unknowns <= limits`, as bool: whole, but for the last one of
    `best_pieces`, which has no whole value and is left out by it.
    """
    loose = linprog(cost, A_ub=rows, b_ub=limits, bounds=(0, 1), method="highs-ds")
    # How much worse it gets where an unknown is pushed from its bound: nothing for those between the bounds.
    certainty = np.abs(loose.lower.marginals + loose.upper.marginals)
    certainty[(loose.x > BOUND) & (loose.x < 1 - BOUND)] = -1.0
    is_share = cost < -0.5
    certainty[is_share] = -2.0
    core = np.argsort(certainty, kind="stable")[: CORE + int(is_share.sum())]
    outside = np.ones(len(cost), bool)
    outside[core] = False
    settled = outside & (loose.x > 0.5)
    exact = milp(
        cost[core],
        integrality=~is_share[core],
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows[:, core], ub=limits - rows[:, settled].sum(1)),
        options={"mip_rel_gap": 0.0},
    )
    settled[core[exact.x > 0.5]] = True
    return settled


def _problem(counts: np.ndarray, required: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pieces that may be kept or not, their shares of every language's tokens, and what the required ones cover."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    candidates = np.flatnonzero(counts.any(0) & ~required)
    return candidates, shares[:, candidates], shares[:, required].sum(1)


def _kept(required: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    kept = required.copy()
    kept[chosen] = True
    return kept
