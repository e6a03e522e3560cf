"""The languages of the results as bars against the share that a fair list would have."""

from __future__ import annotations

from collections.abc import Sequence

from .languages import language_name
from .markup import Markup, percent, table
from .searching import Found


def language_bars(columns: Sequence[tuple[str, Found]], own: str | None) -> Markup:
    """Share of each language among the results of some searches, against its share of the pool.

    Args:
        columns: title and search; all of one pool.
        own: language of the question, which is marked.
    """
    pool_mix = columns[0][1].pool_mix
    tags = [tag for tag in pool_mix if len(pool_mix) <= 15 or any(found.mix.get(tag) for _, found in columns)]
    rows = []
    for tag in tags:
        name = Markup("<b>{}</b> (question)").format(language_name(tag)) if tag == own else language_name(tag)
        bars = [_bar(found.mix.get(tag, 0.0), pool_mix[tag]) for _, found in columns]
        rows.append([name, *bars, percent(pool_mix[tag])])
    k = len(columns[0][1].hits)
    head = ["Language", *(title for title, _ in columns), "A fair list"]
    return table(
        f"Languages of the first {k} results; the line is the share of all passages", head, rows, kind="xd-mix"
    )


def _bar(share: float, pool: float) -> tuple[Markup, Markup]:
    bar = Markup(
        '<span class="xd-bar" aria-hidden="true"><i style="width:{}%"></i><u style="left:{}%"></u></span><span>{}</span>'
    ).format(f"{100 * share:.1f}", f"{100 * pool:.1f}", percent(share))
    return Markup(""), bar
