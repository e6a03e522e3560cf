"""Does the method help more where data are few, and for which families of languages?

For every number of examples n (nested, equal steps) the better baseline is chosen on the validation benchmark; the
difference to it, by language and seed, follows ``delta ~ log n + (1 | language) + (1 | seed) + (1 | run)``, and is
summarised by family, script and whether a language was trained on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.paired_figures import paired_figures
from hf_hybrid.plots.panels import Panel, Series
from hf_hybrid.studies.analyses.levels import arm_levels
from hf_hybrid.studies.analyses.settings import check_arms, numbers_of_levels, settings_of, sizes_of, unseen_languages
from hf_hybrid.studies.contrasts import LEVEL, judge_contrasts
from hf_hybrid.studies.findings import FAILS, HOLDS, OPEN, Analysis, Finding, Table, points
from hf_hybrid.studies.languages import family, script
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.statistics.mixed import Slope, groups_of_languages, require_statsmodels, slope_over_size
from hf_hybrid.studies.statistics.power import smallest_seen
from hf_hybrid.studies.study import StudyDesign


@dataclass(frozen=True)
class LowDataSettings:
    """What is analysed.

    Attributes:
        method: The arm in question.
        baselines: Arms, the better of which it is compared with.
        validation: Benchmark that chooses between them.
        figure: By language: `mul_map`, `mo_map`, `cr_map`.
        unseen: Languages that no run trains on; where none is named those outside the design's `languages`.
        available: Language -> examples that there are of it, where a level may ask for more: the sizes are then the
            geometric means over languages of what there is.
        families, scripts: Instead of the tables' for some languages.
        resamples: Draws of the comparison at each n.
    """

    method: str
    baselines: Sequence[str]
    validation: str
    figure: str = "mul_map"
    unseen: Sequence[str] = ()
    available: Mapping[str, int] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    resamples: int = 5000


def check(design: StudyDesign) -> None:
    """Refuse a design without the arms, or whose levels are no numbers of examples.

    Raises:
        InputError: Says what is missing.
    """
    require_statsmodels()
    settings = settings_of(LowDataSettings, design)
    numbers = numbers_of_levels(design)
    if len(numbers) < 2 or min(numbers.values()) < 1:
        raise InputError("study low_data: levels must be two numbers of examples or more")
    if len(design.seeds) < 2 and len(numbers) < 3:
        raise InputError("study low_data: two sizes need more than one seed")
    check_arms(design, (settings.method, *settings.baselines))


def analyse(results: StudyResults) -> Analysis:
    """Differences to the better baseline, their slope over log n, groups of languages, and the declared contrasts."""
    settings = settings_of(LowDataSettings, results.design)
    findings, tables, contrasts = judge_contrasts(results, results.design.contrasts)
    content: dict[str, Any] = {"contrasts": contrasts, "differences": []}
    panels: list[Panel] = []
    gaps: list[str] = []
    levels: list[Table] = []
    for budget in results.design.budgets:
        chosen = chosen_baselines(results, settings, budget)
        for benchmark in results.design.benchmarks:
            levels.append(arm_levels(results, benchmark, budget, settings.figure))
            if benchmark == settings.validation and len(results.design.benchmarks) > 1:
                continue
            difference = _Difference(results, settings, benchmark, budget, chosen)
            content["differences"].append(difference.content)
            findings += difference.findings()
            tables += difference.tables()
            panels.append(difference.panel())
            gaps += difference.gaps()
    return Analysis(tuple(findings), (*tables, *levels), tuple(panels), content, tuple(dict.fromkeys(gaps)))


def chosen_baselines(results: StudyResults, settings: LowDataSettings, budget: str) -> dict[str, str]:
    """Level -> the arm among the baselines with the higher figure on the validation benchmark, mean over seeds."""
    chosen = {}
    for level in results.design.levels:
        means = {
            arm: results.mean(settings.validation, {"arm": arm, "level": level, "budget": budget}, settings.figure)
            for arm in settings.baselines
        }
        chosen[level] = max(means, key=means.__getitem__)
    return chosen


class _Difference:
    """The method less the better baseline, on one benchmark under one budget."""

    def __init__(
        self,
        results: StudyResults,
        settings: LowDataSettings,
        benchmark: str,
        budget: str,
        chosen: Mapping[str, str],
    ) -> None:
        self.settings, self.benchmark, self.budget, self.chosen = settings, benchmark, budget, chosen
        numbers = numbers_of_levels(results.design)
        self.levels = sorted(numbers, key=numbers.__getitem__)
        self.where = f"{benchmark}{f', {budget}' if budget else ''}"
        sides = {
            level: [
                results.files(benchmark, {"arm": arm, "level": level, "budget": budget})
                for arm in (chosen[level], settings.method)
            ]
            for level in self.levels
        }
        loaded = {level: [[results.load(file) for file in side] for side in pair] for level, pair in sides.items()}
        first = loaded[self.levels[0]][0][0]
        self.tags = [tag for tag in first.benchmark.languages if settings.figure in first.per_language.get(tag, {})]
        if not self.tags:
            raise InputError(f"study low_data: {benchmark} has no {settings.figure} by language")
        self.sizes = sizes_of([numbers[level] for level in self.levels], self.tags, settings.available)
        self.delta = np.array(
            [
                [
                    [
                        ours.per_language[tag][settings.figure] - theirs.per_language[tag][settings.figure]
                        for theirs, ours in zip(*loaded[level], strict=True)
                    ]
                    for level in self.levels
                ]
                for tag in self.tags
            ]
        )
        self.slope: Slope = slope_over_size(self.delta, self.sizes)
        self.pairs = {
            level: paired_figures(*pair, resamples=settings.resamples, only=[settings.figure])
            for level, pair in sides.items()
        }
        self.clusters = next(iter(self.pairs.values())).clusters
        self.families = [settings.families.get(tag, family(tag)) for tag in self.tags]
        self.scripts = [settings.scripts.get(tag, script(tag)) for tag in self.tags]
        unseen = unseen_languages(results.design, self.tags, settings.unseen)
        self.seen = ["unseen" if tag in unseen else "seen" for tag in self.tags]
        self.content = self._content()

    def _at(self, level: str) -> dict[str, float]:
        pair = self.pairs[level]
        place = pair.place(self.settings.figure)
        low, high = (float(end[place]) for end in pair.found.interval(1 - LEVEL))
        error, degrees = pair.found.standard_error[place], pair.found.degrees[place]
        return {
            "difference": float(pair.found.difference[place]),
            "low": low,
            "high": high,
            "p_value": float(pair.found.p_value[place]),
            "smallest_seen": float(smallest_seen(error, degrees, LEVEL)),
        }

    def _content(self) -> dict[str, Any]:
        x = np.log10(self.sizes)
        x = x - x.mean()
        slopes = self.delta.mean(axis=2) @ x / (x @ x)
        grouped = {}
        for name, groups in (("family", self.families), ("script", self.scripts), ("seen", self.seen)):
            of_mean, p_mean = groups_of_languages(self.delta.mean(axis=(1, 2)), groups)
            of_slope, p_slope = groups_of_languages(slopes, groups)
            grouped[name] = {"difference": of_mean, "p_difference": p_mean, "slope": of_slope, "p_slope": p_slope}
        low, high = self.slope.interval()
        return {
            "benchmark": self.benchmark,
            "budget": self.budget,
            "figure": self.settings.figure,
            "baselines": dict(self.chosen),
            "sizes": self.sizes,
            "languages": {tag: self.delta[row].mean(axis=1).tolist() for row, tag in enumerate(self.tags)},
            "by_size": {level: self._at(level) for level in self.levels},
            "slope": {
                "per_tenfold": self.slope.slope,
                "low": low,
                "high": high,
                "p_value": self.slope.p_value,
                "degrees": self.slope.degrees,
                "spread": self.slope.spread,
            },
            "groups": grouped,
        }

    def findings(self) -> list[Finding]:
        least = self.levels[0]
        at = self.content["by_size"][least]
        slope = self.content["slope"]
        seeds = self.delta.shape[2]
        significant = slope["p_value"] < LEVEL
        return [
            Finding(
                f"least_{self.benchmark}_{self.budget}",
                f"{self.settings.method} is better than the better baseline ({self.chosen[least]}) with "
                f"{self.sizes[0]:,.0f} examples ({self.where})",
                HOLDS if at["low"] > 0 else FAILS if at["high"] < 0 else OPEN,
                at["difference"],
                at["low"],
                at["high"],
                "mAP",
                seeds,
                self.clusters,
                at["p_value"],
                at["smallest_seen"],
            ),
            Finding(
                f"slope_{self.benchmark}_{self.budget}",
                f"the fewer the examples, the more {self.settings.method} gains on the better baseline "
                f"({self.where}; change for ten times the examples, p = {slope['p_value']:.3f})",
                HOLDS if significant and slope["per_tenfold"] < 0 else FAILS if significant else OPEN,
                slope["per_tenfold"],
                slope["low"],
                slope["high"],
                "mAP",
                seeds,
                self.clusters,
                slope["p_value"],
                float(smallest_seen(self.slope.standard_error, self.slope.degrees, LEVEL)),
            ),
        ]

    def tables(self) -> list[Table]:
        sizes = [
            [
                f"{size:,.0f}",
                self.chosen[level],
                points(at["difference"]),
                f"[{points(at['low'])}, {points(at['high'])}]",
                points(at["smallest_seen"], sign=False),
            ]
            for size, (level, at) in zip(self.sizes, self.content["by_size"].items(), strict=True)
        ]
        head = ["examples", "better baseline", "difference", "95 % interval", "smallest seen"]
        found = [Table(f"{self.settings.method} less the better baseline, {self.where}", head, sizes, left=2)]
        rows = []
        for name, both in self.content["groups"].items():
            for group, one in both["difference"].items():
                interval = f"[{points(one['low'])}, {points(one['high'])}]" if "low" in one else "-"
                slope = both["slope"][group]["mean"]
                rows.append([name, group, str(one["languages"]), points(one["mean"]), interval, points(slope)])
        tests = "; ".join(
            f"{name}: difference {_p(both['p_difference'])}, slope {_p(both['p_slope'])}"
            for name, both in self.content["groups"].items()
        )
        head = ["by", "group", "languages", "difference", "95 % interval", "per tenfold"]
        note = f"Points; intervals over languages; Welch's tests over groups of several languages: {tests}."
        return [*found, Table(f"Groups of languages, {self.where}", head, rows, note, left=2)]

    def panel(self) -> Panel:
        by_size = self.content["by_size"]
        series = [
            Series(
                "all languages",
                tuple(self.sizes),
                tuple(100 * at["difference"] for at in by_size.values()),
                tuple(100 * at["low"] for at in by_size.values()),
                tuple(100 * at["high"] for at in by_size.values()),
            )
        ]
        for name, count in Counter(self.families).most_common():
            if count > 1:
                rows = [row for row, own in enumerate(self.families) if own == name]
                means = 100 * self.delta[rows].mean(axis=(0, 2))
                series.append(Series(f"{name} ({count})", tuple(self.sizes), tuple(means.tolist())))
        label = f"{self.settings.method} - better baseline, points"
        return Panel(self.where, "examples of a language", label, tuple(series), logarithmic=True, zero=True)

    def _scarce(self) -> list[str]:
        most = float(self.levels[-1])
        scarce = sum(number < most for tag, number in self.settings.available.items() if tag in self.tags)
        mean = "n is the geometric mean of what they have."
        return (
            [f"{scarce} of {len(self.tags)} languages have fewer than {most:,.0f} examples: {mean}"] if scarce else []
        )

    def gaps(self) -> list[str]:
        """What this set of languages cannot tell."""
        alone = sorted(name for name, count in Counter(self.families).items() if count == 1)
        said = [
            *self._scarce(),
            "With equal steps, few examples are seen more often: what is said of n is said of repetition, too.",
            "Passages are drawn in the intervals at each n, not in the slope, which is one for these passages.",
        ]
        if alone:
            said.append(
                f"{self.benchmark}: a family with one language cannot be told from that language ({', '.join(alone)})."
            )
        families_of = {
            name: {f for f, s in zip(self.families, self.scripts, strict=True) if s == name}
            for name in set(self.scripts)
        }
        single = sorted(name for name, found in families_of.items() if len(found) == 1)
        if single:
            said.append(f"{self.benchmark}: scripts of one family only cannot be told from it ({', '.join(single)}).")
        if len(set(self.seen)) < 2:
            said.append(f"{self.benchmark}: all languages are {self.seen[0]}, so nothing is said of the others.")
        return said


def _p(value: float | None) -> str:
    return "no test" if value is None else f"p = {value:.3f}"
