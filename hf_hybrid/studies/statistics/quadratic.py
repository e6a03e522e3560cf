"""A quadratic for every language, pooled partially within groups, and where it is highest.

In a basis of orthonormal polynomials over the points the coefficients of one language vary independently where the
points do, so each is pooled by itself: ``B_g + tau^2 / (tau^2 + s_l^2) (c_l - B_g)``, where ``s_l^2`` is the
coefficient's variance over draws of seeds and clusters, ``B_g`` the group's mean and ``tau^2`` what languages differ
by beyond ``s_l^2`` (method of moments, DerSimonian and Laird 1986). The level is not pooled, which moves no maximum.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy import stats

DEGREE = 2
# More labellings of the languages than this are drawn instead of counted.
MOST_LABELLINGS = 20_000


@dataclass(frozen=True)
class PooledCurves:
    """Quadratics of L languages, and what they are over B draws.

    Attributes:
        points: float64 ``[P]``, where they were measured.
        coefficients: float64 ``[L, 3]``, each language's own, of the orthonormal basis.
        pooled: float64 ``[L, 3]``, partially pooled.
        pooled_draws: float64 ``[B, L, 3]``.
        tau: float64 ``[2]``, what languages of a group differ by in slope and curvature.
        residual: Root of the mean squared difference of measured values and the languages' own quadratics.
    """

    points: np.ndarray
    coefficients: np.ndarray
    pooled: np.ndarray
    pooled_draws: np.ndarray
    tau: np.ndarray
    residual: float

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each language's pooled curve is highest, ``[L]``, and over the draws, ``[B, L]``."""
        return best_place(self.pooled, self.points), best_place(self.pooled_draws, self.points)

    def best_of(self, languages: np.ndarray) -> tuple[float, np.ndarray]:
        """Where the mean curve of some languages is highest, and over the draws, ``[B]``."""
        mean, draws = self.pooled[languages].mean(axis=0), self.pooled_draws[:, languages].mean(axis=1)
        return float(best_place(mean, self.points)), best_place(draws, self.points)


def basis(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal polynomials at the points, ``[P, 3]``, and ``[3, 3]`` that turns their coefficients into those of
    ``1, x, x^2``.

    Example:
        >>> q, back = basis(np.array([0.0, 0.5, 1.0]))
        >>> np.allclose(q.T @ q, np.eye(3)), np.allclose(back @ (q.T @ np.array([0.0, 0.25, 1.0])), [0, 0, 1])
        (True, True)
    """
    powers = np.vander(np.asarray(points, dtype=np.float64), DEGREE + 1, increasing=True)
    q, r = np.linalg.qr(powers)
    return q, np.linalg.inv(r)


def best_place(coefficients: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where quadratics are highest between the first and the last point.

    Args:
        coefficients: float64 ``[..., 3]``, of the orthonormal basis.
        points: float64 ``[P]``.

    Example:
        >>> x = np.array([0.0, 0.25, 0.75, 1.0])
        >>> float(best_place(basis(x)[0].T @ -((x - 0.6) ** 2), x).round(6))
        0.6
    """
    level, slope, bend = np.moveaxis(coefficients @ basis(points)[1].T, -1, 0)
    low, high = float(np.min(points)), float(np.max(points))
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = np.clip(-slope / (2 * bend), low, high)
    candidates = np.stack(np.broadcast_arrays(low, high, np.where(bend < 0, vertex, low)))
    values = level + slope * candidates + bend * candidates**2
    return np.take_along_axis(candidates, values.argmax(axis=0)[None], axis=0)[0]


def pooled_curves(values: np.ndarray, draws: np.ndarray, points: np.ndarray, groups: np.ndarray) -> PooledCurves:
    """Fit a quadratic to each language and pool within groups.

    Args:
        values: float64 ``[P, L]``, means over the seeds.
        draws: float64 ``[B, P, L]``, the same over draws of seeds and clusters.
        points: float64 ``[P]``, at least three different ones.
        groups: int ``[L]``, group of each language.

    Raises:
        ValueError: Too few points.
    """
    if len(np.unique(points)) <= DEGREE:
        raise ValueError("a quadratic needs at least three different points")
    q, _ = basis(points)
    own = np.einsum("pk,pl->lk", q, values)
    own_draws = np.einsum("pk,bpl->blk", q, draws)
    variance = own_draws.var(axis=0, ddof=1)
    pooled, pooled_draws = own.copy(), own_draws.copy()
    tau = np.zeros(DEGREE)
    for k in range(1, DEGREE + 1):
        between = between_variance(own[:, k], variance[:, k], groups)
        tau[k - 1] = np.sqrt(between)
        total = between + variance[:, k]
        share = np.divide(between, total, out=np.ones_like(total), where=total > 0)
        for group in np.unique(groups):
            members = groups == group
            for target, source in ((pooled, own), (pooled_draws, own_draws)):
                mean = source[..., members, k].mean(axis=-1, keepdims=True)
                target[..., members, k] = mean + share[members] * (source[..., members, k] - mean)
    residual = float(np.sqrt(((values - q @ own.T) ** 2).mean()))
    return PooledCurves(np.asarray(points, dtype=np.float64), own, pooled, pooled_draws, tau, residual)


def between_variance(effects: np.ndarray, variances: np.ndarray, groups: np.ndarray) -> float:
    """What effects of a group differ by beyond their variances (moments; common to all groups); 0 where nothing.

    Args:
        effects, variances: float64 ``[L]``.
        groups: int ``[L]``.

    Example:
        >>> between_variance(np.array([1.0, 3.0]), np.array([0.5, 0.5]), np.array([0, 0]))
        1.5
    """
    # Without noise any difference is one of the languages; the floor keeps the weights comparable.
    weights = 1 / np.maximum(variances, max(1e-12 * float(np.ptp(effects)) ** 2, 1e-100))
    heterogeneity = degrees = scale = 0.0
    for group in np.unique(groups):
        members = groups == group
        w, x = weights[members], effects[members]
        heterogeneity += float((w * (x - np.average(x, weights=w)) ** 2).sum())
        degrees += len(x) - 1
        scale += float(w.sum() - (w**2).sum() / w.sum())
    return max(0.0, (heterogeneity - degrees) / scale) if scale > 0 else 0.0


def percentile_interval(draws: np.ndarray, degrees: float, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile interval, expanded to the quantiles of Student's t (Hesterberg 2015), as few seeds need it.

    Example:
        >>> low, high = percentile_interval(np.linspace(0, 1, 101), 1e9)
        >>> round(low, 3), round(high, 3)
        (0.025, 0.975)
    """
    level = stats.norm.cdf(-stats.t.ppf(0.5 + confidence / 2, degrees))
    low, high = np.quantile(draws, [level, 1 - level])
    return float(low), float(high)


def groups_differ(coefficients: np.ndarray, first: np.ndarray, second: np.ndarray, seed: int = 0) -> float:
    """p value of "the curves of two groups of languages have the same shape": an exact permutation of the groups'
    names over the languages, which are what varies.

    Args:
        coefficients: float64 ``[L, 3]``, not pooled: pooling within groups would make them differ.
        first, second: int, languages of the two groups.
        seed: Of the draws, where there are too many labellings to count.

    Example:
        >>> shapes = np.array([[0, s, -s] for s in (1.0, 1.1, 1.2, 5.0, 5.1, 5.2)])
        >>> groups_differ(shapes, np.arange(3), np.arange(3, 6))  # the two most extreme of 20 labellings
        0.1
    """
    shape = coefficients[np.concatenate([first, second]), 1:]
    spread = shape.var(axis=0)
    shape = shape / np.sqrt(np.where(spread > 0, spread, 1))
    number, size = len(shape), len(first)
    if comb(number, size) <= MOST_LABELLINGS:
        chosen = np.zeros((comb(number, size), number))
        for row, members in enumerate(combinations(range(number), size)):
            chosen[row, list(members)] = 1
        extra = 0
    else:
        generator = np.random.default_rng(seed)
        order = generator.random((10_000, number)).argsort(axis=1)
        chosen = (order < size).astype(np.float64)
        extra = 1
    observed = np.concatenate([np.ones(size), np.zeros(number - size)])

    def statistic(labels: np.ndarray) -> np.ndarray:
        difference = labels @ shape / size - (1 - labels) @ shape / (number - size)
        return (difference**2).sum(axis=-1)

    hits = int((statistic(chosen) >= statistic(observed) - 1e-12).sum())
    return (hits + extra) / (len(chosen) + extra)
