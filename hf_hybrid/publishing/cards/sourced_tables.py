"""Tables and sentences whose figures are tied to the values they show, as `hf_hybrid.publishing.lint.figures` reads
them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hf_hybrid.markdown import table
from hf_hybrid.publishing.json_places import numbers_in, pointer_to, values_at


@dataclass(frozen=True)
class Figure:
    """A number of a file, as a card shows it.

    Attributes:
        text: as shown.
        reference: where it is from, ``FILE.json#/KEY/KEY``, with a factor where the unit differs.
    """

    text: str
    reference: str


@dataclass(frozen=True)
class Tied:
    """Text with figures in its places ``{}``."""

    template: str
    figures: tuple[Figure, ...]

    def __str__(self) -> str:
        return self.template.format(*(figure.text for figure in self.figures))


Cell = str | Figure | Tied | None


@dataclass(frozen=True)
class Source:
    """A JSON file of the repository, as a source of figures.

    Attributes:
        file: its path in the repository.
        content: what it holds.
    """

    file: str
    content: Any

    def figure(
        self, *keys: str | int, factor: int = 1, decimals: int = 0, signed: bool = False, total: bool = False
    ) -> Figure | None:
        """The number at a place, or None where there is none.

        Args:
            *keys: the way to it; ``*`` stands for every key, with ``total``.
            factor: of the unit, as 100 for percent.
            decimals: shown.
            signed: with a plus where it is above zero.
            total: the sum of all numbers there.
        """
        try:
            values = list(numbers_in(values_at(self.content, keys)))
        except LookupError:
            return None
        if not values or (len(values) > 1 and not total):
            return None
        number = math.fsum(values) * factor
        text = f"{number:{'+' if signed else ''},.{decimals}f}"
        return Figure(
            text, f"{self.file}#{pointer_to(keys)}{'+' if total else ''}{f'*{factor}' if factor != 1 else ''}"
        )

    def interval(self, *keys: str | int, factor: int = 1, decimals: int = 0, signed: bool = False) -> Cell:
        """Mean, or difference, with the ends of its interval where there is one: ``.50 [.48, .52]``."""
        options: dict[str, Any] = {"factor": factor, "decimals": decimals, "signed": signed}
        middle = self.figure(*keys, "mean", **options) or self.figure(*keys, "difference", **options)
        low, high = (self.figure(*keys, end, **options) for end in ("low", "high"))
        if middle is None or low is None or high is None:
            return middle
        return Tied("{} [{}, {}]", (middle, low, high))

    def percent(self, *keys: str | int, decimals: int = 0) -> Figure | None:
        """A share with its sign ``%``, for sentences: the lint takes such a figure times 100 by itself."""
        found = self.figure(*keys, factor=100, decimals=decimals)
        return found and Figure(f"{found.text} %", found.reference.removesuffix("*100"))

    def p_value(self, *keys: str | int) -> Figure | None:
        """A p value; a small one as a bound."""
        found = self.figure(*keys, decimals=3)
        if found is not None and found.text == "0.000":
            return Figure("< .001", found.reference)
        return found


def tied_table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A Markdown table in a block of figures; columns with figures are set to the right.

    The first column is no figure for the lint, and digits in text of other columns are set as code.
    """
    figures = [figure for row in rows for cell in row[1:] for figure in _figures_of(cell)]
    shown = [[_shown(cell, column) for column, cell in enumerate(row)] for row in rows]
    is_text = [not any(_figures_of(row[column]) for row in rows) for column in range(len(head))]
    return _block(table(head, shown, is_text), figures)


def tied_text(*parts: Tied) -> str:
    """Sentences in a block of figures."""
    return _block(" ".join(map(str, parts)), [figure for part in parts for figure in part.figures])


def compressed(references: Sequence[str]) -> str:
    """References with braces for what differs, which expand to the same references in the same order.

    Example:
        >>> compressed(["a.json#/de/mo", "a.json#/de/cr", "a.json#/th/mo", "a.json#/th/cr"])
        'a.json#/{de,th}/{mo,cr}'
    """
    return " ".join(_words(list(references)))


def _block(text: str, figures: Sequence[Figure]) -> str:
    if not figures:
        return text
    references = compressed([figure.reference for figure in figures])
    return f"<!-- figures: {references} -->\n\n{text}\n\n<!-- end: figures -->"


def _words(references: list[str]) -> list[str]:
    if len(references) < 2 and not any("/" in reference for reference in references):
        return references
    if not all("/" in reference for reference in references):
        flat = not any("/" in reference for reference in references)
        return ["{" + ",".join(references) + "}"] if flat else references
    # Neighbours with the same head, then neighbours with the same tails.
    groups: list[tuple[str, list[str]]] = []
    for reference in references:
        head, _, tail = reference.rpartition("/")
        if groups and groups[-1][0] == head:
            groups[-1][1].append(tail)
        else:
            groups.append((head, [tail]))
    merged: list[tuple[list[str], list[str]]] = []
    for head, tails in groups:
        if merged and merged[-1][1] == tails:
            merged[-1][0].append(head)
        else:
            merged.append(([head], tails))
    words = []
    for heads, tails in merged:
        end = tails[0] if len(tails) == 1 else "{" + ",".join(tails) + "}"
        words += [f"{word}/{end}" for word in _words(heads)]
    return words


def _figures_of(cell: Cell) -> tuple[Figure, ...]:
    return (cell,) if isinstance(cell, Figure) else cell.figures if isinstance(cell, Tied) else ()


def _shown(cell: Cell, column: int) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, Figure):
        return cell.text
    if isinstance(cell, str) and column and re.search(r"\d", cell) and "`" not in cell:
        return f"`{cell}`"
    return str(cell)
