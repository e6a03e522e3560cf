"""Cells of a table whose colour says what their number says: stronger is better, in light and in dark."""

from __future__ import annotations

from .markup import Markup

_STEPS = 8


def heat(value: float | None, own: bool) -> Markup:
    """Attributes of a cell.

    Args:
        value: 0 to 1, or None.
        own: whether it is about one language alone, which is framed.

    Example:
        >>> heat(1.0, False), heat(0.0, True)
        (Markup(' class="xd-h8"'), Markup(' class="xd-h0 xd-own"'))
    """
    step = round(_STEPS * max(0.0, min(1.0, value or 0.0)))
    return Markup(' class="xd-h{}{}"').format(step, " xd-own" if own else "")


def heat_css() -> str:
    """One hue that leaves the page's own background, towards dark on a light page and towards light on a dark one, and
    text that can be read on all of it.
    """
    light = [
        f".xd .xd-h{step}{{background:hsl(205 65% {97 - 5.25 * step:.0f}%);color:#111}}" for step in range(_STEPS + 1)
    ]
    dark = [
        f".dark .xd .xd-h{step}{{background:hsl(205 60% {12 + 3 * step}%);color:#fff}}" for step in range(_STEPS + 1)
    ]
    return "\n".join(light + dark)
