"""Lists of results: a stripe and a badge for the language, right answers marked, where each was before."""

from __future__ import annotations

from collections.abc import Mapping

from .answers import Answer
from .languages import language_name
from .markup import Markup, badge, colour, joined, passage, percent
from .searching import Found, Hit


def strip(found: Found) -> Markup:
    """The languages of the first results as coloured blocks, one beside the other, right ones with a mark."""
    blocks = joined(
        Markup('<i class="{}">{}</i>').format(colour(found.pool.languages[hit.row]), "✓" if hit.is_answer else "")
        for hit in found.hits
    )
    names = ", ".join(language_name(found.pool.languages[hit.row]) for hit in found.hits)
    return Markup(
        '<div class="xd-strip" role="img" aria-label="Languages of the results, in order: {}">{}</div>'
    ).format(names, blocks)


def counts(answer: Answer) -> Markup:
    """How many of the results are right, and how many are in the question's language."""
    found, tag = answer.found, answer.question.language
    number, parts = len(found.hits), []
    if found.answers:
        right = sum(bool(hit.is_answer) for hit in found.hits)
        parts.append(Markup("<b>{} of {}</b> right").format(right, number))
    if tag in found.pool_mix:
        own = round(found.mix.get(tag, 0.0) * number)
        fair = percent(found.pool_mix[tag])
        parts.append(
            Markup("<b>{}</b> in {} (a fair list: {})").format(percent(own / number), language_name(tag), fair)
        )
    return Markup(" · ").join(parts)


def result_list(answer: Answer, label: str, before: Mapping[int, int] | None = None) -> Markup:
    """The results as a list.

    Args:
        answer: the search.
        label: name of the list for screen readers.
        before: row -> place with the other checkpoint; None for no word about it.
    """
    hits = joined(_hit(hit, answer, before) for hit in answer.found.hits)
    weak = " xd-weak" if answer.weak else ""
    return Markup('<ol class="xd-hits{}" aria-label="{}">{}</ol>').format(weak, label, hits)


def moved(now: int, before: int) -> Markup:
    """Where a result was before, if it was elsewhere.

    Example:
        >>> moved(2, 14).striptags(), moved(3, 3)
        ('▲ was place 14', Markup(''))
    """
    if now == before:
        return Markup("")
    kind, sign = ("xd-rose", "▲") if now < before else ("xd-fell", "▼")
    return Markup('<span class="{}"><span aria-hidden="true">{}</span> was place {}</span>').format(
        kind, sign, f"{before:,}"
    )


def _hit(hit: Hit, answer: Answer, before: Mapping[int, int] | None) -> Markup:
    pool, tag = answer.found.pool, answer.found.pool.languages[hit.row]
    marks = [Markup('<span class="xd-right">✓ right answer</span>')] if hit.is_answer else []
    if before is not None and hit.row in before:
        marks.append(moved(hit.rank, before[hit.row]))
    if answer.weak:
        marks.append(Markup('<span class="xd-far">weak match</span>'))
    gloss = pool.gloss(hit.row)
    return Markup(
        '<li class="xd-hit {}{}"><div class="xd-head"><span class="xd-rank" aria-hidden="true">{}</span>{}{}'
        '<span class="xd-score">closeness {}</span></div>{}{}</li>'
    ).format(
        colour(tag),
        Markup(" xd-gold") if hit.is_answer else "",
        hit.rank,
        badge(tag),
        joined(marks),
        f"{hit.score:.2f}",
        passage(pool.texts[hit.row], tag, pool.answers[hit.row] if hit.is_answer else ""),
        Markup('<p class="xd-gloss" lang="en" dir="ltr">In English: {}</p>').format(gloss) if gloss else "",
    )
