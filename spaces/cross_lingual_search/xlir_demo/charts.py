"""Charts as SVG made here, in the page's own colours for light and dark: bars, differences with intervals, a curve.
Numbers that they show stand in a table beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .markup import Markup, joined

_WIDTH, _ROW, _NAME = 460, 24, 150


@dataclass(frozen=True)
class Mark:
    """A value with what is written about it.

    Attributes:
        name: of the row.
        text: the value in words.
        value: where the bar ends, or the dot stands.
        low: lower end of the interval; None for none.
        high: upper end.
    """

    name: str
    text: str
    value: float
    low: float | None = None
    high: float | None = None


def bars(title: str, marks: Sequence[Mark], most: float, line: tuple[float, str] | None = None) -> Markup:
    """Bars from 0, with a dashed line where something else would be.

    Args:
        title: what they show.
        marks: at least one.
        most: the value at the right edge.
        line: a value and its name.
    """
    scale = _Scale(0.0, most)
    parts, top = [], 34 if line else 22
    for row, mark in enumerate(marks):
        y = top + row * _ROW
        end = scale(mark.value)
        parts.append(
            Markup(
                '<text x="{}" y="{}" text-anchor="end">{}</text><rect x="{}" y="{}" width="{}" height="16"/>{}'
            ).format(
                _NAME - 6,
                y + 13,
                mark.name,
                _NAME,
                y,
                f"{max(end - _NAME, 1):.1f}",
                _text(scale(max(mark.value, mark.high or 0.0)) + 5, y + 13, mark.text),
            )
        )
        if mark.low is not None and mark.high is not None:
            parts.append(_line("xd-range", scale(mark.low), y + 8, scale(mark.high), y + 8))
    bottom = top + len(marks) * _ROW
    if line:
        x = scale(line[0])
        parts.append(_line("xd-fair", x, top - 8, x, bottom - 4))
        parts.append(Markup('<text x="{}" y="{}">{}</text>').format(f"{x - 4:.1f}", top - 12, line[1]))
    return _svg(title, bottom + 4, parts, marks)


def differences(title: str, marks: Sequence[Mark], margin: float | None, better: str) -> Markup:
    """Dots with intervals around a line at zero, and beside each the band that counts as no worse.

    Args:
        title: what they show.
        marks: values with intervals.
        margin: how far below zero still counts as no worse; None for none.
        better: ``right`` or ``left``: the side that is better.
    """
    ends = [end for mark in marks for end in (mark.low, mark.high, mark.value) if end is not None]
    reach = max(max(map(abs, ends)), margin or 0.0) * 1.15 or 1.0
    scale = _Scale(-reach, reach)
    top, parts = 40, []
    bottom = top + 2 * _ROW * len(marks)
    words = ("hybrid worse ←", "→ hybrid better") if better == "right" else ("hybrid better ←", "→ hybrid worse")
    parts.append(
        Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(f"{scale(0) - 6:.1f}", top - 12, words[0])
    )
    parts.append(_text(scale(0.0) + 6, top - 12, words[1]))
    for row, mark in enumerate(marks):
        y = top + 2 * _ROW * row
        parts.append(Markup('<text x="0" y="{}">{}: {}</text>').format(y + 10, mark.name, mark.text))
        # Band and line are as high as a dot: over the whole chart they lay behind the words.
        if margin is not None:
            left = scale(-margin)
            place = f"{left:.1f}", y + 16, f"{scale(0.0) - left:.1f}", 20
            parts.append(Markup('<rect class="xd-band" x="{}" y="{}" width="{}" height="{}"/>').format(*place))
        parts.append(_line("xd-zero", scale(0.0), y + 14, scale(0.0), y + 38))
        parts.append(_dot(scale, mark, y + 26))
    return _svg(title, bottom, parts, marks)


def curve(title: str, marks: Sequence[Mark], positions: Sequence[float], places: int) -> Markup:
    """Means over a share from 0 to 1, joined by a line, with intervals.

    Args:
        title: what it shows.
        marks: one for each position.
        positions: shares, ascending.
        places: decimals on the axis.
    """
    width, height, left, right, top = 340, 150, 48, 28, 26
    lows = [mark.value if mark.low is None else mark.low for mark in marks]
    highs = [mark.value if mark.high is None else mark.high for mark in marks]
    low, high = min(lows), max(highs)
    pad = (high - low) * 0.1 or 1.0
    low, high = low - pad, high + pad

    def at(share: float, value: float) -> tuple[float, float]:
        return left + share * (width - left - right), top + (high - value) / (high - low) * height

    parts = [
        Markup('<text x="0" y="14" class="xd-side">{}</text>').format(title),
        _line("xd-zero", left, top, left, top + height),
        _line("xd-zero", left, top + height, width - right, top + height),
    ]
    for value in (low + pad, high - pad):
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
                left - 5, f"{at(0, value)[1] + 4:.1f}", f"{value:,.{places}f}"
            )
        )
    for share in (0.0, 0.5, 1.0):
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
                f"{at(share, low)[0]:.1f}", top + height + 16, f"{100 * share:.0f} %"
            )
        )
    points = [at(share, mark.value) for share, mark in zip(positions, marks, strict=True)]
    parts.append(Markup('<polyline points="{}"/>').format(" ".join(f"{x:.1f},{y:.1f}" for x, y in points)))
    for (x, y), share, lowest, highest in zip(points, positions, lows, highs, strict=True):
        parts.append(_line("xd-whisker", x, at(share, lowest)[1], x, at(share, highest)[1]))
        parts.append(Markup('<circle cx="{}" cy="{}" r="3.5"/>').format(f"{x:.1f}", f"{y:.1f}"))
    return _svg(title, top + height + 24, parts, marks, width)


class _Scale:
    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def __call__(self, value: float) -> float:
        left, right = (_NAME, _WIDTH - 60) if self._least == 0.0 else (8, _WIDTH - 8)
        return left + (value - self._least) / (self._most - self._least) * (right - left)


def _dot(scale: _Scale, mark: Mark, y: float) -> Markup:
    interval = Markup("")
    if mark.low is not None and mark.high is not None:
        interval = _line("xd-whisker", scale(mark.low), y, scale(mark.high), y)
    return interval + Markup('<circle cx="{}" cy="{}" r="4.5"/>').format(f"{scale(mark.value):.1f}", y)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, f"{x1:.1f}", f"{y1:.1f}", f"{x2:.1f}", f"{y2:.1f}"
    )


def _text(x: float, y: float, text: str) -> Markup:
    return Markup('<text x="{}" y="{}">{}</text>').format(f"{x:.1f}", f"{y:.1f}", text)


def _svg(title: str, height: float, parts: Sequence[Markup], marks: Sequence[Mark], width: int = _WIDTH) -> Markup:
    """The picture, as wide at most as it is drawn, so that letters have one size in all charts."""
    spoken = f"{title}: " + "; ".join(f"{mark.name} {mark.text}" for mark in marks)
    return Markup(
        '<svg class="xd-chart" viewBox="0 0 {} {}" style="max-width:{}px" role="img" aria-label="{}" xmlns="http://www.w3.org/2000/svg">{}</svg>'
    ).format(width, f"{height:.0f}", width, spoken, joined(parts))
