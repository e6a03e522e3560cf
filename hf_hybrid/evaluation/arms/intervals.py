"""Mean over seeds with Student's t interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats


def over_seeds(values: Sequence[float], confidence: float = 0.95) -> dict[str, Any]:
    """Mean, interval and standard deviation of one figure over seeds.

    The interval is ``mean +- t sd / sqrt(S)`` with S - 1 degrees of freedom: it is about training with another seed,
    on the same questions.

    Returns:
        ``mean``, ``low``, ``high``, ``sd`` (the last three null where there is one seed) and ``values``.

    Example:
        >>> {key: round(value, 4) for key, value in over_seeds([1.0, 2.0, 3.0]).items() if key != "values"}
        {'mean': 2.0, 'low': -0.4841, 'high': 4.4841, 'sd': 1.0}
    """
    numbers = np.array(values, dtype=np.float64)
    mean = float(numbers.mean())
    found: dict[str, Any] = {"mean": mean, "low": None, "high": None, "sd": None, "values": numbers.tolist()}
    if len(numbers) > 1:
        deviation = float(numbers.std(ddof=1))
        half = float(stats.t.ppf(0.5 + confidence / 2, len(numbers) - 1)) * deviation / math.sqrt(len(numbers))
        found |= {"low": mean - half, "high": mean + half, "sd": deviation}
    return found
