"""Rules for figures: a measured number in a card equals the results file that it comes from.

A figure says where it is from in one of three ways. A reference is a file of the repository and a JSON pointer into
it, ``results.json#/summary/mo_map``, with a factor where the card has another unit, ``...#/summary/mo_map*100``; a
figure with ``%`` is multiplied by 100 anyway. In a pointer ``*`` stands for every value of a list or an object, and a
``+`` at its end for the sum of all numbers there: ``mix.json#/rows/*/train/faq+``; what a word of a list of references
may not hold (spaces, commas, braces) is written as in an address, ``%20``. A figure ``< .001`` is above its value.

1. A link: ``[.652](results.json#/summary/mo_map)``.
2. A block, as long as needed; its figures, in reading order, are the values of its references. Braces stand for one
   reference for each of their parts, and a reference to a list or an object for all numbers in it::

       <!-- figures: {mono,hybrid}.json#/summary/{mo_map,cr_map,mul_map} -->
       | | Mo | Cr | Mul |
       | --- | --- | --- | --- |
       | mono | .652 | .216 | .165 |
       | hybrid | .654 | .223 | .176 |
       <!-- end: figures -->

   Heads and first cells of tables, code and text in brackets of a link are not figures.
3. ``args: {results: results.json#/summary/mo_map}`` of a metric in ``model-index``.

In the sections *Evaluation* (or *Results*), *Languages*, *Sizes* and *Speed* of a model card every decimal and every
percentage must do so.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hf_hybrid.publishing.json_places import keys_of, numbers_in, values_at
from hf_hybrid.publishing.lint.card import Card, Finding
from hf_hybrid.publishing.lint.links import LINK
from hf_hybrid.publishing.lint.metadata import as_list

_BEGIN = re.compile(r"<!--\s*figures:\s*(.*?)\s*-->")
_END = re.compile(r"<!--\s*end:\s*figures\s*-->")
_NUMBER = re.compile(
    r"(?<![\w.,/])(?P<below><\s?)?(?P<sign>[-+\u2212]?)(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?)(?P<percent>\s?%)?(?![\w/])"
)
_UNREFERENCED = re.compile(r"(?<![\w.,/-])[-+\u2212]?(?:\d*\.\d+(?!\.?\d)|\d+\s?%)(?![\w/])")
_NO_FIGURES = (re.compile(r"<!--.*?-->"), re.compile(r"(`+).*?\1"))
_REFERENCE = re.compile(r"(?P<file>[^#]+)#(?P<pointer>(?:/.*?)?)(?P<sum>\+)?(?:\*(?P<factor>\d+))?")
_MEASURED_SECTIONS = re.compile(r"(?i)(evaluation|results|languages|sizes?|speed)\b")


# As written, value, decimals, whether it is a percentage.
Figure = tuple[str, float, int, bool]


class NoValueError(ValueError):
    """A reference that leads nowhere; the message says why."""


def check_figures(card: Card) -> Iterator[Finding]:
    """Figures in links, blocks and ``model-index`` equal the values of their references."""
    reader = FigureReader(card.folder)
    yield from _check_links(card, reader)
    yield from _check_blocks(card, reader)
    yield from _check_model_index(card, reader)
    if card.kind == "model":
        yield from _check_all_have_references(card)


def figures_in(text: str) -> list[Figure]:
    """The numbers in a text: as written, value, decimals, and whether it is a percentage.

    Example:
        >>> figures_in("`k` 10: .652 [-.1, 1,190.5] and 34 %, v2, 2024-05-06")
        [('10', 10.0, 0, False), ('.652', 0.652, 3, False), ('-.1', -0.1, 1, False), ('1,190.5', 1190.5, 1, False),
        ('34 %', 34.0, 0, True)]
    """
    for pattern in _NO_FIGURES:
        text = pattern.sub(" ", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", " ", text)
    found = []
    for match in _NUMBER.finditer(text):
        digits = match["digits"].replace(",", "")
        if digits:
            sign = -1 if match["sign"] in ("-", "\u2212") else 1
            decimals = len(digits.partition(".")[2])
            found.append((match[0].strip(), sign * float(digits), decimals, bool(match["percent"])))
    return found


class FigureReader:
    """Values of references into the results files of one repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.files: dict[str, Any] = {}

    def values(self, references: str) -> list[tuple[str, float]]:
        """Reference and value of every number that references, apart by spaces, lead to."""
        found = []
        for reference in (single for word in references.split() for single in expand_braces(word)):
            match = _REFERENCE.fullmatch(reference)
            if match is None:
                raise NoValueError(f"{reference!r} is no reference: write FILE.json#/KEY/KEY, or FILE.json#/KEY*100")
            values = self._values(match["file"], match["pointer"])
            numbers = [number for value in values for number in numbers_in(value)]
            if not numbers:
                raise NoValueError(f"{reference}: there is no number at this place")
            numbers = [math.fsum(numbers)] if match["sum"] else numbers
            found += [(reference, number * int(match["factor"] or 1)) for number in numbers]
        return found

    def _values(self, file: str, pointer: str) -> list[Any]:
        """What a pointer leads to; more than one value where it has a ``*``."""
        try:
            return values_at(self._read(file), keys_of(pointer))
        except LookupError as error:
            raise NoValueError(f"{file}#{pointer}: the file has no {error.args[0]!r} there") from None

    def _read(self, file: str) -> Any:
        if file not in self.files:
            path = (self.folder / file).resolve()
            if not path.is_relative_to(self.folder) or not path.is_file():
                raise NoValueError(f"{file}: the repository has no such file")
            try:
                self.files[file] = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise NoValueError(f"{file} is not JSON ({error})") from None
        return self.files[file]


def expand_braces(text: str) -> list[str]:
    """All texts that braces stand for, the last brace running fastest.

    Example:
        >>> expand_braces("{a,b}.json#/{x,y}")
        ['a.json#/x', 'a.json#/y', 'b.json#/x', 'b.json#/y']
    """
    parts = [part.split(",") if index % 2 else [part] for index, part in enumerate(re.split(r"\{([^{}]*)\}", text))]
    return ["".join(choice) for choice in itertools.product(*parts)]


def _agrees(figure: Figure, value: float) -> bool:
    """Whether a figure is the value, rounded to its decimals, or a bound above it."""
    written, shown, decimals, percent = figure
    if written.startswith("<"):
        return value * (100 if percent else 1) < shown
    unit = 10.0**-decimals
    return abs(value * (100 if percent else 1) - shown) <= unit * 0.5 + 1e-9 * max(1, abs(value))


def _check_links(card: Card, reader: FigureReader) -> Iterator[Finding]:
    for number, text in card.prose:
        for match in LINK.finditer(text):
            if ".json#/" not in match[2] or "://" in match[2]:
                continue
            figures = figures_in(match[1].strip("*"))
            try:
                values = reader.values(match[2])
            except NoValueError as error:
                yield card.finding(number, "figure", str(error))
                continue
            yield from _compare(card, [(number, figure) for figure in figures], values, number)


def _check_blocks(card: Card, reader: FigureReader) -> Iterator[Finding]:
    begin, references = 0, ""
    figures: list[tuple[int, Figure]] = []
    head = False
    for number, text in card.prose:
        if match := _BEGIN.search(text):
            if begin:
                yield card.finding(begin, "figure", "the block of figures has no `<!-- end: figures -->`")
            begin, references, figures = number, match[1], []
        elif begin and _END.search(text):
            try:
                yield from _compare(card, figures, reader.values(references), begin)
            except NoValueError as error:
                yield card.finding(begin, "figure", str(error))
            begin = 0
        elif begin:
            is_row = text.lstrip().startswith("|")
            # The head of a table is its first line; the line below it has no figures.
            skip, head = is_row and not head, is_row
            shown = text.strip().strip("|").partition("|")[2] if is_row else text
            figures += [] if skip else [(number, figure) for figure in figures_in(LINK.sub(" ", shown))]
    if begin:
        yield card.finding(begin, "figure", "the block of figures has no `<!-- end: figures -->`")


def _check_model_index(card: Card, reader: FigureReader) -> Iterator[Finding]:
    for m, model in enumerate(as_list(card.data.get("model-index"))):
        for r, result in enumerate(as_list(model.get("results")) if isinstance(model, dict) else []):
            for k, metric in enumerate(as_list(result.get("metrics")) if isinstance(result, dict) else []):
                line = card.line("model-index", m, "results", r, "metrics", k)
                arguments = metric.get("args") if isinstance(metric, dict) else None
                reference = arguments.get("results") if isinstance(arguments, dict) else None
                if not isinstance(reference, str):
                    yield card.finding(
                        line,
                        "figure",
                        "the metric has no `args: {results: FILE.json#/KEY}`: say where its value is from",
                    )
                    continue
                figures = figures_in(repr(metric.get("value")))
                try:
                    yield from _compare(card, [(line, figure) for figure in figures], reader.values(reference), line)
                except NoValueError as error:
                    yield card.finding(line, "figure", str(error))


def _compare(
    card: Card, figures: list[tuple[int, Figure]], values: list[tuple[str, float]], line: int
) -> Iterator[Finding]:
    for number, message in differences(figures, values, line):
        yield card.finding(number, "figure", message)


def differences(
    figures: list[tuple[int, Figure]], values: list[tuple[str, float]], line: int
) -> Iterator[tuple[int, str]]:
    """What is wrong with figures, each with its line, that should be the values of references; ``line`` is where these
    are.
    """
    if len(figures) != len(values):
        yield line, f"there are {len(figures)} figures, but the references have {len(values)} values"
        return
    for (number, figure), (reference, value) in zip(figures, values, strict=True):
        if not _agrees(figure, value):
            yield number, f"{figure[0]} is {value:.6g} in {reference}"


def _check_all_have_references(card: Card) -> Iterator[Finding]:
    measured = [(start, end) for title, start, end in card.sections() if _MEASURED_SECTIONS.match(title)]
    inside = False
    for number, text in card.prose:
        inside = (inside or bool(_BEGIN.search(text))) and not _END.search(text)
        if inside or not any(start < number <= end for start, end in measured):
            continue
        for pattern in (LINK, *_NO_FIGURES):
            text = pattern.sub(" ", text)
        if match := _UNREFERENCED.search(text):
            yield card.finding(
                number,
                "figure",
                f"{match[0].strip()} says not where it is from: link it, or put it into a block of figures",
            )
