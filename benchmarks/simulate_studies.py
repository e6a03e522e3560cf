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
from hf_hybrid.studies.statistics.quadratic import groups_differ, percentile_interval, pooled_curves

ALPHAS = np.array([0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
# Figures of all but a rate with a nominal value: name -> what it should be.
Rates = dict[str, dict[str, float | None]]


def rate(hits: list[bool], nominal: float | None) -> dict[str, float | None]:
    """A rate with its nominal value; None where there is none (power)."""
    return {"rate": float(np.mean(hits)), "nominal": nominal, "trials": len(hits)}


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


STUDIES: dict[str, Callable[[int], Rates]] = {"ratio": ratio}


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
