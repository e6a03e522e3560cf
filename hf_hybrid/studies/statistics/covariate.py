"""How a difference changes with something that languages have, such as how much text there is of them.

A least squares line over languages. Two things move its slope: which languages there are, and, as all languages of a
run share a model, what a seed gives to languages that have more of it. What is left by line, language and seed is in
both variances, so that it is taken off once (a two-way layout): ``MS_languages + max(MS_seeds - MS_rest, 0)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hf_hybrid.studies.statistics.student import student_interval, student_p_value


@dataclass(frozen=True)
class CovariateSlope:
    """A line over languages.

    Attributes:
        slope, standard_error, degrees, p_value: Of the difference, for one unit of the covariate; Satterthwaite's
            degrees of freedom: L - 2 where seeds add nothing.
        intercept: At the mean of the covariate.
        residual: Standard deviation of languages around the line.
    """

    slope: float
    standard_error: float
    degrees: float
    p_value: float
    intercept: float
    residual: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Of the slope."""
        return student_interval(self.slope, self.standard_error, self.degrees, confidence)


def slope_over_languages(delta: np.ndarray, covariate: np.ndarray) -> CovariateSlope:
    """Fit the line.

    Args:
        delta: float64 ``[L, S]``: language, seed.
        covariate: float64 ``[L]``.

    Raises:
        ValueError: Fewer than three languages, or a covariate that is the same for all.

    Example:
        >>> found = slope_over_languages(np.array([[1.0], [3.0], [2.0], [4.0]]), np.array([0.0, 1, 2, 3]))
        >>> round(found.slope, 3), round(found.standard_error, 3), found.degrees  # Var = 1.8 / 2 / 5
        (0.8, 0.424, 2.0)
    """
    languages, seeds = delta.shape
    x = np.asarray(covariate, dtype=np.float64)
    x = x - x.mean()
    square = float(x @ x)
    if languages < 3 or square == 0:
        raise ValueError("a slope over languages needs three languages or more, and a covariate that varies")
    mean = delta.mean(axis=1)
    slope, intercept = float(x @ mean) / square, float(mean.mean())
    around = float(((mean - intercept - slope * x) ** 2).sum()) / (languages - 2)
    parts = [(around / square, languages - 2)]
    if seeds > 1:
        of_seed = x @ delta / square
        between = float(of_seed.var(ddof=1)) / seeds
        # What is left when every language has a level and every seed a line of its own.
        rest = delta - mean[:, None] - (delta.mean(axis=0) - intercept)[None] - np.outer(x, of_seed - slope)
        noise = float((rest**2).sum()) / ((languages - 2) * (seeds - 1)) / (seeds * square)
        parts.append((max(between - noise, 0.0), seeds - 1))
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / own for part, own in parts)
    degrees = variance**2 / below if below > 0 else float(languages - 2)
    error = float(np.sqrt(variance))
    p_value = student_p_value(slope, error, degrees)
    return CovariateSlope(slope, error, float(degrees), p_value, intercept, float(np.sqrt(around)))
