"""Places of the same passages with two checkpoints, as lines: an SVG made here, drawn for narrow screens, and a table
that says the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .comparing import Movement
from .languages import language_name
from .markup import Markup, joined, table

_WIDTH, _TOP, _STEP, _LEAST = 400, 44, 19, 240
# Labels end or begin here, and lines between the two inner ones: what lies between is a leader to the true place.
_LEFT, _RIGHT, _LEADER = 110, 290, 22


def slope_chart(movements: Sequence[Movement], first: str, second: str, pool_size: int) -> Markup:
    """The lines.

    Args:
        movements: at least one.
        first: title of the left side.
        second: title of the right side.
        pool_size: number of passages, N; place N is at the bottom.

    Returns:
        An ``svg`` with a description; places are spaced by their logarithm, the ends of the lines are true, and thin
        leaders go to the labels, which keep apart.
    """
    height = max(_LEAST, _STEP * len(movements) + 20)
    lowest = max(2, max(max(one.before, one.after) for one in movements))
    scale = _Scale(min(lowest, pool_size), height)
    true = [(scale(one.before), scale(one.after)) for one in movements]
    left = spread([before for before, _ in true], _STEP, _TOP, _TOP + height)
    right = spread([after for _, after in true], _STEP, _TOP, _TOP + height)
    parts = [_side(_LEFT, "end", first), _side(_RIGHT, "start", second)]
    for one, ends, labels in zip(movements, true, zip(left, right, strict=True), strict=True):
        parts.append(_line(one, ends, labels))
    better = sum(one.after < one.before for one in movements)
    worse = sum(one.after > one.before for one in movements)
    label = (
        f"Places of {len(movements)} passages: from {first} on the left to {second} on the right, {better} rise, "
        f"{worse} fall. The table below has the numbers."
    )
    return Markup(
        '<svg class="xd-slope" viewBox="0 0 {} {}" role="img" aria-label="{}" xmlns="http://www.w3.org/2000/svg">{}</svg>'
    ).format(_WIDTH, _TOP + height + 16, label, joined(parts))


def slope_table(movements: Sequence[Movement], first: str, second: str) -> Markup:
    """The same as a table."""
    rows = [
        [language_name(one.language), f"{one.before:,}", f"{one.after:,}", _moved(one.before - one.after)]
        for one in movements
    ]
    return table("Place of each passage", ["Passage in", first, second, "Moved"], rows)


def spread(places: Sequence[float], gap: float, top: float, bottom: float) -> list[float]:
    """Heights of labels near their places, at least a gap apart and within the picture, in the same order.

    Example:
        >>> spread([10.0, 11.0, 50.0], 5, 0, 100)
        [10.0, 15.0, 50.0]
        >>> spread([99.0, 100.0], 5, 0, 100)
        [95.0, 100.0]
    """
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    heights = list(places)
    lowest = top - gap
    for index in order:
        heights[index] = lowest = max(places[index], lowest + gap)
    highest = bottom + gap
    for index in reversed(order):
        heights[index] = highest = min(heights[index], highest - gap)
    return heights


class _Scale:
    """From a place to a height, by its logarithm: the first places are what people look at."""

    def __init__(self, lowest: int, height: float) -> None:
        self._lowest, self._height = max(lowest, 2), height

    def __call__(self, place: int) -> float:
        return _TOP + self._height * math.log(place) / math.log(self._lowest)


def _side(x: int, anchor: str, title: str) -> Markup:
    return Markup('<text x="{}" y="18" text-anchor="{}" class="xd-side">{}</text>').format(x, anchor, title)


def _line(one: Movement, ends: tuple[float, float], labels: tuple[float, float]) -> Markup:
    kind = "same" if one.before == one.after else "up" if one.after < one.before else "down"
    label = language_name(one.language)
    short = label if len(label) <= 10 else one.language
    inner = _LEFT + _LEADER, _RIGHT - _LEADER
    leaders = joined(
        Markup('<path d="M{} {}L{} {}"/>').format(x, f"{label_at:.1f}", near, f"{end:.1f}")
        for x, near, label_at, end in zip((_LEFT + 4, _RIGHT - 4), inner, labels, ends, strict=True)
    )
    return Markup(
        '<g class="xd-{}">{}<line x1="{}" y1="{}" x2="{}" y2="{}"/>'
        '<text x="{}" y="{}" text-anchor="end">{} {}</text><text x="{}" y="{}">{} {}</text></g>'
    ).format(
        kind,
        leaders,
        inner[0],
        f"{ends[0]:.1f}",
        inner[1],
        f"{ends[1]:.1f}",
        _LEFT,
        f"{labels[0] + 4.5:.1f}",
        short,
        f"{one.before:,}",
        _RIGHT,
        f"{labels[1] + 4.5:.1f}",
        f"{one.after:,}",
        short,
    )


def _moved(places: int) -> str:
    return "–" if places == 0 else f"{'up' if places > 0 else 'down'} {abs(places):,}"
