"""The results of a search, and the languages that they are in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .answers import Answer
from .languages import language_name
from .markup import Markup, badge, joined, passage, percent, table, view
from .searching import Found, Hit


def results_view(answer: Answer, address: str = "") -> str:
    """A whole search.

    Args:
        answer: the search.
        address: link that opens it again; empty for none.
    """
    hits = joined(_hit(hit, answer.found) for hit in answer.found.hits)
    return view(
        "Results",
        Markup('<p class="xd-lead">{} {}</p>').format(language_of_question(answer), verdict(answer.found)),
        Markup('<div class="xd-aside"><ol class="xd-hits">{}</ol><div>').format(hits),
        Markup("<h2>Which languages come first?</h2>"),
        mix_note(answer),
        mix_table([("of the results", answer.found)], answer.question.language),
        Markup("</div></div>"),
        _foot(answer, address),
    )


def language_of_question(answer: Answer) -> Markup:
    """The language that the question was taken to be in."""
    question = answer.question
    if question.language is None:
        return Markup("The language of the question could not be guessed.")
    how = " (a guess: if it is wrong, choose another above)" if question.guessed else ""
    return Markup("Your question is in <b>{}</b>{}.").format(language_name(question.language), how)


def verdict(found: Found) -> Markup:
    """How many of the known answers came first, in words."""
    if not found.answers:
        return Markup("What is right is not known for a question of your own: judge for yourself.")
    right = sum(bool(hit.is_answer) for hit in found.hits)
    last = max(found.answers.values())
    return Markup(
        "The right answer is in the pool {} times, once in every language. <b>{} of the first {} results are "
        "right</b>; the last of the {} is at place {} of {}."
    ).format(len(found.answers), right, len(found.hits), len(found.answers), f"{last:,}", f"{found.searched:,}")


def mix_note(answer: Answer) -> Markup:
    """What the language of the question has to do with that of the results."""
    tag, found = answer.question.language, answer.found
    if tag not in found.pool_mix:
        return Markup('<p class="xd-note">The line in each bar is the share of the language among all passages.</p>')
    return Markup(
        '<p class="xd-note"><b>{}</b> of the results are in {}, the language of the question; of all passages, it is {} (the line in each bar). '
        "A search that only minds the meaning would have about the same share in both.</p>"
    ).format(percent(found.mix.get(tag, 0.0)), language_name(tag), percent(found.pool_mix[tag]))


def mix_table(columns: Sequence[tuple[str, Found]], own: str | None) -> Markup:
    """Share of each language among the results of some searches, against its share of the pool.

    Args:
        columns: title and search; all of one pool.
        own: language of the question, which is marked.
    """
    pool_mix = columns[0][1].pool_mix
    tags = [tag for tag in pool_mix if len(pool_mix) <= 15 or any(found.mix.get(tag) for _, found in columns)]
    rows: list[list[Any]] = []
    for tag in tags:
        name = Markup("<b>{}</b> (question)").format(language_name(tag)) if tag == own else language_name(tag)
        bars = [_bar(found.mix.get(tag, 0.0), pool_mix[tag]) for _, found in columns]
        rows.append([name, *bars, percent(pool_mix[tag])])
    head = ["Language", *(f"Share {title}" for title, _ in columns), "Share of all passages"]
    k = len(columns[0][1].hits)
    return table(f"Languages of the first {k} results and of all passages", head, rows, kind="xd-mix")


def _bar(share: float, pool: float) -> tuple[Markup, Markup]:
    bar = Markup(
        '<span class="xd-bar" aria-hidden="true"><i style="width:{}%"></i><u style="left:{}%"></u></span><span>{}</span>'
    ).format(f"{100 * share:.1f}", f"{100 * pool:.1f}", percent(share))
    return Markup(""), bar


def _hit(hit: Hit, found: Found) -> Markup:
    pool, tag = found.pool, found.pool.languages[hit.row]
    mark = Markup('<span class="xd-right">✓ right answer</span>') if hit.is_answer else ""
    marked = pool.answers[hit.row] if hit.is_answer else ""
    return Markup(
        '<li class="xd-hit{}"><div class="xd-head"><span class="xd-rank" aria-hidden="true">{}</span>{}{}'
        '<span class="xd-score">closeness {}</span></div>{}</li>'
    ).format(
        Markup(" xd-gold") if hit.is_answer else "",
        hit.rank,
        badge(tag),
        mark,
        f"{hit.score:.2f}",
        passage(pool.texts[hit.row], tag, marked),
    )


def _foot(answer: Answer, address: str) -> Markup:
    link = Markup(' <a href="{}">Link to this search</a>').format(address) if address else ""
    return Markup(
        '<p class="xd-note">Compared with {} passages in {} milliseconds. Closeness is the cosine of the angle between the question and the '
        "passage: 1 is the same direction, 0 is nothing in common.{}</p>"
    ).format(f"{answer.found.searched:,}", f"{answer.milliseconds:.0f}", link)
