"""Results as accessible HTML. Every text is escaped here: what `gr.HTML` is given is executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from hf_hybrid.evaluation.figures import ARMS, MAIN, METRIC_PAGE, SETTINGS, column_of, columns, find_figure

CSS = """
.xlir figure { margin: 0 0 1.25rem; overflow-x: auto; }
.xlir table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.xlir caption { text-align: start; font-weight: 600; padding: 0 0 .4rem; }
.xlir th, .xlir td { padding: .35rem .6rem; border: 1px solid var(--border-color-primary, #c9ccd1); }
.xlir td { text-align: end; }
.xlir th[scope=row] { text-align: start; font-weight: 500; }
.xlir td.own { outline: 2px solid currentColor; outline-offset: -3px; }
.xlir .key { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0 0 1.25rem; padding: 0; }
.xlir .key div { border: 1px solid var(--border-color-primary, #c9ccd1); border-radius: .5rem; padding: .6rem .8rem; }
.xlir .key dt { font-size: .85rem; }
.xlir .key dd { margin: 0; font-size: 1.7rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.xlir [role=alert] { border-inline-start: 4px solid #b3261e; padding: .6rem .8rem; }
.xlir p.note { max-width: 60rem; }
.xlir.settings { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem; max-width: 60rem; --bar: #2f74b8; }
.dark .xlir.settings { --bar: #4f8fd0; }
.xlir.settings figure { margin: 0; overflow: visible; }
.xlir.settings svg { width: 100%; max-width: 16rem; height: auto; display: block; }
.xlir.settings text { font-size: 13px; fill: var(--body-text-color); }
.xlir.settings .ask, .xlir.settings .in { fill: var(--bar); }
.xlir.settings .ask { fill: #0b5cad; }
.xlir.settings text.on { fill: #fff; font-weight: 600; }
.xlir.settings .out { fill: none; stroke: var(--border-color-primary, #c9ccd1); stroke-dasharray: 3 3; }
.xlir.settings .arrow { fill: none; stroke: var(--body-text-color); stroke-width: 2; }
.xlir.settings figcaption { font-size: .9rem; }

"""

_KEY = tuple(f"{setting}_{MAIN}" for setting in SETTINGS)
_ABOUT_MAP = (
    "mAP, mean average precision, lies between 0 and 1. 1 means that every right answer stands above every wrong one, "
    "for every query. In the matrix, a row is a language of the queries and a column the only language that is "
    "searched; dark is good."
)
_ABOUT_BIAS = "Language bias: how far apart the search puts the same answer in different languages, and how much it favours the language of the query."


def result_html(result: Mapping[str, Any]) -> str:
    """The whole result of the metric's configuration ``ranks``.

    Args:
        result: from `hf_hybrid.metric.output.compute_metric`.
    """
    parts = [_key_figures(result), _note(_ABOUT_MAP), _matrix(result), _per_language(result)]
    if bias := _bias(result):
        parts += [_note(_ABOUT_BIAS), bias]
    parts += [_note(_sentence(note)) for note in result["notes"]]
    return f'<div class="xlir" aria-live="polite">{"".join(parts)}</div>'


def error_html(message: str) -> str:
    """A mistake in the input, announced to screen readers."""
    return f'<div class="xlir"><p role="alert">{escape(message)}</p></div>'


def _key_figures(result: Mapping[str, Any]) -> str:
    items = "".join(
        f"<div><dt>{escape(column.title)}</dt><dd>{_number(result.get(column.key), column.decimals)}</dd></div>"
        for column in (column_of(name, METRIC_PAGE) for name in _KEY)
    )
    return f'<dl class="key" aria-label="mAP in the three settings">{items}</dl>'


def _matrix(result: Mapping[str, Any]) -> str:
    languages = result["languages"]
    rows = []
    for row, (tag, cells) in enumerate(zip(languages, result["matrix"], strict=True)):
        values = "".join(_cell(value, row == column) for column, value in enumerate(cells))
        rows.append(f'<tr><th scope="row">{_tag(tag)}</th>{values}</tr>')
    head = "".join(f'<th scope="col">{_tag(tag)}</th>' for tag in languages)
    return _table(
        "mAP of every query language (row) in the candidates of every language (column); same-language cells are "
        "framed",
        f'<tr><th scope="col">query \\ candidate</th>{head}</tr>',
        rows,
    )


def _cell(value: float | None, own: bool) -> str:
    # One hue, always light enough for dark text (contrast of 6.8 and more); the number itself says everything.
    style = "" if value is None else f' style="background:hsl(210 60% {97 - 35 * value:.0f}%);color:#111"'
    return f"<td{' class=own' if own else ''}{style}>{_number(value, 4)}</td>"


def _per_language(result: Mapping[str, Any]) -> str:
    titles = {column.key: column.title for column in columns(ARMS)}
    shown = [column_of(name, METRIC_PAGE) for name in titles]
    rows = []
    for tag in result["languages"]:
        figures = result["per_language"].get(tag, {})
        values = "".join(f"<td>{_number(figures.get(column.key), column.decimals)}</td>" for column in shown)
        rows.append(f'<tr><th scope="row">{_tag(tag)}</th>{values}</tr>')
    head = "".join(f'<th scope="col">{escape(title[:1].upper() + title[1:])}</th>' for title in titles.values())
    return _table("By query language", f'<tr><th scope="col">language</th>{head}</tr>', rows)


def _bias(result: Mapping[str, Any]) -> str:
    rows = [
        f'<tr><th scope="row">{escape(column.title)}</th><td>{_number(result[column.key], column.decimals)}</td>'
        f'<td style="text-align:start">{escape(find_figure(column.key).reading)}</td></tr>'
        for column in columns(METRIC_PAGE)
        if column.key in result and column.key not in _KEY
    ]
    head = '<tr><th scope="col">measure</th><th scope="col">value</th><th scope="col">reading</th></tr>'
    return _table("Language bias in the pool of all languages", head, rows) if rows else ""


def _table(caption: str, head: str, rows: Sequence[str]) -> str:
    # A table that scrolls must be reachable from the keyboard.
    return (
        f'<figure tabindex="0" role="group" aria-label="{escape(caption)}"><table><caption>{escape(caption)}</caption>'
        f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></figure>"
    )


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _tag(tag: str) -> str:
    return f'<bdi translate="no">{escape(tag)}</bdi>'


def _number(value: float | None, digits: int) -> str:
    return '<span aria-label="no value">–</span>' if value is None else f"{value:,.{digits}f}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
