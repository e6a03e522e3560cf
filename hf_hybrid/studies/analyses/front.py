"""The front of Mo against Mul: which levels nothing else beats in one without losing in the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hf_hybrid.evaluation.paired_figures import joint_figures
from hf_hybrid.plots.panels import Panel, Series
from hf_hybrid.studies.measured import StudyResults

# More draws than this would not show in a share.
DRAWS = 2000


def front_of(results: StudyResults, benchmark: str, budget: str, resamples: int = DRAWS) -> dict[str, Any]:
    """Mo and Mul of every alpha, and how often over draws nothing else is better in both."""
    arm = next(iter(results.design.arms))
    systems = {
        level: files
        for level in results.design.levels
        if (files := results.files(benchmark, {"arm": arm, "level": level, "budget": budget}))
    }
    joint = joint_figures(systems, resamples=min(resamples, DRAWS))
    places = [joint.names.index(name) for name in ("mo_map", "mul_map")]
    figures, draws = joint.drawn.figures[:, places], joint.drawn.draws[:, :, places]
    share = on_front(draws).mean(axis=0)
    here = on_front(figures[None])[0]
    return {
        "benchmark": benchmark,
        "budget": budget,
        "levels": {
            level: {
                "mo_map": float(figures[row, 0]),
                "mul_map": float(figures[row, 1]),
                "on_front": bool(here[row]),
                "share_of_draws": float(share[row]),
            }
            for row, level in enumerate(systems)
        },
    }


def on_front(values: np.ndarray) -> np.ndarray:
    """Which systems no other one beats in one figure without losing in another: bool `[B, P]` of `[B, P, K]`.

    Example:
        >>> on_front(np.array([[[1.0, 3.0], [2.0, 2.0], [1.5, 1.5]]])).tolist()
        [[True, True, False]]
    """
    ours, theirs = values[:, :, None], values[:, None]
    beaten = (theirs >= ours).all(axis=-1) & (theirs > ours).any(axis=-1)
    return ~beaten.any(axis=2)


def front_panel(front: Mapping[str, Any]) -> Panel:
    """Mo over Mul, with the levels' names."""
    series = []
    for label, wanted in (("on the front", True), ("beaten", False)):
        kept = {name: one for name, one in front["levels"].items() if one["on_front"] is wanted}
        kept = dict(sorted(kept.items(), key=lambda item: item[1]["mul_map"]))
        if kept:
            series.append(
                Series(
                    label,
                    tuple(100 * one["mul_map"] for one in kept.values()),
                    tuple(100 * one["mo_map"] for one in kept.values()),
                    names=tuple(f"alpha {name}" for name in kept),
                    joined=wanted,
                )
            )
    budget = f", {front['budget']}" if front["budget"] else ""
    return Panel(f"{front['benchmark']}{budget}", "Mul, mAP (%)", "Mo, mAP (%)", tuple(series))
