"""Mixed models of what was measured by language, size of the data and seed: `statsmodels` fits them.

``delta ~ log n + (1 | language) + (1 | seed) + (1 | run)``: all languages of a run share a model, so a run is a level,
too; without it 25 languages would count as 25 independent measurements of what a training gave.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hf_hybrid.errors import InputError
from hf_hybrid.studies.statistics.student import student_interval, student_p_value


@dataclass(frozen=True)
class Slope:
    """How a difference changes with log10 of the number of examples.

    Attributes:
        slope, standard_error, degrees, p_value: Per tenfold number of examples; degrees of freedom are those of the
            runs within seeds.
        intercept: At the geometric mean of the sizes.
        spread: Standard deviations of `language`, `seed`, `run` and `residual`.
    """

    slope: float
    standard_error: float
    degrees: float
    p_value: float
    intercept: float
    spread: dict[str, float]

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Of the slope."""
        return student_interval(self.slope, self.standard_error, self.degrees, confidence)


def require_statsmodels() -> None:
    """Say how to get statsmodels where it is missing.

    Raises:
        InputError: It is not installed.
    """
    try:
        import statsmodels  # noqa: F401
    except ImportError as error:
        raise InputError('mixed models need statsmodels: pip install "hf_hybrid[study]"') from error


def slope_over_size(delta: np.ndarray, sizes: Sequence[float]) -> Slope:
    """Fit the model by restricted maximum likelihood.

    Args:
        delta: float64 ``[L, N, S]``: language, size, seed; no gaps.
        sizes: N numbers of examples.

    Raises:
        InputError: statsmodels is not installed.
        ValueError: Fewer than two sizes, or no degrees of freedom: more than one seed or three sizes are needed.

    Example:
        >>> noise = np.random.default_rng(0).normal(0, 0.1, (5, 4, 3))
        >>> round(slope_over_size(noise + np.array([0, 1, 2, 3])[:, None], [1, 10, 100, 1000]).slope)  # doctest: +SKIP
        1
    """
    require_statsmodels()
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    languages, number, seeds = delta.shape
    degrees = number * seeds - seeds - 1
    if number < 2 or degrees < 1:
        raise ValueError("a slope over size needs two sizes, and more than one seed or three sizes")
    language, size, seed = (axis.ravel() for axis in np.indices(delta.shape))
    x = np.log10(np.asarray(sizes, dtype=np.float64))
    x = x - x.mean()
    levels = {"language": language, "run": size * seeds + seed}
    if seeds > 1:
        levels["seed"] = seed
    matrices = [[np.eye(codes.max() + 1)[codes]] for codes in levels.values()]
    columns = [[[f"{name}{code}" for code in range(codes.max() + 1)]] for name, codes in levels.items()]
    # Units of the data's own size keep the optimiser from stopping at once.
    unit = float(delta.std()) or 1.0
    exog = np.column_stack([np.ones(delta.size), x[size]])
    model = MixedLM(
        delta.ravel() / unit,
        exog,
        np.zeros(delta.size),
        exog_vc=VCSpec(list(levels), columns, matrices),
        use_sqrt=True,
    )
    with warnings.catch_warnings():
        # Of a component of nothing, at the edge of what it may be: there is nothing to do about it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        fit = model.fit(reml=True, method=["lbfgs", "powell"])
    components = {name: float(value) for name, value in zip(levels, fit.vcomp, strict=True)}
    # Of the balanced design; statsmodels' own matrix of the fixed effects is not had where a component is 0.
    residual = float(fit.scale)
    error = np.sqrt((components["run"] + residual / languages) / (seeds * float((x**2).sum())))
    slope = float(fit.fe_params[1]) * unit
    standard_error = float(error) * unit
    return Slope(
        slope,
        standard_error,
        float(degrees),
        student_p_value(slope, standard_error, degrees),
        float(fit.fe_params[0]) * unit,
        {name: float(np.sqrt(max(value, 0.0))) * unit for name, value in {**components, "residual": residual}.items()},
    )


def groups_of_languages(values: np.ndarray, groups: Sequence[str]) -> tuple[dict[str, dict[str, float]], float | None]:
    """Means of groups of languages, with Student's intervals over languages, and the p value of "no group differs".

    What all languages of a run share cancels between languages, so that a language is one measurement.

    Args:
        values: float64 ``[L]``, one a language.
        groups: L names.

    Returns:
        Group -> `mean`, `languages`, and where it has several `low` and `high`; Welch's test over the groups of
        several languages, None where fewer than two have several.

    Example:
        >>> found, p_value = groups_of_languages(np.array([1.0, 3.0, 8.0]), ["a", "a", "b"])
        >>> found["a"]["mean"], found["b"]["languages"], p_value
        (2.0, 1, None)
    """
    found: dict[str, dict[str, float]] = {}
    several = []
    for name in sorted(set(groups)):
        own = values[[group == name for group in groups]]
        found[name] = {"mean": float(own.mean()), "languages": len(own)}
        if len(own) > 1:
            half = float(stats.t.ppf(0.975, len(own) - 1) * own.std(ddof=1) / np.sqrt(len(own)))
            found[name] |= {"low": found[name]["mean"] - half, "high": found[name]["mean"] + half}
            several.append(own)
    return found, welch(several) if len(several) > 1 else None


def welch(samples: Sequence[np.ndarray]) -> float:
    """Welch's analysis of variance (1951): do means differ, where variances may? p value.

    Example:
        >>> round(welch([np.array([1.0, 2, 3]), np.array([1.0, 2, 4])]), 3) == round(
        ...     float(stats.ttest_ind([1, 2, 3], [1, 2, 4], equal_var=False).pvalue), 3)
        True
    """
    sizes = np.array([len(sample) for sample in samples], dtype=np.float64)
    means = np.array([sample.mean() for sample in samples])
    variances = np.array([sample.var(ddof=1) for sample in samples])
    if (variances == 0).all():
        return 1.0 if np.ptp(means) == 0 else 0.0
    weights = sizes / np.maximum(variances, 1e-12 * variances.max())
    share = weights / weights.sum()
    center = float(share @ means)
    count = len(samples)
    lack = float((((1 - share) ** 2) / (sizes - 1)).sum())
    statistic = float(weights @ (means - center) ** 2) / (count - 1)
    statistic /= 1 + 2 * (count - 2) / (count**2 - 1) * lack
    return float(stats.f.sf(statistic, count - 1, (count**2 - 1) / (3 * lack)))
