"""What a method gains on a baseline in every language, and how that goes over what languages have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.figures import find_figure
from hf_hybrid.evaluation.paired_figures import PairedFigures
from hf_hybrid.metrics.significance import holm
from hf_hybrid.plots.panels import Panel, Series
from hf_hybrid.studies.contrasts import LEVEL, language_entries
from hf_hybrid.studies.findings import FAILS, HOLDS, OPEN, Finding, Table, points
from hf_hybrid.studies.statistics.covariate import CovariateSlope, slope_over_languages
from hf_hybrid.studies.statistics.mixed import groups_of_languages
from hf_hybrid.studies.statistics.power import smallest_seen

# Instead of numbers: those of the passages that each language searched, from the results files.
PASSAGES = "passages"
MINIMUM = 3


@dataclass(frozen=True)
class LongTailSettings:
    """What is analysed.

    Attributes:
        method: The arm in question.
        baselines: Arms that it is compared with, each by itself.
        covariates: Name -> language -> number, or `passages` for the number of passages that the language searched.
            A language without a number is left out of that line.
        logarithmic: Covariates that are taken by their logarithm to base 10.
        figures: By language; the first decides.
        unseen: Languages that no run trains on; where none is named those outside the design's `languages`.
        resamples: Draws.
    """

    method: str
    baselines: Sequence[str]
    covariates: Mapping[str, Mapping[str, float] | str]
    logarithmic: Sequence[str] = ()
    figures: Sequence[str] = ("mo_ndcg_at_10", "mo_recall_at_100")
    unseen: Sequence[str] = ()
    resamples: int = 5000


class LanguageGain:
    """The method less one baseline by one figure."""

    def __init__(
        self,
        settings: LongTailSettings,
        pair: PairedFigures,
        figure: str,
        baseline: str,
        where: str,
    ) -> None:
        self.settings, self.pair, self.figure, self.baseline, self.where = settings, pair, figure, baseline, where
        self.title = f"{settings.method} less {baseline}"
        self.by_language = language_entries(pair, figure)
        if not self.by_language:
            raise InputError(f"study long_tail: {where}: no {figure} by language")
        self.tags = list(self.by_language)
        theirs, ours = ([one.per_language for one in side.results] for side in pair.sides)
        # Without common seeds (an arm that is not trained has none) seeds are averaged.
        if not pair.seeds_paired:
            theirs, ours = [_mean(theirs, self.tags, figure)], [_mean(ours, self.tags, figure)]
        else:
            order = [pair.seeds[1].index(seed) for seed in pair.seeds[0]]
            ours = [ours[place] for place in order]
        self.delta = np.array(
            [[b[tag][figure] - a[tag][figure] for a, b in zip(theirs, ours, strict=True)] for tag in self.tags]
        )
        facts = pair.sides[0].results[0].benchmark
        self.passages = dict(zip(facts.languages, facts.candidates_per_language or (), strict=False))
        self.lines = {name: self._line(name) for name in settings.covariates}
        adjusted = holm(np.array([line.p_value for _, _, line in self.lines.values()]))
        self.p_holm = dict(zip(self.lines, map(float, adjusted), strict=True))
        means = self.delta.mean(axis=1)
        self.groups, self.p_groups = groups_of_languages(means, [self._seen(tag) for tag in self.tags])

    def _seen(self, tag: str) -> str:
        return "unseen" if tag in self.settings.unseen else "seen"

    def _line(self, name: str) -> tuple[list[str], np.ndarray, CovariateSlope]:
        """Languages with a number, the numbers, and the line over them."""
        values = self.settings.covariates[name]
        numbers = self.passages if isinstance(values, str) else values
        there = [tag for tag in self.tags if tag in numbers]
        x = np.array([float(numbers[tag]) for tag in there])
        if len(there) < MINIMUM or not np.ptp(x):
            raise InputError(
                f"study long_tail: {self.where}: {name} is known for {len(there)} languages of the results and must "
                f"vary over {MINIMUM} or more"
            )
        rows = [self.tags.index(tag) for tag in there]
        return there, x, slope_over_languages(self.delta[rows], self._axis(name, x))

    def _axis(self, name: str, x: np.ndarray) -> np.ndarray:
        return np.log10(x) if name in self.settings.logarithmic else x

    def _per(self, name: str) -> str:
        return f"for ten times the {name}" if name in self.settings.logarithmic else f"for one more of {name}"

    def _unit(self, what: str) -> str:
        return f"{what} of {find_figure(self.figure).title} in points"

    def _mean_entry(self) -> dict[str, float]:
        place, found = self.pair.place(self.figure), self.pair.found
        low, high = (float(end[place]) for end in found.interval(1 - LEVEL))
        return {
            "difference": float(found.difference[place]),
            "low": low,
            "high": high,
            "p_value": float(found.p_value[place]),
            "smallest_seen": float(smallest_seen(found.standard_error[place], found.degrees[place], LEVEL)),
        }

    def content(self) -> dict[str, Any]:
        lines = {}
        for name, (there, x, line) in self.lines.items():
            low, high = line.interval(1 - LEVEL)
            lines[name] = {
                **asdict(line),
                "low": low,
                "high": high,
                "p_holm": self.p_holm[name],
                "smallest_seen": float(smallest_seen(line.standard_error, line.degrees, LEVEL)),
                "logarithmic": name in self.settings.logarithmic,
                "values": dict(zip(there, x.tolist(), strict=True)),
            }
        return {
            "where": self.where,
            "method": self.settings.method,
            "baseline": self.baseline,
            "figure": self.figure,
            "mean": self._mean_entry(),
            "languages": self.by_language,
            "lines": lines,
            "groups": self.groups,
            "p_groups": self.p_groups,
        }

    def findings(self) -> list[Finding]:
        mean, seeds, clusters = self._mean_entry(), len(self.pair.seeds[1]), self.pair.clusters
        numbers = (mean["difference"], mean["low"], mean["high"])
        verdict = HOLDS if mean["low"] > 0 else FAILS if mean["high"] < 0 else OPEN
        found = [
            Finding(
                f"gain_{self.baseline}_{self.where}",
                f"{self.settings.method} is better than {self.baseline}, mean over languages ({self.where})",
                verdict,
                *numbers,
                self._unit("difference"),
                seeds,
                clusters,
                mean["p_value"],
                mean["smallest_seen"],
            )
        ]
        for name, (there, _, line) in self.lines.items():
            found.append(
                Finding(
                    f"slope_{name}_{self.baseline}_{self.where}",
                    f"what {self.settings.method} gains on {self.baseline} changes with {name} ({self.where}; "
                    f"{self._per(name)}, {len(there)} languages, p = {self.p_holm[name]:.3f})",
                    HOLDS if self.p_holm[name] < LEVEL else OPEN,
                    line.slope,
                    *line.interval(1 - LEVEL),
                    self._unit("change in the difference"),
                    seeds,
                    clusters,
                    self.p_holm[name],
                    float(smallest_seen(line.standard_error, line.degrees, LEVEL)),
                )
            )
        return found

    def tables(self) -> list[Table]:
        title = find_figure(self.figure).title
        names = list(self.lines)
        known = {name: dict(zip(there, x, strict=True)) for name, (there, x, _) in self.lines.items()}
        rows = []
        for tag, entry in self.by_language.items():
            covariates = [_number(known[name].get(tag)) for name in names]
            ends = f"[{points(entry['low'])}, {points(entry['high'])}]"
            seen = points(entry["smallest_seen"], sign=False)
            rows.append(
                [tag, self._seen(tag), *covariates, points(entry["difference"]), ends, f"{entry['p_holm']:.4f}", seen]
            )
        head = ["language", "trained on", *names, "difference", "95 % interval", "p (Holm)", "smallest seen"]
        groups = "; ".join(
            f"{name}: {points(one['mean'])} over {one['languages']}"
            + (f" [{points(one['low'])}, {points(one['high'])}]" if "low" in one else "")
            for name, one in self.groups.items()
        )
        test = "" if self.p_groups is None else f"; Welch's test p = {self.p_groups:.3f}"
        note = f"{title}, points. Means of languages, intervals over languages: {groups}{test}."
        found = [Table(f"{self.title}, {title} ({self.where})", head, rows, note, left=2)]
        lines = []
        for name, (there, _, line) in self.lines.items():
            low, high = line.interval(1 - LEVEL)
            seen = points(float(smallest_seen(line.standard_error, line.degrees, LEVEL)), sign=False)
            ends = f"[{points(low)}, {points(high)}]"
            lines.append(
                [self._per(name), str(len(there)), points(line.slope), ends, f"{self.p_holm[name]:.4f}", seen]
            )
        head = ["change", "languages", "slope", "95 % interval", "p (Holm)", "smallest seen"]
        return [*found, Table(f"Lines over languages: {self.title}, {title} ({self.where})", head, lines)]

    def panels(self) -> list[Panel]:
        found = []
        for name, (there, x, line) in self.lines.items():
            axis = self._axis(name, x)
            ends = np.array([axis.argmin(), axis.argmax()])
            fitted = 100 * (line.intercept + line.slope * (axis[ends] - axis.mean()))
            series = [Series("line", tuple(x[ends].tolist()), tuple(fitted.tolist()))]
            for seen in ("seen", "unseen"):
                rows = [place for place, tag in enumerate(there) if self._seen(tag) == seen]
                entries = [self.by_language[there[row]] for row in rows]
                if rows:
                    series.append(
                        Series(
                            seen,
                            tuple(x[rows].tolist()),
                            tuple(100 * one["difference"] for one in entries),
                            tuple(100 * one["low"] for one in entries),
                            tuple(100 * one["high"] for one in entries),
                            tuple(there[row] for row in rows),
                            joined=False,
                        )
                    )
            label = f"{self.title}, {find_figure(self.figure).title} points"
            logarithmic = name in self.settings.logarithmic
            found.append(Panel(self.where, name, label, tuple(series), logarithmic=logarithmic, zero=True))
        return found

    def gaps(self) -> list[str]:
        """What this set of languages cannot tell."""
        said = [
            f"{self.where}: {len(self.tags)} languages; a line over them says how gains go together with what "
            "languages have, not what causes them: size, script, family and text in pretraining vary together.",
            "Each covariate has a line of its own; the intervals are over languages as if they were drawn by chance.",
        ]
        names = list(self.lines)
        for number, first in enumerate(names):
            for second in names[number + 1 :]:
                said += self._together(first, second)
        for name, (there, _, _) in self.lines.items():
            if absent := [tag for tag in self.tags if tag not in there]:
                said.append(f"{self.where}: {name} is not known for {', '.join(absent)}.")
        if len(self.groups) < 2:
            said.append(f"{self.where}: all languages are {next(iter(self.groups))}: nothing is said of the others.")
        if not self.pair.seeds_paired:
            said.append(f"{self.where}: without several common seeds, the lines' intervals lack what a seed changes.")
        return said

    def small_pools(self) -> list[str]:
        """A sentence where half of the passages that a language has are among those that are looked at, or more."""
        depth = re.search(r"_at_([0-9]+)$", self.figure)
        most = 2 * int(depth[1]) if depth else 0
        small = [f"{tag} ({number})" for tag in self.tags if (number := self.passages.get(tag, most + 1)) <= most]
        if not small:
            return []
        title = find_figure(self.figure).title
        return [f"{self.where}: {title} says little of languages with so few passages: {', '.join(small)}."]

    def _together(self, first: str, second: str) -> list[str]:
        """How far two covariates are one."""
        sides = [
            dict(zip(there, self._axis(name, x), strict=True))
            for name, (there, x, _) in self.lines.items()
            if name in (first, second)
        ]
        both = [tag for tag in sides[0] if tag in sides[1]]
        values = np.array([[side[tag] for tag in both] for side in sides])
        if len(both) < MINIMUM or not np.ptp(values, axis=1).all():
            return []
        r = float(np.corrcoef(values)[0, 1])
        return [f"{self.where}: {first} and {second} correlate with r = {r:.2f} and are not told apart."]


def _number(value: float | None) -> str:
    """A covariate: whole numbers from a thousand on.

    Example:
        >>> _number(5758285.0), _number(1.75), _number(None)
        ('5,758,285', '1.75', '-')
    """
    return "-" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _mean(
    seeds: Sequence[Mapping[str, Mapping[str, float]]], tags: Sequence[str], figure: str
) -> dict[str, dict[str, float]]:
    return {tag: {figure: float(np.mean([one[tag][figure] for one in seeds]))} for tag in tags}
