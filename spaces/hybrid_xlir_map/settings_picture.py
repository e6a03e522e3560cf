"""What the three settings are, as a picture: which passages a question is compared with."""

from __future__ import annotations

from html import escape

_SETTINGS = (
    ("Mo: within a language", "A German question among German passages", ("de",)),
    ("Cr: across languages", "A German question among English passages", ("en",)),
    ("Mul: all languages", "A German question among all passages", ("de", "en", "th")),
)
_LANGUAGES = ("de", "en", "th")


def settings_picture() -> str:
    """Three drawings in a row: the question, and the passages that are searched in colour.

    Example:
        >>> settings_picture().count("<svg")
        3
    """
    figures = "".join(
        f'<figure class="setting">{_drawing(title, words, searched)}<figcaption><b>{escape(title)}</b><br>{escape(words)}</figcaption></figure>'
        for title, words, searched in _SETTINGS
    )
    return f'<div class="xlir settings">{figures}</div>'


def _drawing(title: str, words: str, searched: tuple[str, ...]) -> str:
    parts = [
        '<circle cx="24" cy="50" r="17" class="ask"/><text x="24" y="55" text-anchor="middle" class="on">de?</text>',
        '<path d="M46 50h26m-7 -6l7 6l-7 6" class="arrow"/>',
    ]
    for row, tag in enumerate(_LANGUAGES):
        kind = "in" if tag in searched else "out"
        for column in range(4):
            parts.append(
                f'<rect x="{84 + 34 * column}" y="{8 + 30 * row}" width="29" height="24" rx="3" class="{kind}"/>'
            )
        parts.append(f'<text x="{84 + 34 * 4 + 4}" y="{25 + 30 * row}">{tag}</text>')
    spoken = f"{title}: {words}"
    return f'<svg viewBox="0 0 244 100" role="img" aria-label="{escape(spoken)}">{"".join(parts)}</svg>'
