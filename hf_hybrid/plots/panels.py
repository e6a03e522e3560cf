"""Pictures of studies: panels of series with intervals, or of named points. Every colour is doubled by a shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hf_hybrid.plots.files import require_matplotlib
from hf_hybrid.plots.fonts import drawable, in_fonts_for
from hf_hybrid.plots.pictures import BLUE, GREEN, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOOKS = tuple(
    (colour, marker, line)
    for line in ("-", "--", ":")
    for colour, marker in ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (GREY, "D"))
)


@dataclass(frozen=True)
class Series:
    """One line, or points.

    Attributes:
        label: In the legend.
        x, y: Places.
        low, high: Ends of the intervals of `y`; empty for none.
        names: A text at each point; empty for none.
        joined: Whether the points are joined by a line.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    names: Sequence[str] = ()
    joined: bool = True


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    Attributes:
        title, x, y: Texts.
        series: What is drawn.
        logarithmic: Whether the axis of `x` is.
        ticks: Names of the whole numbers on the axis of `x`, from 0; empty where it is one of numbers.
        zero: Draw a line at 0 of `y`.
    """

    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    logarithmic: bool = False
    ticks: tuple[str, ...] = ()
    zero: bool = False


@dataclass(frozen=True)
class Page:
    """What one picture shows: panels under a title."""

    title: str
    panels: tuple[Panel, ...]


@in_fonts_for
def page_picture(page: Page) -> Figure:
    """Draw panels side by side, three in a row at most.

    Raises:
        InputError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    # Four make a square.
    columns = 2 if len(page.panels) == 4 else min(len(page.panels), 3)
    rows = -(-len(page.panels) // columns)
    figure = Figure(figsize=(max(4.2 * columns + 0.4, 7.0), 3.6 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, panel in zip(axes, page.panels, strict=False):
        _draw(axis, panel)
    for axis in axes[len(page.panels) :]:
        axis.set_visible(False)
    figure.suptitle(drawable(page.title), fontsize=10)
    return figure


def _draw(axis: Axes, panel: Panel) -> None:
    if panel.zero:
        axis.axhline(0, color=GREY, linewidth=0.8)
    for number, series in enumerate(panel.series):
        colour, marker, line = _LOOKS[number % len(_LOOKS)]
        errors = None
        if series.low:
            errors = [
                [max(y - low, 0.0) for y, low in zip(series.y, series.low, strict=True)],
                [max(high - y, 0.0) for y, high in zip(series.y, series.high, strict=True)],
            ]
        axis.errorbar(
            list(series.x),
            list(series.y),
            yerr=errors,
            color=colour,
            marker=marker,
            linestyle=line if series.joined else "none",
            capsize=3,
            markersize=5,
            linewidth=1.3,
            label=drawable(series.label),
        )
        for name, x, y in zip(series.names, series.x, series.y, strict=False):
            axis.annotate(drawable(name), (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7)
    if panel.logarithmic:
        _logarithmic(axis, panel)
    if panel.ticks:
        axis.set_xticks(range(len(panel.ticks)), [drawable(name) for name in panel.ticks], rotation=45, ha="right")
    axis.set_title(drawable(panel.title), fontsize=9)
    axis.set_xlabel(drawable(panel.x))
    axis.set_ylabel(drawable(panel.y))
    axis.grid(axis="y", color="#E0E0E0", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    if len(panel.series) > 1:
        axis.legend(fontsize=7, frameon=False)


def _logarithmic(axis: Axes, panel: Panel) -> None:
    """Whole numbers on the axis of `x`, and few enough that they stand apart."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    places = [x for series in panel.series for x in series.x]
    axis.set_xscale("log")
    decades = max(places) / min(places) >= 20
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0,) if decades else (1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.10g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
