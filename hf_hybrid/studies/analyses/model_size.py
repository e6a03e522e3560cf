"""Does the method help small encoders more, or large ones?

For every figure a line over log2(parameters) for each arm, and how the method's line and a baseline's differ (arm x
log(parameters)). All cells are drawn together: the same seeds, and below them the same clusters of queries, so that
the intervals are over both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.figures import find_figure
from hf_hybrid.evaluation.paired_figures import JointFigures, joint_figures
from hf_hybrid.metrics.significance import holm
from hf_hybrid.plots.panels import Panel, Series
from hf_hybrid.studies.analyses.levels import reader_ceiling
from hf_hybrid.studies.analyses.settings import check_arms, check_figures, settings_of
from hf_hybrid.studies.contrasts import LEVEL, judge_contrasts
from hf_hybrid.studies.findings import HOLDS, OPEN, Analysis, Finding, Table, points
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.statistics.figure_sum import figure_sum, slope_weights
from hf_hybrid.studies.statistics.power import smallest_seen
from hf_hybrid.studies.study import StudyDesign

RETRIEVAL = ("mul_map", "mo_map", "cr_map")
# Of a reader behind the model, where the results have one.
READING = tuple(f"{source}_{name}" for source in ("mo", "mul") for name in ("answer_recall", "em", "f1"))
FEW = 4


@dataclass(frozen=True)
class ModelSizeSettings:
    """What is analysed.

    Attributes:
        method: The arm in question.
        baselines: Arms whose lines its line is compared with.
        parameters: Level -> number of parameters.
        figures: Those that the results of a benchmark have are taken; the first of them decides.
        resamples: Draws of seeds and clusters.
    """

    method: str
    baselines: Sequence[str]
    parameters: Mapping[str, float]
    figures: Sequence[str] = (*RETRIEVAL, *READING)
    resamples: int = 2000


def check(design: StudyDesign) -> None:
    """Refuse a design without trained arms, three sizes and several seeds.

    Raises:
        InputError: Says what is missing.
    """
    settings = settings_of(ModelSizeSettings, design)
    where = "study model_size: analysis"
    check_arms(design, (settings.method, *settings.baselines))
    if not settings.baselines:
        raise InputError(f"{where}: give baselines")
    parameters = {str(level): number for level, number in settings.parameters.items()}
    for level in design.levels:
        number = parameters.get(level)
        if isinstance(number, bool) or not isinstance(number, int | float) or number <= 0:
            raise InputError(f"{where}: parameters: give a number above 0 for the level {level}")
    if len({parameters[level] for level in design.levels}) < 3:
        raise InputError("study model_size: a line needs three sizes or more")
    if len(design.seeds) < 2:
        raise InputError("study model_size: give two seeds or more: they are the replicates")
    check_figures(design, settings.figures)


def analyse(results: StudyResults) -> Analysis:
    """Lines by arm, arm x log(parameters), and the declared contrasts."""
    settings = settings_of(ModelSizeSettings, results.design)
    findings, tables, contrasts = judge_contrasts(results, results.design.contrasts)
    content: dict[str, Any] = {"contrasts": contrasts, "lines": []}
    panels: list[Panel] = []
    ceilings = [reader_ceiling(results, benchmark) for benchmark in results.design.benchmarks]
    tables += [one for one in ceilings if one is not None]
    for budget in results.design.budgets:
        for benchmark in results.design.benchmarks:
            lines = _lines(results, settings, benchmark, budget)
            for number, one in enumerate(lines):
                content["lines"].append(one.content())
                tables += one.tables()
                panels.append(one.panel())
                findings += [] if number else one.findings()
    return Analysis(tuple(findings), tuple(tables), tuple(panels), content, _not_identified(results.design, settings))


def trend(sizes: int) -> str:
    """What a line over a number of sizes may be called.

    Example:
        >>> trend(4), trend(6)
        ('a trend over 4 sizes', 'a line over 6 sizes')
    """
    return f"a trend over {sizes} sizes" if sizes <= FEW else f"a line over {sizes} sizes"


def _lines(results: StudyResults, settings: ModelSizeSettings, benchmark: str, budget: str) -> list[_Lines]:
    """One for each figure that the benchmark's results have."""
    parameters = {str(level): float(number) for level, number in settings.parameters.items()}
    levels = sorted(results.design.levels, key=parameters.__getitem__)
    arms = [settings.method, *settings.baselines]
    systems = {
        f"{arm} {level}": results.files(benchmark, {"arm": arm, "level": level, "budget": budget})
        for arm in arms
        for level in levels
    }
    joint = joint_figures(systems, resamples=settings.resamples)
    found = [name for name in settings.figures if name in joint.names]
    if not found:
        raise InputError(f"study model_size: {benchmark} has none of the figures {', '.join(settings.figures)}")
    sizes = np.array([parameters[level] for level in levels])
    where = f"{benchmark}, {budget}"
    return [_Lines(joint, name, arms, levels, sizes, where) for name in found]


class _Lines:
    """One figure on one benchmark under one budget: arms x sizes."""

    def __init__(
        self,
        joint: JointFigures,
        figure: str,
        arms: Sequence[str],
        levels: Sequence[str],
        sizes: np.ndarray,
        where: str,
    ) -> None:
        self.joint, self.figure, self.arms, self.levels, self.sizes, self.where = (
            joint,
            figure,
            arms,
            levels,
            sizes,
            where,
        )
        self.title = find_figure(figure).title
        self.place = joint.names.index(figure)
        x = np.log2(sizes)
        self.x = x - x.mean()
        # float64 [A, N]: mean over the seeds
        self.values = joint.drawn.figures[:, self.place].reshape(len(arms), len(levels))
        self.slopes = {arm: self._sum({arm: 1.0}) for arm in arms}
        self.differences = {arm: self._sum({arms[0]: 1.0, arm: -1.0}) for arm in arms[1:]}
        adjusted = holm(np.array([one["p_value"] for one in self.differences.values()]))
        for one, p_value in zip(self.differences.values(), adjusted, strict=True):
            one["p_holm"] = float(p_value)

    def _sum(self, of_arms: Mapping[str, float]) -> dict[str, float]:
        """A weighted sum of the arms' slopes, for twice the parameters."""
        every = np.zeros(self.joint.drawn.figures.shape)
        every[:, self.place] = slope_weights(self.x, [of_arms.get(arm, 0.0) for arm in self.arms])
        found = figure_sum(self.joint.drawn, every)
        low, high = found.interval(1 - LEVEL)
        return {
            "slope": found.value,
            "low": low,
            "high": high,
            "p_value": found.p_value,
            "smallest_seen": float(smallest_seen(found.standard_error, found.degrees, LEVEL)),
        }

    def _residual(self, row: int) -> float:
        """Root mean square of an arm's means around its line."""
        values = self.values[row]
        fitted = values.mean() + self.slopes[self.arms[row]]["slope"] * self.x
        return float(np.sqrt(((values - fitted) ** 2).mean()))

    def content(self) -> dict[str, Any]:
        return {
            "where": self.where,
            "figure": self.figure,
            "parameters": dict(zip(self.levels, self.sizes.tolist(), strict=True)),
            "arms": {
                arm: {
                    "values": dict(zip(self.levels, self.values[row].tolist(), strict=True)),
                    **self.slopes[arm],
                    "residual": self._residual(row),
                }
                for row, arm in enumerate(self.arms)
            },
            "interaction": self.differences,
        }

    def findings(self) -> list[Finding]:
        unit = "mAP" if self.figure.endswith("_map") else f"change in the difference of {self.title}"
        return [
            Finding(
                f"size_{arm}_{self.where}",
                f"what {self.arms[0]} gains on {arm} changes with the number of parameters ({self.title} on "
                f"{self.where}; for twice the parameters, {trend(len(self.sizes))}, p = {one['p_holm']:.3f})",
                HOLDS if one["p_holm"] < LEVEL else OPEN,
                one["slope"],
                one["low"],
                one["high"],
                unit,
                len(self.joint.seeds),
                self.joint.drawn.clusters,
                one["p_holm"],
                one["smallest_seen"],
            )
            for arm, one in self.differences.items()
        ]

    def tables(self) -> list[Table]:
        rows = [
            [
                arm,
                *(points(value, sign=False) for value in self.values[row]),
                points(self.slopes[arm]["slope"]),
                _ends(self.slopes[arm]),
                points(self._residual(row), sign=False),
            ]
            for row, arm in enumerate(self.arms)
        ]
        sizes = [f"{level} ({size:.3g})" for level, size in zip(self.levels, self.sizes, strict=True)]
        head = ["arm", *sizes, "for twice the parameters", "95 % interval", "around the line"]
        note = f"Points, by level (parameters); {trend(len(self.sizes))}; around the line: root mean square."
        found = [Table(f"{self.title} ({self.where})", head, rows, note)]
        rows = [
            [
                f"{self.arms[0]} less {arm}",
                points(one["slope"]),
                _ends(one),
                f"{one['p_holm']:.4f}",
                points(one["smallest_seen"], sign=False),
            ]
            for arm, one in self.differences.items()
        ]
        head = ["arms", "for twice the parameters", "95 % interval", "p (Holm)", "smallest seen"]
        return [*found, Table(f"Arm x log(parameters): {self.title} ({self.where})", head, rows)]

    def panel(self) -> Panel:
        series = tuple(
            Series(arm, tuple(self.sizes.tolist()), tuple((100 * self.values[row]).tolist()))
            for row, arm in enumerate(self.arms)
        )
        return Panel(self.where, "parameters", f"{self.title}, points", series, logarithmic=True)


def _ends(one: Mapping[str, float]) -> str:
    return f"[{points(one['low'])}, {points(one['high'])}]"


def _not_identified(design: StudyDesign, settings: ModelSizeSettings) -> tuple[str, ...]:
    sizes = len({float(number) for number in settings.parameters.values()})
    law = f"{sizes} sizes give a trend, no law: " if sizes <= FEW else ""
    return (
        f"{law}nothing is said of sizes beyond {min(settings.parameters.values()):,.0f} to "
        f"{max(settings.parameters.values()):,.0f} parameters.",
        "Every size has one start model: what its making gave it by chance is in the lines and not in the intervals.",
        f"All sizes train with the settings of {design.recipe}: a rate that suits one size better counts as size.",
        "Dimension, depth and text in pretraining vary with size where the start models differ in them.",
    )
