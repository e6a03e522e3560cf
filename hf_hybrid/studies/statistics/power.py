"""What a design could have seen: the smallest true difference that its two-sided test finds with a given chance."""

from __future__ import annotations

import numpy as np
from scipy import stats

POWER = 0.8


def smallest_seen(
    standard_error: float | np.ndarray,
    degrees: float | np.ndarray,
    level: float = 0.05,
    power: float = POWER,
    tests: int = 1,
) -> np.ndarray:
    """Smallest true difference that is found with the chance `power` by a two-sided t test.

    Args:
        standard_error, degrees: Of the difference, as the study's own data give them.
        level: Of the test.
        power: Chance to find it.
        tests: Number of tests in a family that Holm's correction bounds: the first step divides the level by it.

    Returns:
        `(t[1 - level / 2 / tests] + t[power]) * standard_error`.

    Example:
        >>> round(float(smallest_seen(0.01, 1e9)), 4)  # (1.96 + 0.84) standard errors
        0.028
    """
    bound = stats.t.ppf(1 - level / 2 / tests, degrees) + stats.t.ppf(power, degrees)
    return np.asarray(bound * np.asarray(standard_error))
