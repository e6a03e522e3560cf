"""One question in all languages at once, with both checkpoints: where each answer is, whatever language is asked in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .answers import Answer
from .checkpoints import title_of
from .compare_views import COPY
from .heat import heat
from .languages import language_name
from .markup import Markup, details, joined, native, number, passage, percent, table, view
from .searching import Found
from .translations import Translations

Side = tuple[str, Mapping[str, Answer], Translations]


def translations_view(sides: Sequence[Side], address: str = "") -> str:
    """One question in all languages.

    Args:
        sides: name of a checkpoint, language -> search, and the comparison of these; one or two.
        address: that opens it again.
    """
    found = sides[0][2]
    pool_size = next(iter(sides[0][1].values())).found.searched
    return view(
        "One question in all languages",
        Markup(
            '<p class="xd-lead" role="status">People who ask the same should find the same. Then the {} answers would take the first {} places for '
            "everybody, a mean place of {}. {}</p>"
        ).format(
            len(found.languages),
            len(found.languages),
            number(found.ideal, 0 if found.ideal == int(found.ideal) else 1),
            Markup(" ").join(
                Markup("With <b>{}</b> it is <b>{}</b>, and two people share <b>{}</b> of their first {}.").format(
                    title_of(name), number(one.mean_rank, 1), percent(one.mean_overlap), one.k
                )
                for name, _, one in sides
            ),
        ),
        Markup(
            '<p class="xd-note">A row is the language that is asked in, a column the language of an answer, the number its place among {} passages. '
            "Strong colour is good. A strong diagonal alone means: the search finds its own language and little else.</p>"
        ).format(f"{pool_size:,}"),
        Markup('<div class="xd-two">{}</div>').format(
            joined(
                Markup("<div><h2>{}</h2>{}</div>").format(title_of(name), _rank_table(one, pool_size, title_of(name)))
                for name, _, one in sides
            )
        ),
        details(
            "How alike are the result lists?",
            Markup(
                '<p class="xd-note">The share of the first {} results that two languages have in common, in percent.</p><div class="xd-two">{}</div>'
            ).format(
                found.k,
                joined(
                    Markup("<div><h3>{}</h3>{}</div>").format(title_of(name), _overlap_table(one, title_of(name)))
                    for name, _, one in sides
                ),
            ),
        ),
        details(
            "The question in every language, and what comes first",
            joined(_first(tag, answer) for tag, answer in sides[-1][1].items()),
        ),
        COPY if address else "",
        address=address,
    )


def _rank_table(found: Translations, pool_size: int, title: str) -> Markup:
    ideal = found.ranks.shape[1]
    rows = [
        [
            native(tag),
            *(
                (heat(_closeness(place, ideal, pool_size), row == column), f"{place:,}" if place else "–")
                for column, place in enumerate(places)
            ),
        ]
        for row, (tag, places) in enumerate(zip(found.languages, found.ranks.tolist(), strict=True))
    ]
    caption = f"{title}: place of each answer"
    return table(caption, ["", *map(native, found.languages)], rows, kind="xd-matrix", corner=False)


def _overlap_table(found: Translations, title: str) -> Markup:
    rows = [
        [native(tag), *((heat(share, row == column), f"{100 * share:.0f}") for column, share in enumerate(shares))]
        for row, (tag, shares) in enumerate(zip(found.languages, found.overlap.tolist(), strict=True))
    ]
    caption = f"{title}: common results, in percent"
    return table(caption, ["", *map(native, found.languages)], rows, kind="xd-matrix", corner=False)


def _closeness(place: int, ideal: int, pool_size: int) -> float:
    """1 within the places that the answers would fill if all were in front, falling with the logarithm of the place to
    0 at the end.
    """
    if place <= ideal:
        return 1.0 if place else 0.0
    return 1 - math.log(place / ideal) / math.log(max(pool_size / ideal, 2))


def _first(tag: str, answer: Answer) -> Markup:
    found: Found = answer.found
    best = found.hits[0]
    verdict = "right" if best.is_answer else "not right"
    return Markup('<h3>{}</h3>{}<p class="xd-note">First result, in {}, {}:</p>{}').format(
        language_name(tag),
        passage(answer.question.text, tag),
        language_name(found.pool.languages[best.row]),
        verdict,
        passage(found.pool.texts[best.row], found.pool.languages[best.row]),
    )
