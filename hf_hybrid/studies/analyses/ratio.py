"""Which share of monolingual batches (the paper's alpha) is best, for which languages?

For every budget and figure: a quadratic over alpha for each language, pooled partially within groups; where it is
highest, with an interval over draws of seeds and clusters; and whether two groups' curves differ in shape, by an exact
permutation over languages (group x alpha).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.paired_figures import JointFigures, joint_figures
from hf_hybrid.plots.panels import Panel, Series
from hf_hybrid.studies.analyses.settings import numbers_of_levels, settings_of
from hf_hybrid.studies.contrasts import judge_contrasts
from hf_hybrid.studies.findings import FAILS, HOLDS, OPEN, Analysis, Finding, Table, points
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.statistics.quadratic import PooledCurves, groups_differ, percentile_interval, pooled_curves
from hf_hybrid.studies.study import StudyDesign

TITLES = {"mul_map": "Mul", "mo_map": "Mo", "cr_map": "Cr"}


@dataclass(frozen=True)
class RatioSettings:
    """What is analysed.

    Attributes:
        benchmark: On which results.
        groups: Name -> languages; curves are pooled within a group.
        compare: The two groups whose curves are compared.
        figures: By language: `mul_map`, `mo_map`, `cr_map`; the first decides.
        resamples: Draws of seeds and clusters.
        level: Of intervals and tests.
    """

    benchmark: str
    groups: Mapping[str, Sequence[str]]
    compare: Sequence[str]
    figures: Sequence[str] = ("mul_map", "mo_map", "cr_map")
    resamples: int = 2000
    level: float = 0.05


def check(design: StudyDesign) -> None:
    """Refuse a design without a curve: one arm, levels that are numbers, at least three of them.

    Raises:
        InputError: Says what is missing.
    """
    settings = settings_of(RatioSettings, design)
    if len(design.arms) != 1:
        raise InputError("study ratio: give one arm, hybrid; alpha 0 and 1 are levels of it")
    if len(set(numbers_of_levels(design).values())) < 4:
        raise InputError("study ratio: a quadratic needs at least four levels of alpha to be judged")
    for name in settings.compare:
        if name not in settings.groups:
            raise InputError(
                f"study ratio: analysis: compare: no group '{name}'; there are {', '.join(settings.groups)}"
            )
    if len(settings.compare) != 2:
        raise InputError("study ratio: analysis: compare names two groups")
    everyone = [tag for tags in settings.groups.values() for tag in tags]
    if len(set(everyone)) < len(everyone):
        raise InputError("study ratio: analysis: groups: a language may stand in one group only")


def analyse(results: StudyResults) -> Analysis:
    """Curves, best alphas, group x alpha, and the declared contrasts."""
    settings = settings_of(RatioSettings, results.design)
    findings, tables, contrasts = judge_contrasts(results, results.design.contrasts)
    content: dict[str, Any] = {"contrasts": contrasts, "curves": []}
    panels: list[Panel] = []
    for budget in results.design.budgets:
        joint, alphas = _joint(results, settings, budget)
        for figure in settings.figures:
            curve = _Curve(settings, joint, alphas, figure, budget)
            entry = curve.content()
            content["curves"].append(entry)
            panels.append(curve.panel())
            tables.append(curve.table(entry))
            if figure == settings.figures[0]:
                findings += curve.findings(entry)
    return Analysis(tuple(findings), tuple(tables), tuple(panels), content, _not_identified(results, settings))


def _joint(results: StudyResults, settings: RatioSettings, budget: str) -> tuple[JointFigures, np.ndarray]:
    """All alphas that the budget can have, drawn together."""
    arm = next(iter(results.design.arms))
    numbers = numbers_of_levels(results.design)
    systems = {
        level: files
        for level in sorted(numbers, key=numbers.__getitem__)
        if (files := results.files(settings.benchmark, {"arm": arm, "level": level, "budget": budget}))
    }
    joint = joint_figures(systems, resamples=settings.resamples)
    wanted = {tag for tags in settings.groups.values() for tag in tags}
    if absent := sorted(wanted - set(joint.languages)):
        raise InputError(f"study ratio: {settings.benchmark} has no language '{absent[0]}' of the groups")
    return joint, np.array([numbers[level] for level in systems])


class _Curve:
    """One figure under one budget."""

    def __init__(
        self, settings: RatioSettings, joint: JointFigures, alphas: np.ndarray, figure: str, budget: str
    ) -> None:
        self.settings, self.joint, self.alphas, self.figure, self.budget = settings, joint, alphas, figure, budget
        self.tags = [tag for tags in settings.groups.values() for tag in tags]
        groups = [number for number, tags in enumerate(settings.groups.values()) for _ in tags]
        self.groups = np.array(groups)
        places = [joint.names.index(f"{figure}:{tag}") for tag in self.tags]
        self.values = joint.drawn.figures[:, places]
        self.draws = joint.drawn.draws[:, :, places]
        self.curves: PooledCurves = pooled_curves(self.values, self.draws, alphas, self.groups)
        self.places = places

    def degrees(self, members: np.ndarray) -> float:
        """Of the slope of a group's mean curve."""
        weights = np.zeros((len(self.alphas), self.joint.drawn.figures.shape[1]))
        for place in np.array(self.places)[members]:
            weights[:, place] = (self.alphas - self.alphas.mean()) / len(members)
        return max(self.joint.drawn.degrees(weights), 1.0)

    def members(self, group: str) -> np.ndarray:
        return np.flatnonzero(self.groups == list(self.settings.groups).index(group))

    def best_of_group(self, group: str) -> dict[str, float]:
        members = self.members(group)
        place, draws = self.curves.best_of(members)
        low, high = percentile_interval(draws, self.degrees(members), 1 - self.settings.level)
        return {"best": place, "low": low, "high": high}

    def content(self) -> dict[str, Any]:
        best, draws = self.curves.best()
        languages = {}
        for number, tag in enumerate(self.tags):
            low, high = percentile_interval(
                draws[:, number], self.degrees(np.array([number])), 1 - self.settings.level
            )
            languages[tag] = {
                "group": list(self.settings.groups)[self.groups[number]],
                "values": self.values[:, number].tolist(),
                "best": float(best[number]),
                "low": low,
                "high": high,
            }
        first, second = (self.members(name) for name in self.settings.compare)
        one, other = (self.curves.best_of(members) for members in (first, second))
        degrees = min(self.degrees(first), self.degrees(second))
        low, high = percentile_interval(one[1] - other[1], degrees, 1 - self.settings.level)
        return {
            "budget": self.budget,
            "figure": self.figure,
            "alphas": self.alphas.tolist(),
            "languages": languages,
            "groups": {group: self.best_of_group(group) for group in self.settings.groups},
            "group_by_alpha": {
                "p_value": groups_differ(self.curves.coefficients, first, second),
                "difference_of_best": one[0] - other[0],
                "low": low,
                "high": high,
            },
            "spread_of_languages": {"slope": float(self.curves.tau[0]), "curvature": float(self.curves.tau[1])},
            "residual": self.curves.residual,
        }

    def findings(self, entry: Mapping[str, Any]) -> list[Finding]:
        seeds, clusters = len(self.joint.seeds), self.joint.drawn.clusters
        ends = float(self.alphas.min()), float(self.alphas.max())
        title = TITLES.get(self.figure, self.figure)
        where = f"{title}, budget {self.budget}" if self.budget else title
        found = []
        for group, best in entry["groups"].items():
            inside = best["low"] > ends[0] and best["high"] < ends[1]
            at_an_end = best["low"] == best["high"] and best["best"] in ends
            found.append(
                Finding(
                    f"inside_{group}_{self.budget}",
                    f"a mix of both kinds of batches is best for the {group} languages ({where})",
                    HOLDS if inside else FAILS if at_an_end else OPEN,
                    best["best"],
                    best["low"],
                    best["high"],
                    "best alpha",
                    seeds,
                    clusters,
                )
            )
        test = entry["group_by_alpha"]
        first, second = self.settings.compare
        found.append(
            Finding(
                f"group_by_alpha_{self.budget}",
                f"the curves of {first} and {second} languages differ in shape ({where}; permutation over languages, "
                f"p = {test['p_value']:.3f})",
                HOLDS if test["p_value"] < self.settings.level else OPEN,
                test["difference_of_best"],
                test["low"],
                test["high"],
                f"best alpha of {first} less that of {second}",
                seeds,
                clusters,
                test["p_value"],
            )
        )
        return found

    def table(self, entry: Mapping[str, Any]) -> Table:
        rows = [
            [tag, one["group"], f"{one['best']:.2f}", f"[{one['low']:.2f}, {one['high']:.2f}]"]
            + [points(value, sign=False) for value in one["values"]]
            for tag, one in entry["languages"].items()
        ]
        head = ["language", "group", "best alpha", "95 % interval", *(f"alpha {alpha:g}" for alpha in self.alphas)]
        title = TITLES.get(self.figure, self.figure)
        note = (
            "mAP in points, means over seeds; the quadratics miss the measured means by "
            f"{100 * self.curves.residual:.2f} points (root mean square)."
        )
        return Table(f"{title} over alpha{f', budget {self.budget}' if self.budget else ''}", head, rows, note, left=2)

    def panel(self) -> Panel:
        series = []
        for group in self.settings.groups:
            members = self.members(group)
            means, draws = self.values[:, members].mean(axis=1), self.draws[:, :, members].mean(axis=2)
            # Which passages are drawn moves a curve as a whole, which is no matter here.
            means, draws = means - means.mean(), draws - draws.mean(axis=1, keepdims=True)
            ends = [percentile_interval(draws[:, place], self.degrees(members)) for place in range(len(self.alphas))]
            series.append(
                Series(
                    f"{group} ({', '.join(self.settings.groups[group])})",
                    tuple(self.alphas.tolist()),
                    tuple((100 * means).tolist()),
                    tuple(100 * low for low, _ in ends),
                    tuple(100 * high for _, high in ends),
                )
            )
        title = TITLES.get(self.figure, self.figure)
        return Panel(
            f"{title}{f', {self.budget}' if self.budget else ''}",
            "alpha",
            "mAP less its mean over alpha, points",
            tuple(series),
            zero=True,
        )


def _not_identified(results: StudyResults, settings: RatioSettings) -> tuple[str, ...]:
    growing = [name for name, one in results.design.budgets.items() if one.rule == "equal_cross_examples"]
    longer = [
        f"Budget {name} holds the cross-lingual examples, so that a run is the longer, the larger alpha is: what is "
        "said of alpha is said of the number of batches, too."
        for name in growing
    ]
    sizes = ", ".join(f"{len(tags)} {group}" for group, tags in settings.groups.items())
    return (
        *longer,
        f"The groups have few languages ({sizes}): how they differ says little of languages that are not here.",
        "Languages of a group share seeds and passages; what they differ by is estimated as if their errors were "
        "independent, so that pooling is, if anything, too strong.",
        "What sets a group apart (script, family, text in pretraining) varies together with the group.",
    )
