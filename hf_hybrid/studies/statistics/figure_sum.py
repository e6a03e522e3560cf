"""Weighted sums of the figures of systems that were drawn together: slopes over their sizes, and how slopes differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hf_hybrid.metrics.resampling import JointDraws
from hf_hybrid.studies.statistics.student import student_interval, student_p_value


@dataclass(frozen=True)
class FigureSum:
    """One weighted sum.

    Attributes:
        value, standard_error, degrees, p_value: Satterthwaite's degrees of freedom over seeds and clusters, 1 or more;
            the p value is that of a sum of nothing.
    """

    value: float
    standard_error: float
    degrees: float
    p_value: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Student's."""
        return student_interval(self.value, self.standard_error, self.degrees, confidence)


def slope_weights(x: np.ndarray, of_arms: Sequence[float]) -> np.ndarray:
    """Weights by which figures of arms x sizes give a weighted sum of the arms' least squares slopes.

    Args:
        x: float64 ``[N]``, where the sizes lie.
        of_arms: A weights.

    Returns:
        float64 ``[A * N]``, arm by arm.

    Example:
        >>> (slope_weights(np.array([1.0, 2.0, 3.0]), (1.0, -1.0)) @ [5, 7, 9, 1, 2, 3]).item()
        1.0
    """
    around = x - x.mean()
    return np.concatenate([weight * around / (around @ around) for weight in of_arms])


def figure_sum(drawn: JointDraws, weights: np.ndarray) -> FigureSum:
    """The sum of all figures by their weights.

    Args:
        drawn: Figures of P systems.
        weights: float64 ``[P, K]``.
    """
    value = float((drawn.figures * weights).sum())
    error = float(np.einsum("bpk,pk->b", drawn.draws, weights).std())
    degrees = max(drawn.degrees(weights), 1.0)
    return FigureSum(value, error, degrees, student_p_value(value, error, degrees))
