"""Pieces of HTML that every view is made of. `markupsafe` escapes whatever is put into them: what `gr.HTML` is given
is executed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from .languages import LANGUAGES, UNKNOWN, language_name, native_name

__all__ = [
    "Markup",
    "badge",
    "colour",
    "details",
    "joined",
    "message",
    "native",
    "number",
    "passage",
    "percent",
    "table",
    "view",
]


def joined(parts: Iterable[Any]) -> Markup:
    """Parts after each other, each escaped unless it is markup."""
    return Markup("").join(parts)


def view(label: str, *parts: Any, address: str = "") -> str:
    """A whole view.

    Args:
        label: its name for screen readers.
        parts: what it shows.
        address: the part of the page's address that opens it again; the page's script shows it in the address bar.
    """
    shown = Markup(' data-address="{}"').format(address) if address else Markup("")
    html = Markup('<section class="xd" aria-label="{}"{}>{}</section>').format(label, shown, joined(parts))
    # A plain string: Gradio's own encoder need not know about markup.
    return "".join(html)


def message(text: str, is_error: bool = True) -> str:
    """A sentence instead of a view."""
    role = "alert" if is_error else "status"
    return "".join(Markup('<section class="xd"><p class="xd-message" role="{}">{}</p></section>').format(role, text))


def colour(tag: str) -> str:
    """The class that gives an element the colour of a language."""
    return f"xd-l-{tag}" if tag in LANGUAGES else "xd-l-other"


def badge(tag: str) -> Markup:
    """A language with its name in English and in itself.

    Example:
        >>> badge("de").striptags()
        'German Deutsch'
    """
    if tag == UNKNOWN:
        return Markup('<span class="xd-badge">language not told</span>')
    name, own = language_name(tag), native_name(tag)
    second = Markup(' <span lang="{}" dir="auto">{}</span>').format(tag, own) if own != name else ""
    return Markup('<span class="xd-badge {}" translate="no">{}{}</span>').format(colour(tag), name, second)


def details(summary: str, *parts: Any) -> Markup:
    """Parts that are shown on request."""
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, joined(parts))


def native(tag: str) -> Markup:
    """The short form of a language, for the edges of tables."""
    return Markup('<abbr title="{}" translate="no">{}</abbr>').format(language_name(tag), tag)


def passage(text: str, tag: str, marked: str = "") -> Markup:
    """A passage in its language and direction, with the first occurrence of some words marked."""
    before, found, after = text.partition(marked) if marked else (text, "", "")
    words = Markup("{}<mark>{}</mark>{}").format(before, found, after) if found else Markup("{}").format(text)
    # An empty tag is HTML's way to say that the language is not known.
    return Markup('<p class="xd-text" lang="{}" dir="auto">{}</p>').format("" if tag == UNKNOWN else tag, words)


def number(value: float | None, digits: int = 1) -> Markup:
    """A number, or a dash that is read as what it is.

    Example:
        >>> number(1234.56)
        Markup('1,234.6')
    """
    if value is None:
        return Markup('<span role="img" aria-label="no value">–</span>')
    return Markup("{}").format(f"{value:,.{digits}f}")


def percent(share: float) -> str:
    """A share in whole percent.

    Example:
        >>> percent(0.0909)
        '9 %'
    """
    return f"{100 * share:.0f} %"


def table(
    caption: str, head: Sequence[Any], rows: Iterable[Sequence[Any]], kind: str = "", corner: bool = True
) -> Markup:
    """A table whose first column names the rows. A cell that is a pair is (attributes as markup, content).

    Args:
        caption: what it shows.
        head: titles of the columns.
        rows: as many cells each.
        kind: further class.
        corner: whether the first title is the title of the column of names.
    """
    titles = joined(
        Markup('<th scope="col">{}</th>').format(title) if corner or column else Markup("<td></td>")
        for column, title in enumerate(head)
    )
    # What scrolls sideways must be reachable from the keyboard.
    return Markup(
        '<div class="xd-scroll" tabindex="0" role="group" aria-label="{}"><table class="{}"><caption>{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(caption, kind, caption, titles, joined(_row(row) for row in rows))


def _row(cells: Sequence[Any]) -> Markup:
    name, *values = cells
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, joined(_cell(value) for value in values))


def _cell(value: Any) -> Markup:
    attributes, content = value if isinstance(value, tuple) else (Markup(""), value)
    return Markup("<td{}>{}</td>").format(attributes, content)
