"""What an analysis hands to the report: findings, tables and panels of pictures, all of plain types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hf_hybrid.plots.panels import Panel

_IN_POINTS = " in points"
HOLDS, FAILS, OPEN = "holds", "does not hold", "not resolved"


@dataclass(frozen=True)
class Finding:
    """The answer to one declared question.

    Attributes:
        name, text: Of the question.
        verdict: `holds`, `does not hold` or `not resolved`.
        effect, low, high: With its interval, in the unit that `unit` names.
        unit: "mAP" and whatever ends with " in points" (shown in points of a hundred), "alpha", ...
        p_value: Of the test behind the verdict; None where an interval decides alone.
        seeds, clusters: Behind it.
        smallest_seen: The smallest true effect that this design would have found four times of five; None where that
            has no meaning.
    """

    name: str
    text: str
    verdict: str
    effect: float
    low: float
    high: float
    unit: str
    seeds: int
    clusters: int
    p_value: float | None = None
    smallest_seen: float | None = None

    def sentence(self) -> str:
        """For the head of a page.

        Example:
            >>> Finding("a", "hybrid is better", HOLDS, 0.012, 0.008, 0.016, "mAP", 5, 240, smallest_seen=0.004).sentence()
            '**Holds**: hybrid is better. Difference +1.20 points [+0.80, +1.60], 5 seeds, 240 clusters; smallest difference that this design would see: 0.40.'
        """  # noqa: E501
        what, points = self.unit.removesuffix(_IN_POINTS), self.unit.endswith(_IN_POINTS)
        if self.unit == "mAP":
            what, points = "difference", True
        effect, low, high = (f"{100 * value:+.2f}" if points else f"{value:.3g}" for value in self._numbers())
        what = f"{what[0].upper()}{what[1:]} {effect}{' points' if points else ''}"
        seen = ""
        if self.smallest_seen is not None:
            size = f"{100 * self.smallest_seen:.2f}" if points else f"{self.smallest_seen:.3g}"
            seen = f"; smallest difference that this design would see: {size}"
        verdict = self.verdict[0].upper() + self.verdict[1:]
        return (
            f"**{verdict}**: {self.text}. {what} [{low}, {high}], {self.seeds} seeds, {self.clusters} clusters{seen}."
        )

    def _numbers(self) -> tuple[float, float, float]:
        return self.effect, self.low, self.high


@dataclass(frozen=True)
class Table:
    """A table of the report; cells are texts, already rounded.

    Attributes:
        title: Its heading.
        head, rows: Its content; the first `left` columns are texts.
        note: A line below.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    left: int = 1


@dataclass(frozen=True)
class Analysis:
    """What was found.

    Attributes:
        findings: In the order of the report's head.
        tables: Below them.
        panels: Of the one picture.
        content: Everything in numbers, JSON types.
        not_identified: What this design cannot tell, in sentences.
    """

    findings: tuple[Finding, ...]
    tables: tuple[Table, ...] = ()
    panels: tuple[Panel, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
    not_identified: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Findings and content."""
        return {
            "findings": [asdict(one) for one in self.findings],
            "not_identified": list(self.not_identified),
            **self.content,
        }


def points(value: float | None, sign: bool = True) -> str:
    """A difference of fractions in points of a hundred.

    Example:
        >>> points(0.0123), points(None)
        ('+1.23', '-')
    """
    return "-" if value is None else f"{100 * value:{'+' if sign else ''}.2f}"
