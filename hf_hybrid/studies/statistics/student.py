"""Student's interval and test of one estimate with its standard error and degrees of freedom."""

from __future__ import annotations

import numpy as np
from scipy import stats


def student_interval(estimate: float, standard_error: float, degrees: float, confidence: float) -> tuple[float, float]:
    """Two-sided, around the estimate.

    Example:
        >>> [round(end, 3) for end in student_interval(1.0, 0.1, 1e9, 0.95)]
        [0.804, 1.196]
    """
    half = float(stats.t.ppf(0.5 + confidence / 2, degrees)) * standard_error
    return estimate - half, estimate + half


def student_p_value(estimate: float, standard_error: float, degrees: float) -> float:
    """Two-sided, of "the truth is 0"; without an error anything but 0 is certain.

    Example:
        >>> round(student_p_value(1.96, 1.0, 1e9), 3), student_p_value(0.0, 0.0, 3.0), student_p_value(0.1, 0.0, 3.0)
        (0.05, 1.0, 0.0)
    """
    if not estimate:
        return 1.0
    t = abs(estimate) / standard_error if standard_error > 0 else np.inf
    return float(2 * stats.t.sf(t, degrees))
