"""What do hybrid batches give beside what is cheaper or newer, and beside both together?

Every arm with every method, from one start: Mo, Cr, Mul, rank distance and the own language's share, and each against
the reference, Holm over the grid. What a method costs in seconds is in `seconds.json`, which is no part of a report
that interruptions leave the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.arms.intervals import over_seeds
from hf_hybrid.evaluation.figures import ARMS, column_of
from hf_hybrid.evaluation.paired_figures import paired_figures
from hf_hybrid.metrics.significance import holm
from hf_hybrid.plots.panels import Panel, Series
from hf_hybrid.studies.analyses.settings import check_figures, settings_of
from hf_hybrid.studies.contrasts import LEVEL, judge_contrasts
from hf_hybrid.studies.findings import Analysis, Table, points
from hf_hybrid.studies.grid import Cell, cell_name
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.statistics.power import smallest_seen
from hf_hybrid.studies.study import StudyDesign

FIGURES = ("mo_map", "cr_map", "mul_map", "rank_distance", "own_language_share_at_10")


@dataclass(frozen=True)
class MethodsSettings:
    """What is analysed.

    Attributes:
        reference: Cell that all others are compared with: `arm`, `level`.
        figure: By which.
        figures: In the table of means.
        resamples: Draws.
    """

    reference: Mapping[str, str]
    figure: str = "mul_map"
    figures: Sequence[str] = FIGURES
    resamples: int = 5000


def check(design: StudyDesign) -> None:
    """Refuse a design without the reference.

    Raises:
        InputError: Says what is missing.
    """
    settings = settings_of(MethodsSettings, design)
    choices = {"arm": design.arms, "level": design.levels}
    for key, names in choices.items():
        if settings.reference.get(key) not in names:
            raise InputError(f"study methods: analysis: reference: give {key}, one of {', '.join(names)}")
    if len(design.budgets) != 1:
        raise InputError("study methods: give one budget: all methods see the same examples")
    check_figures(design, (settings.figure, *settings.figures))


def analyse(results: StudyResults) -> Analysis:
    """Means of every cell, differences to the reference, and the declared contrasts."""
    settings = settings_of(MethodsSettings, results.design)
    findings, tables, contrasts = judge_contrasts(results, results.design.contrasts)
    content: dict[str, Any] = {"contrasts": contrasts, "benchmarks": {}}
    panels = []
    for benchmark in results.design.benchmarks:
        cells = _cells(results, benchmark)
        means = {name: _means(results, files, settings.figures) for name, (_, files) in cells.items()}
        differences = _differences(results, benchmark, cells, settings)
        content["benchmarks"][benchmark] = {"means": means, "differences": differences}
        tables.append(_table(benchmark, cells, means, differences, settings))
        panels.append(_panel(benchmark, results, differences, settings))
    said = (
        "Subtracting means uses the texts that are searched and asked; the other methods do not see them.",
        "A method's own settings (weights, rates) are those of the design: none was tuned on a benchmark.",
    )
    return Analysis(tuple(findings), tuple(tables), tuple(panels), content, said)


def _cells(results: StudyResults, benchmark: str) -> dict[str, tuple[Cell, list[Any]]]:
    """Name -> first cell and the results files of all its seeds."""
    found: dict[str, tuple[Cell, list[Any]]] = {}
    for cell in results.grid.cells:
        name = cell_name("", cell.arm, cell.level)
        found.setdefault(name, (cell, []))[1].append(cell.results(results.output, benchmark))
    return found


def _means(results: StudyResults, files: Sequence[Any], figures: Sequence[str]) -> dict[str, Any]:
    summaries = [results.load(file).summary for file in files]
    return {
        name: over_seeds([summary[name] for summary in summaries])
        for name in figures
        if all(name in summary for summary in summaries)
    }


def _differences(
    results: StudyResults, benchmark: str, cells: Mapping[str, tuple[Cell, list[Any]]], settings: MethodsSettings
) -> dict[str, dict[str, float]]:
    reference = results.files(benchmark, settings.reference)
    found = {}
    for name, (cell, files) in cells.items():
        if {"arm": cell.arm, "level": cell.level} == dict(settings.reference):
            continue
        pair = paired_figures(reference, files, resamples=settings.resamples, only=[settings.figure])
        place = pair.place(settings.figure)
        low, high = (float(end[place]) for end in pair.found.interval(1 - LEVEL))
        error, degrees = pair.found.standard_error[place], pair.found.degrees[place]
        found[name] = {
            "difference": float(pair.found.difference[place]),
            "low": low,
            "high": high,
            "p_value": float(pair.found.p_value[place]),
            "smallest_seen": float(smallest_seen(error, degrees, LEVEL)),
        }
    adjusted = holm(np.array([one["p_value"] for one in found.values()]))
    for one, p_value in zip(found.values(), adjusted, strict=True):
        one["p_holm"] = float(p_value)
    return found


def _table(
    benchmark: str,
    cells: Mapping[str, tuple[Cell, list[Any]]],
    means: Mapping[str, Mapping[str, Any]],
    differences: Mapping[str, Mapping[str, float]],
    settings: MethodsSettings,
) -> Table:
    rows = []
    for name, (cell, files) in cells.items():
        values = [_shown(figure, means[name].get(figure)) for figure in settings.figures]
        one = differences.get(name)
        ends = ["reference", "-"] if one is None else _ends(one)
        rows.append([cell.arm, cell.level or "-", str(len(files)), *values, *ends])
    reference = " with ".join(settings.reference.values())
    titles = [column_of(figure, ARMS).title for figure in settings.figures]
    less = f"{column_of(settings.figure, ARMS).title} less {reference}"
    head = ["arm", "method", "seeds", *titles, less, "p (Holm)"]
    return Table(
        f"Arms and methods on {benchmark}", head, rows, "mAP and shares in points; rank distance in places.", 2
    )


def _ends(one: Mapping[str, float]) -> list[str]:
    return [f"{points(one['difference'])} [{points(one['low'])}, {points(one['high'])}]", f"{one['p_holm']:.4f}"]


def _shown(figure: str, over: Mapping[str, Any] | None) -> str:
    if over is None:
        return "-"
    return f"{over['mean']:.0f}" if "rank" in figure else points(over["mean"], sign=False)


def _panel(
    benchmark: str, results: StudyResults, differences: Mapping[str, Mapping[str, float]], settings: MethodsSettings
) -> Panel:
    levels = list(results.design.levels)
    series = []
    for number, arm in enumerate(results.design.arms):
        there = [
            (place, one)
            for place, level in enumerate(levels)
            if (one := differences.get(cell_name("", arm, level))) is not None
        ]
        series.append(
            Series(
                arm,
                tuple(place + 0.08 * (number - 1) for place, _ in there),
                tuple(100 * one["difference"] for _, one in there),
                tuple(100 * one["low"] for _, one in there),
                tuple(100 * one["high"] for _, one in there),
                joined=False,
            )
        )
    reference = " with ".join(settings.reference.values())
    label = f"{column_of(settings.figure, ARMS).title} less {reference}, points"
    return Panel(benchmark, "method", label, tuple(series), ticks=tuple(levels), zero=True)
