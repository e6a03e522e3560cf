"""What a figure is made of: its unit, the setting and measure it is of, its values per query, and how a table shows
it.

The figures themselves are in `hf_hybrid.evaluation.figures`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import numpy as np

from hf_hybrid.metrics import TieGroups

# The measure that tables mean where they name a setting alone, and of which a loss below a margin is tested.
MAIN = "map"


class Unit(Enum):
    """What a value is, as it stands in a file."""

    FRACTION = "0 to 1, shown in percent"
    RANKS = "ranks"
    PERCENT = "percent"
    INDEX = "a number of its own scale"


@dataclass(frozen=True)
class Setting:
    """Where a question is asked: in texts of its own language, of one other, or of all at once.

    Attributes:
        title: short, for the head of a table.
        told: what that means.
        among: the same, said after the name of a measure.
        label: the same, said after the title.
        plain: for people who know none of this.
    """

    title: str
    told: str
    among: str
    label: str
    plain: str


SETTINGS = {
    "mo": Setting(
        "Mo", "query and passage in one language", "within a language", "within a language", "Same language"
    ),
    "cr": Setting(
        "Cr", "ordered language pairs", "over pairs of two languages", "across languages", "Another language"
    ),
    "mul": Setting(
        "Mul", "one pool of all languages", "in one pool of all languages", "one pool of all", "All at once"
    ),
}


@dataclass(frozen=True)
class Table:
    """A table that shows figures.

    Attributes:
        name: of the table.
        fractions: decimals of fractions.
        ranks: decimals of ranks.
        in_percent: whether fractions are shown in percent.
        heading: title of the main measure in a setting, made of the fields of `Setting` and ``measure``.
    """

    name: str
    fractions: int = 1
    ranks: int = 1
    in_percent: bool = True
    heading: str = "{title}"

    def decimals(self, unit: Unit) -> int:
        """Digits after the point."""
        return {Unit.FRACTION: self.fractions, Unit.RANKS: self.ranks, Unit.PERCENT: 1, Unit.INDEX: 4}[unit]


class Cells(Enum):
    """Over which values per query, and which query languages, a figure is the mean."""

    OWN = "the query's own language"
    OTHER = "the other languages"
    POOL = "the pool of all languages"
    OWN_LESS_OTHER = "own less other"


class PerQuery(NamedTuple):
    """A column of the values per query: one number a query for `Cells.POOL`, else one for each language."""

    column: str
    cells: Cells = Cells.POOL

    @property
    def is_list(self) -> bool:
        """Whether a query has one number for each language."""
        return self.cells is not Cells.POOL


class Column(NamedTuple):
    """A figure as a table shows it."""

    title: str
    key: str
    factor: int
    decimals: int

    def text(self, value: float | None, sign: str = "") -> str:
        """The value as shown, or a dash where there is none.

        Example:
            >>> Column("Mo", "mo_map", 100, 1).text(0.5), Column("Mo", "mo_map", 100, 1).text(None)
            ('50.0', '-')
        """
        missing = value is None or math.isnan(value)
        return "-" if missing else f"{self.factor * value:{sign},.{self.decimals}f}"


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        key: in the summary of a results file.
        title: where a table says nothing else.
        unit: of the value in the file.
        higher_is_better: None where neither direction is.
        tables: those that show it, each with its title there; None for ``title``.
        by_language: key of a language's value, where it is another one.
        measure: its measure, where it is of one.
        per_query: where a comparison finds its values per query; None if it cannot be compared.
        reading: how to read a value.
        hub_type: what the Hub calls such a metric.
    """

    key: str
    title: str
    unit: Unit = Unit.FRACTION
    higher_is_better: bool | None = None
    tables: Mapping[Table, str | None] = field(default_factory=dict)
    by_language: str | None = None
    measure: str | None = None
    per_query: PerQuery | None = None
    reading: str = ""
    hub_type: str = ""

    def column(self, table: Table, k: int = 10, by_language: bool = False) -> Column:
        """How a table shows it.

        Args:
            table: which.
            k: the cutoff.
            by_language: take the key of a language's value.
        """
        key = self.by_language if by_language and self.by_language else self.key
        factor = 100 if self.unit is Unit.FRACTION and table.in_percent else 1
        title = self.tables.get(table) or self.title
        return Column(title.format(k=k), key.format(k=k), factor, table.decimals(self.unit))


@dataclass(frozen=True)
class Measure:
    """A measure of the ranks of relevant candidates.

    Attributes:
        name: in results files.
        title: for people.
        function: float64, one value for each group of ranks; the second argument is the cutoff.
        tables: that show it beside `SUMMARY`, which shows all measures.
        per_query: whether values per query are kept, so that it can be compared.
        higher_is_better: None where neither direction is.
    """

    name: str
    title: str
    function: Callable[[TieGroups, int], np.ndarray]
    tables: tuple[Table, ...] = ()
    per_query: bool = False
    higher_is_better: bool | None = True

    def figures(self) -> list[Figure]:
        """Its figures, in the order of `SETTINGS`."""
        cells = {"mo": Cells.OWN, "cr": Cells.OTHER, "mul": Cells.POOL}
        return [
            Figure(
                key=f"{key}_{self.name}",
                title=f"{setting.title}, {self.title}",
                higher_is_better=self.higher_is_better,
                tables={table: self._heading(table, setting) for table in self.tables},
                measure=self.name,
                per_query=PerQuery(self.column(cells[key]), cells[key]) if self.per_query else None,
                hub_type=self.name,
            )
            for key, setting in SETTINGS.items()
        ]

    def column(self, cells: Cells) -> str:
        """Name of the values per query."""
        name = self.name.removesuffix("_at_{k}")
        return f"{name}_pool" if cells is Cells.POOL else f"{name}_by_language"

    def _heading(self, table: Table, setting: Setting) -> str | None:
        return table.heading.format(measure=self.title, **vars(setting)) if self.name == MAIN else None
