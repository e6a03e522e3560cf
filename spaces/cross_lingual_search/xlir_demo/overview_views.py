"""The first thing that a visitor sees: one sentence and one small chart over all built-in questions, and the examples
that were chosen from them.
"""

from __future__ import annotations

from collections.abc import Mapping

from .checkpoints import title_of
from .languages import native_name
from .markup import Markup, joined, percent, view
from .measuring import Figures

TITLE = "One question, eleven languages"


def overview_view(figures: Mapping[str, Figures], before: str, after: str, languages: int) -> str:
    """What the two checkpoints do over all built-in questions.

    Args:
        figures: of every checkpoint.
        before: name of the one on the left.
        after: of the one on the right; the same where there is only one.
        languages: number of languages in which every answer exists.
    """
    one, other = figures[before], figures[after]
    return view(
        "Overview",
        Markup('<div class="xd-over">{}{}</div>').format(
            _sentence(one, other, before, after, languages), _chart(one, other, before, after)
        ),
    )


def _sentence(one: Figures, other: Figures, before: str, after: str, languages: int) -> Markup:
    start = Markup("Every answer is here {} times, once in each language. ").format(languages)
    if before == after:
        text = Markup(
            "<b>{}</b> of the first {} results are in the language of the question; a fair list has {}."
        ).format(percent(one.own_share), one.k, percent(one.fair_share))
    else:
        text = Markup(
            "<b>Before</b> ({}), <b>{}</b> of the first {} results are in the language of the question; <b>after</b> ({}), <b>{}</b>; a fair list has "
            "{}. Right answers among them: <b>{}</b> before, <b>{}</b> after."
        ).format(
            title_of(before),
            percent(one.own_share),
            one.k,
            title_of(after),
            percent(other.own_share),
            percent(one.fair_share),
            f"{one.right:.1f}",
            f"{other.right:.1f}",
        )
    note = Markup('<p class="xd-note">Means over all {} built-in questions.</p>').format(f"{one.questions:,}")
    return Markup('<div><p class="xd-lead">{}{}</p>{}</div>').format(start, text, note)


def _chart(one: Figures, other: Figures, before: str, after: str) -> Markup:
    """Two pairs of bars, before and after; the line is what a fair list has."""
    sides = [(one, title_of(before), "before")]
    if before != after:
        sides.append((other, title_of(after), "after"))
    best = one.k
    groups = (
        (
            "In the question’s language",
            [(f.own_share, percent(f.own_share), title, kind) for f, title, kind in sides],
            one.fair_share,
            "fair",
        ),
        (
            f"Right among the first {best}",
            [(f.right / best, f"{f.right:.1f}", title, kind) for f, title, kind in sides],
            None,
            "",
        ),
    )
    width, name, row, top = 420, 110, 20, 17
    parts, y = [], top
    for heading, bars, line, word in groups:
        parts.append(Markup('<text x="0" y="{}" class="xd-side">{}</text>').format(y - 4, heading))
        begin = y
        for share, text, title, kind in bars:
            length = max(2.0, share * (width - name - 50))
            parts.append(
                Markup(
                    '<text x="{}" y="{}" text-anchor="end">{}</text><rect x="{}" y="{}" width="{}" height="14" class="xd-is-{}"/><text x="{}" y="{}">{}</text>'
                ).format(
                    name - 6,
                    y + 13,
                    _short(title),
                    name,
                    y + 2,
                    f"{length:.1f}",
                    kind,
                    f"{name + length + 5:.1f}",
                    y + 13,
                    text,
                )
            )
            y += row
        if line is not None:
            x = name + line * (width - name - 50)
            parts.append(
                Markup(
                    '<line x1="{}" x2="{}" y1="{}" y2="{}" class="xd-fair"/><text x="{}" y="{}" text-anchor="end">┆ {} {}</text>'
                ).format(f"{x:.1f}", f"{x:.1f}", begin - 2, y, width, begin - 4, word, percent(line))
            )
        y += 22
    spoken = "; ".join(
        f"{heading}: " + ", ".join(f"{title} {text}" for _, text, title, _ in bars) for heading, bars, _, _ in groups
    )
    return Markup(
        '<svg class="xd-chart" viewBox="0 0 {} {}" role="img" aria-label="{}; a fair list has {} in the question’s language." xmlns="http://www.w3.org/2000/svg">{}</svg>'
    ).format(width, y - 20, spoken, percent(one.fair_share), joined(parts))


def _short(title: str) -> str:
    return title if len(title) <= 15 else f"{title[:14]}…"


def card_text(language: str, words: str, right: tuple[int, int], k: int) -> str:
    """What stands on the card of an example."""
    return f"{native_name(language)}\n{words}\nright: {right[0]} → {right[1]} of {k}"
