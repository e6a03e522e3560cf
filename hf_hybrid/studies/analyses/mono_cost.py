"""What do cross-lingual batches cost within a language?

Per-query average precision of alpha < 1 against alpha = 1, both over all languages and in each: non-inferiority and
equivalence (TOST) at declared margins, Holm over languages, and over all that is judged; the front of Mo against Mul;
the cosine of the gradients of both kinds of batches during training; each under every budget, one of which may fix the
*monolingual* examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.arms.intervals import over_seeds
from hf_hybrid.evaluation.paired_figures import PairedFigures, paired_figures
from hf_hybrid.metrics.significance import holm
from hf_hybrid.plots.panels import Panel, Series
from hf_hybrid.studies.analyses.front import front_of, front_panel
from hf_hybrid.studies.analyses.settings import numbers_of_levels, settings_of
from hf_hybrid.studies.contrasts import judge_contrasts
from hf_hybrid.studies.findings import FAILS, HOLDS, OPEN, Analysis, Finding, Table, points
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.statistics.power import POWER, smallest_seen
from hf_hybrid.studies.study import StudyDesign

FIGURE = "mo_map"
COSINES = "gradient_cosine.json"


@dataclass(frozen=True)
class MonoCostSettings:
    """What is analysed.

    Attributes:
        judged: The level whose cost the findings judge.
        reference: The level without cross-lingual batches.
        margins: Losses of mAP that do not count, one test each.
        resamples: Draws.
        level: Of the tests.
    """

    judged: str
    reference: str = "1"
    margins: Sequence[float] = (0.005, 0.01)
    resamples: int = 10_000
    level: float = 0.05


def check(design: StudyDesign) -> None:
    """Refuse a design without the two levels, or margins that are none.

    Raises:
        InputError: Says what is missing.
    """
    settings = settings_of(MonoCostSettings, design)
    numbers_of_levels(design)
    if len(design.arms) != 1:
        raise InputError("study mono_cost: give one arm, hybrid; alpha 1 is a level of it")
    for name in (settings.judged, settings.reference):
        if str(name) not in design.levels:
            raise InputError(f"study mono_cost: analysis: no level '{name}'; there are {', '.join(design.levels)}")
    if not settings.margins or any(not margin > 0 for margin in settings.margins):
        raise InputError("study mono_cost: analysis: margins must be above 0")


def analyse(results: StudyResults) -> Analysis:
    """Costs, the front, cosines, and the declared contrasts."""
    settings = settings_of(MonoCostSettings, results.design)
    findings, tables, contrasts = judge_contrasts(results, results.design.contrasts)
    costs, panels, judged = [], [], []
    for benchmark in results.design.benchmarks:
        for budget in results.design.budgets:
            entries, seeds, clusters = _costs(results, settings, benchmark, budget)
            costs += entries
            here = [one for one in entries if one["level"] == str(settings.judged)]
            tables += [_table(one, settings) for one in here]
            judged += [_Judged(one, margin, seeds, clusters) for one in here for margin in settings.margins]
    findings += _findings(judged, settings)
    fronts = [
        front_of(results, benchmark, budget, settings.resamples)
        for benchmark in results.design.benchmarks
        for budget in results.design.budgets
    ]
    panels += [front_panel(front) for front in fronts]
    cosines = _cosines(results)
    findings += _cosine_findings(cosines, settings)
    panels += _cosine_panels(cosines)
    content = {"contrasts": contrasts, "costs": costs, "fronts": fronts, "cosines": cosines}
    return Analysis(tuple(findings), tuple(tables), tuple(panels), content, _NOT_IDENTIFIED)


_NOT_IDENTIFIED = (
    "With a fixed total, less monolingual examples and more cross-lingual ones go together; the budget of equal "
    "monolingual examples holds the former and lets the total grow.",
    "The cosine of gradients is that of two batches at a time: noise of the batches draws it towards 0.",
)


def _costs(
    results: StudyResults, settings: MonoCostSettings, benchmark: str, budget: str
) -> tuple[list[dict[str, Any]], int, int]:
    """One entry for each alpha below 1, with the number of seeds and clusters behind them."""
    arm = next(iter(results.design.arms))
    reference = results.files(benchmark, {"arm": arm, "level": str(settings.reference), "budget": budget})
    entries, seeds, clusters = [], 0, 0
    for level in results.design.levels:
        files = results.files(benchmark, {"arm": arm, "level": level, "budget": budget})
        if level == str(settings.reference) or not files or not reference:
            continue
        pair = paired_figures(reference, files, resamples=settings.resamples, only=[FIGURE])
        seeds, clusters = len(files), pair.clusters
        where = {"benchmark": benchmark, "budget": budget, "level": level}
        entries.append({**where, **cost_entry(pair, settings.margins, settings.level)})
    return entries, seeds, clusters


def cost_entry(pair: PairedFigures, margins: Sequence[float], level: float = 0.05) -> dict[str, Any]:
    """Difference within languages, overall and by language, with the tests at every margin.

    Args:
        pair: A is alpha 1, B the other one.
        margins: Losses that do not count.
        level: Of the tests.

    Returns:
        `overall` and `languages` (tag -> ...): `difference`, `low`, `high`, and by margin `not_worse`, `equal`: p
        values, over languages corrected by Holm; `smallest_margin`: the smallest margin at which a difference of 0
        would be shown to be no loss four times of five; `smallest_seen`: the smallest difference that the two-sided
        test finds as often.
    """
    found = pair.found
    low, high = found.interval(1 - level)
    tests = {f"{margin:g}": (found.not_worse(margin), found.equivalent(margin)) for margin in margins}
    overall = pair.place(FIGURE)
    places = {tag: place for tag in pair.languages if (place := pair.place(FIGURE, tag)) is not None}
    rows = list(places.values())
    bound = stats.t.ppf(1 - level, found.degrees) + stats.t.ppf(POWER, found.degrees)

    def entry(place: int, corrected: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
        return {
            "difference": float(found.difference[place]),
            "low": float(low[place]),
            "high": float(high[place]),
            "not_worse": {margin: float(p_values[0]) for margin, p_values in corrected.items()},
            "equal": {margin: float(p_values[1]) for margin, p_values in corrected.items()},
            "smallest_margin": float(bound[place] * found.standard_error[place]),
            "smallest_seen": float(smallest_seen(found.standard_error[place], found.degrees[place], level)),
        }

    adjusted = {margin: [holm(p_values[rows]) for p_values in pair_of] for margin, pair_of in tests.items()}
    return {
        "overall": entry(overall, {margin: (one[overall], two[overall]) for margin, (one, two) in tests.items()}),
        "languages": {
            tag: entry(place, {margin: (one[number], two[number]) for margin, (one, two) in adjusted.items()})
            for number, (tag, place) in enumerate(places.items())
        },
    }


@dataclass(frozen=True)
class _Judged:
    """A cost and a margin that it is tested against."""

    cost: Mapping[str, Any]
    margin: float
    seeds: int
    clusters: int


def _findings(judged: Sequence[_Judged], settings: MonoCostSettings) -> list[Finding]:
    """One a test, Holm over all of them: benchmarks, budgets and margins."""
    adjusted = holm(np.array([one.cost["overall"]["not_worse"][f"{one.margin:g}"] for one in judged]))
    found = []
    for one, p_value in zip(judged, adjusted.tolist(), strict=True):
        cost, overall = one.cost, one.cost["overall"]
        verdict = HOLDS if p_value < settings.level else FAILS if overall["high"] < -one.margin else OPEN
        where = f"{cost['benchmark']}, {cost['budget']}" if cost["budget"] else cost["benchmark"]
        found.append(
            Finding(
                f"cost_{cost['benchmark']}_{cost['budget']}_{one.margin:g}",
                f"alpha {cost['level']} costs less than {100 * one.margin:g} points within a language ({where}; p = "
                f"{p_value:.4f})",
                verdict,
                overall["difference"],
                overall["low"],
                overall["high"],
                "mAP",
                one.seeds,
                one.clusters,
                p_value,
                overall["smallest_seen"],
            )
        )
    return found


def _table(one: Mapping[str, Any], settings: MonoCostSettings) -> Table:
    names = [f"{margin:g}" for margin in settings.margins]
    rows = [
        [
            tag,
            points(entry["difference"]),
            f"[{points(entry['low'])}, {points(entry['high'])}]",
            *(f"{entry[test][name]:.4f}" for name in names for test in ("not_worse", "equal")),
            points(entry["smallest_margin"], sign=False),
        ]
        for tag, entry in {"all": one["overall"], **one["languages"]}.items()
    ]
    head = ["language", "difference", "95 % interval"]
    head += [f"p, {what} {100 * margin:g}" for margin in settings.margins for what in ("no loss of", "equal within")]
    budget = f", budget {one['budget']}" if one["budget"] else ""
    return Table(
        f"Mo of alpha {one['level']} less alpha {settings.reference} on {one['benchmark']}{budget}",
        [*head, "smallest margin"],
        rows,
        "Points of mAP; p values of languages are Holm's over languages, those of all are uncorrected.",
    )


def _cosines(results: StudyResults) -> list[dict[str, Any]]:
    """By budget and level: the mean cosine of every step over seeds, and of a run over its steps, over seeds."""
    found = []
    for budget in results.design.budgets:
        for level in results.design.levels:
            cells = results.cells({"budget": budget, "level": level})
            files = [content for cell in cells if (content := results.run_file(cell, COSINES)) is not None]
            if not files or any(file["step"] != files[0]["step"] for file in files) or not files[0]["step"]:
                continue
            cosines = np.array([file["gradient_cosine"] for file in files])
            found.append(
                {
                    "budget": budget,
                    "level": level,
                    "step": files[0]["step"],
                    "mean": cosines.mean(axis=0).tolist(),
                    "over_seeds": over_seeds(cosines.mean(axis=1).tolist()),
                }
            )
    return found


def _cosine_findings(cosines: Sequence[Mapping[str, Any]], settings: MonoCostSettings) -> list[Finding]:
    found = []
    for one in cosines:
        over = one["over_seeds"]
        if one["level"] != str(settings.judged) or over["low"] is None:
            continue
        found.append(
            Finding(
                f"conflict_{one['budget']}",
                f"gradients of monolingual and of cross-lingual batches point apart (alpha {one['level']}"
                f"{', ' + one['budget'] if one['budget'] else ''}; mean over {len(one['step'])} measurements a run)",
                HOLDS if over["high"] < 0 else FAILS if over["low"] > 0 else OPEN,
                over["mean"],
                over["low"],
                over["high"],
                "cosine",
                len(over["values"]),
                len(one["step"]),
            )
        )
    return found


def _cosine_panels(cosines: Sequence[Mapping[str, Any]]) -> list[Panel]:
    panels = []
    for budget in dict.fromkeys(one["budget"] for one in cosines):
        series = tuple(
            Series(f"alpha {one['level']}", tuple(one["step"]), tuple(one["mean"]))
            for one in cosines
            if one["budget"] == budget
        )
        panels.append(Panel(f"gradients{f', {budget}' if budget else ''}", "step", "cosine", series, zero=True))
    return panels
