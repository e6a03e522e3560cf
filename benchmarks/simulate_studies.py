"""Do the analyses of the studies find what is there, and nothing else, as often as they say? Simulated data with known
effects.

    python benchmarks/simulate_studies.py [--trials 400] [--studies ratio ...] [--output FILE]

Each study draws data as its design would give them (languages, seeds that move all languages of a run, paragraphs that
all systems share, noise), once without and once with the effect that it asks for. Printed and written: how often its
intervals hold the truth, how often its tests find nothing where there is nothing, and how often they find what is
there, beside the nominal rates.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hf_hybrid.metrics.resampling import ClusterSums, joint_draws
from hf_hybrid.metrics.significance import holm, paired_difference
from hf_hybrid.studies.statistics.covariate import CovariateSlope, slope_over_languages
from hf_hybrid.studies.statistics.figure_sum import FigureSum, figure_sum, slope_weights
from hf_hybrid.studies.statistics.mixed import Slope, groups_of_languages, slope_over_size
from hf_hybrid.studies.statistics.quadratic import groups_differ, percentile_interval, pooled_curves

ALPHAS = np.array([0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
# Figures of all but a rate with a nominal value: name -> what it should be.
Rates = dict[str, dict[str, float | None]]


def rate(hits: list[bool], nominal: float | None) -> dict[str, float | None]:
    """A rate with its nominal value; None where there is none (power)."""
    return {"rate": float(np.mean(hits)), "nominal": nominal, "trials": len(hits)}


def record(found: dict[str, list[bool]], estimate: Slope | CovariateSlope | FigureSum, truth: float) -> None:
    """Was something found, and does the interval hold the truth?"""
    found["found" if truth else "false"].append(estimate.p_value < 0.05)
    low, high = estimate.interval()
    found["held"].append(low <= truth <= high)


def cluster_noise(
    curves: np.ndarray, seeds: int, clusters: int, generator: np.random.Generator, of_run: float, of_query: float
) -> list[list[ClusterSums]]:
    """Systems ``[P]`` with S seeds each around mean curves ``[P, L]``: what a run adds to all its languages, what it
    adds to one, what a paragraph is for all systems, and noise.
    """
    points, languages = curves.shape
    paragraph = generator.exponential(0.15, (clusters, 1)) + generator.normal(0, 0.05, (clusters, languages))
    counts = np.ones((clusters, languages))
    systems = []
    for point in range(points):
        own = []
        for _ in range(seeds):
            run = generator.normal(0, of_run) + generator.normal(0, of_run, languages)
            noise = generator.normal(0, of_query, (clusters, languages))
            own.append(ClusterSums(curves[point] + run + paragraph + noise, counts))
        systems.append(own)
    return systems


def ratio(trials: int, seeds: int = 5, clusters: int = 120, resamples: int = 300) -> Rates:
    """Best alpha of a group, and group x alpha: 4 and 6 languages whose own best alphas vary by .05 within a group."""
    groups = np.repeat([0, 1], [4, 6])
    averages = np.eye(len(groups))
    found: dict[str, list[bool]] = {"held": [], "held_other": [], "false_difference": [], "found_difference": []}
    for trial in range(trials):
        generator = np.random.default_rng([7, trial])
        for shift in (0.0, 0.35):
            best = np.where(groups == 0, 0.35 + shift, 0.35) + generator.normal(0, 0.05, len(groups))
            curves = -0.06 * (ALPHAS[:, None] - best) ** 2
            systems = cluster_noise(curves, seeds, clusters, generator, of_run=0.002, of_query=0.03)
            joint = joint_draws(systems, averages, resamples=resamples, seed=trial)
            fitted = pooled_curves(joint.figures, joint.draws, ALPHAS, groups)
            differ = groups_differ(fitted.coefficients, *(np.flatnonzero(groups == group) for group in (0, 1)))
            found["found_difference" if shift else "false_difference"].append(differ < 0.05)
            for group, name in ((0, "held"), (1, "held_other")):
                members = np.flatnonzero(groups == group)
                weights = np.zeros((len(ALPHAS), len(groups)))
                weights[:, members] = ((ALPHAS - ALPHAS.mean()) / len(members))[:, None]
                low, high = percentile_interval(fitted.best_of(members)[1], max(joint.degrees(weights), 1.0))
                found[name].append(low <= best[members].mean() <= high)
    return {
        "interval of the best alpha holds it, 4 languages": rate(found["held"], 0.95),
        "interval of the best alpha holds it, 6 languages": rate(found["held_other"], 0.95),
        "group x alpha found where there is none": rate(found["false_difference"], 0.05),
        "group x alpha found where best alphas differ by .35": rate(found["found_difference"], None),
    }


def mono_cost(trials: int, seeds: int = 5, clusters: int = 120, resamples: int = 400) -> Rates:
    """Non-inferiority and equivalence at a margin of .01, over all of 6 languages and, by Holm, in any of them."""
    margin, languages = 0.01, 6
    averages = np.column_stack([np.full(languages, 1 / languages), np.eye(languages)])
    found: dict[str, list[bool]] = {name: [] for name in ("worse", "any_worse", "better", "shown", "equal", "held")}
    for trial in range(trials):
        generator = np.random.default_rng([8, trial])
        for loss in (0.0, margin, -margin):
            curves = np.stack([np.zeros(languages), np.full(languages, -loss)])
            mono, mixed = cluster_noise(curves, seeds, clusters, generator, of_run=0.002, of_query=0.03)
            pair = paired_difference(mono, mixed, averages, resamples=resamples, seed=trial, paired_seeds=True)
            not_worse, equal = pair.not_worse(margin), pair.equivalent(margin)
            if loss > 0:
                found["worse"].append(not_worse[0] < 0.05)
                found["any_worse"].append(holm(not_worse[1:]).min() < 0.05)
            elif loss < 0:
                found["better"].append(equal[0] < 0.05)
            else:
                found["shown"].append(not_worse[0] < 0.05)
                found["equal"].append(equal[0] < 0.05)
                low, high = pair.interval()
                found["held"].append(low[0] <= 0 <= high[0])
    return {
        "a loss of the margin called none": rate(found["worse"], 0.05),
        "a loss of the margin called none in any of 6 languages": rate(found["any_worse"], 0.05),
        "a gain of the margin called equal": rate(found["better"], 0.05),
        "no loss called none": rate(found["shown"], None),
        "no difference called equal": rate(found["equal"], None),
        "interval of the difference holds it": rate(found["held"], 0.95),
    }


def low_data(trials: int, seeds: int = 3, languages: int = 25) -> Rates:
    """Slope over log n, with runs that move all languages; and a family of languages that gains more."""
    sizes = [1000, 3000, 10_000, 30_000]
    x = np.log10(sizes) - np.log10(sizes).mean()
    families = [*["a"] * 5, *["b"] * 5, *["c"] * 4, *[f"alone {number}" for number in range(languages - 14)]]
    found: dict[str, list[bool]] = {name: [] for name in ("false", "found", "held", "family_false", "family_found")}
    for trial in range(trials):
        generator = np.random.default_rng([9, trial])
        noise = generator.normal(0, 0.006, (languages, 4, seeds)) + generator.normal(0, 0.007, (languages, 1, 1))
        noise += generator.normal(0, 0.002, (1, 1, seeds)) + generator.normal(0, 0.003, (1, 4, seeds))
        for slope in (0.0, -0.01):
            fitted = slope_over_size(noise + slope * x[:, None], sizes)
            record(found, fitted, slope)
        for gain in (0.0, 0.025):
            more = np.array([gain * (name == "b") for name in families])
            _, p_value = groups_of_languages(noise.mean(axis=(1, 2)) + more, families)
            found["family_found" if gain else "family_false"].append(p_value < 0.05)
    return {
        "a slope found where there is none": rate(found["false"], 0.05),
        "a slope of -.01 for ten times the examples found": rate(found["found"], None),
        "interval of the slope holds it": rate(found["held"], 0.95),
        "families found to differ where they do not": rate(found["family_false"], 0.05),
        "a family that gains .025 more found": rate(found["family_found"], None),
    }


def long_tail(trials: int, seeds: int = 3, languages: int = 11) -> Rates:
    """Line over what languages have: languages around it, seeds that give more to languages with more of it, noise."""
    found: dict[str, list[bool]] = {name: [] for name in ("false", "found", "held")}
    for trial in range(trials):
        generator = np.random.default_rng([10, trial])
        size = generator.uniform(4, 6.7, languages)
        noise = generator.normal(0, 0.012, (languages, 1)) + generator.normal(0, 0.006, (languages, seeds))
        noise += generator.normal(0, 0.002, (1, seeds)) + (size - 5.3)[:, None] * generator.normal(0, 0.002, seeds)
        for slope in (0.0, -0.02):
            fitted = slope_over_languages(noise + slope * size[:, None], size)
            record(found, fitted, slope)
    return {
        "a slope over languages found where there is none": rate(found["false"], 0.05),
        "a slope of -.02 for ten times the passages found": rate(found["found"], None),
        "interval of the slope holds it": rate(found["held"], 0.95),
    }


def model_size(trials: int, seeds: int = 3, clusters: int = 120, resamples: int = 400) -> Rates:
    """Arm x log(parameters): two arms whose figures rise with size, alike, or the method's by .01 less a doubling."""
    x = np.log2([8e6, 16e6, 32e6, 64e6])
    averages = np.full((6, 1), 1 / 6)
    found: dict[str, list[bool]] = {name: [] for name in ("false", "found", "held")}
    for trial in range(trials):
        generator = np.random.default_rng([11, trial])
        for differs in (0.0, -0.01):
            curves = np.repeat(np.concatenate([(0.03 + differs) * x, 0.03 * x])[:, None], 6, axis=1)
            systems = cluster_noise(curves, seeds, clusters, generator, of_run=0.003, of_query=0.03)
            joint = joint_draws(systems, averages, resamples=resamples, seed=trial)
            interaction = figure_sum(joint, slope_weights(x, (1.0, -1.0))[:, None])
            record(found, interaction, differs)
    return {
        "arm x log(parameters) found where there is none": rate(found["false"], 0.05),
        "arm x log(parameters) of -.01 a doubling found": rate(found["found"], None),
        "interval of the difference of slopes holds it": rate(found["held"], 0.95),
    }


STUDIES: dict[str, Callable[[int], Rates]] = {
    "ratio": ratio,
    "mono_cost": mono_cost,
    "low_data": low_data,
    "long_tail": long_tail,
    "model_size": model_size,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--studies", nargs="+", choices=sorted(STUDIES), default=list(STUDIES))
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    error = 1.96 * np.sqrt(0.05 * 0.95 / args.trials)
    results = {}
    for name in args.studies:
        results[name] = STUDIES[name](args.trials)
        print(f"{name} ({args.trials} trials, +-{error:.3f} at .05 and .95)")
        for what, one in results[name].items():
            nominal = "power" if one["nominal"] is None else f"nominal {one['nominal']:.2f}"
            print(f"  {what:<70}{one['rate']:>8.3f}  {nominal}", flush=True)
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps({"trials": args.trials, "studies": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
