"""Two checkpoints side by side, and one question in all languages: the words around the pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .answers import Answer
from .checkpoints import title_of
from .comparing import Comparison
from .languages import language_name
from .markup import Markup, joined, native, number, passage, percent, table, view
from .result_views import language_of_question, mix_table
from .searching import Found
from .slope_chart import slope_chart, slope_table
from .translations import Translations


def comparison_view(first: Answer, second: Answer, comparison: Comparison, address: str = "") -> str:
    """Two searches for one question.

    Args:
        first: with the checkpoint on the left.
        second: with the one on the right.
        comparison: of the two.
        address: link that opens it again.
    """
    titles = title_of(first.checkpoint), title_of(second.checkpoint)
    what = "the right answer in each language" if comparison.of_answers else "the passages that either puts first"
    link = Markup('<p class="xd-note"><a href="{}">Link to this comparison</a></p>').format(address) if address else ""
    return view(
        "Comparison",
        Markup('<p class="xd-lead">{} {}</p>').format(language_of_question(first), _moved(comparison, titles)),
        Markup('<div class="xd-two"><div><h2>Where is {}?</h2>').format(what),
        Markup(
            '<p class="xd-note">Each line is one passage, from its place with <b>{}</b> (left) to its place with <b>{}</b> (right); 1 is the top. '
            "Solid lines rise, dashed lines fall.</p>"
        ).format(*titles),
        slope_chart(comparison.movements, *titles, comparison.first.searched),
        Markup("<details><summary>The same as a table</summary>{}</details></div>").format(
            slope_table(comparison.movements, *titles)
        ),
        Markup("<div><h2>Which languages come first?</h2>"),
        _own_share(first, second, titles),
        mix_table(
            [(f"with {title}", answer.found) for title, answer in zip(titles, (first, second), strict=True)],
            first.question.language,
        ),
        Markup(
            '<p class="xd-note">The line in each bar is the share of the language among all passages. {} of the {} results are the same.</p>'
        ).format(comparison.shared, len(comparison.first.hits)),
        Markup("</div></div>"),
        link,
    )


def translations_view(answers: Mapping[str, Answer], found: Translations, address: str = "") -> str:
    """One question in all languages.

    Args:
        answers: language -> search.
        found: the comparison of the searches.
        address: link that opens it again.
    """
    pool_size = next(iter(answers.values())).found.searched
    number_of = len(found.languages)
    link = Markup('<p class="xd-note"><a href="{}">Link to this question</a></p>').format(address) if address else ""
    return view(
        "One question in all languages",
        Markup(
            '<p class="xd-lead">If the language did not matter, the {} answers would take the first {} places whatever language the question is '
            "in: a mean place of {}. <b>It is {}</b>. Two questions would have all of their first {} results in "
            "common: <b>it is {} on average</b>.</p>"
        ).format(
            number_of,
            number_of,
            number(found.ideal, 0 if found.ideal == int(found.ideal) else 1),
            number(found.mean_rank, 1),
            found.k,
            percent(found.mean_overlap),
        ),
        Markup("<h2>Where is each answer?</h2>"),
        Markup(
            '<p class="xd-note">A row is a language of the question, a column a language of the answer; the number is the place of that answer '
            "among {} passages. Dark is good. A dark diagonal alone means: the search finds its own language and "
            "little else.</p>"
        ).format(f"{pool_size:,}"),
        _rank_table(found, pool_size),
        Markup("<h2>How alike are the result lists?</h2>"),
        Markup(
            '<p class="xd-note">The share of the first {} results that two questions have in common. 100 everywhere would mean that everyone finds '
            "the same, whatever language they ask in.</p>"
        ).format(found.k),
        _overlap_table(found),
        Markup("<details><summary>The question in every language, and what comes first</summary>{}</details>").format(
            joined(_first(tag, answer) for tag, answer in answers.items())
        ),
        link,
    )


def _moved(comparison: Comparison, titles: tuple[str, str]) -> Markup:
    if not comparison.of_answers:
        return Markup(
            "What is right is not known for a question of your own, so these are the passages that either puts first."
        )
    before, after = (
        sum(place <= len(found.hits) for place in found.answers.values())
        for found in (comparison.first, comparison.second)
    )
    total, k = len(comparison.movements), len(comparison.first.hits)
    return Markup(
        "The right answer is there in {} languages. Among the first {} results, <b>{}</b> has <b>{}</b> of them, "
        "<b>{}</b> has <b>{}</b>."
    ).format(total, k, titles[0], before, titles[1], after)


def _own_share(first: Answer, second: Answer, titles: tuple[str, str]) -> Markup:
    tag = first.question.language
    if tag not in first.found.pool_mix:
        return Markup("")
    shares = [percent(answer.found.mix.get(tag, 0.0)) for answer in (first, second)]
    return Markup(
        '<p class="xd-note">Results in {}, the language of the question: <b>{}</b> with {}, <b>{}</b> with {}; of all passages it is {}.</p>'
    ).format(language_name(tag), shares[0], titles[0], shares[1], titles[1], percent(first.found.pool_mix[tag]))


def _rank_table(found: Translations, pool_size: int) -> Markup:
    ideal = found.ranks.shape[1]
    rows = [
        [
            native(tag),
            *(
                (_shade(_closeness(place, ideal, pool_size), row == column), f"{place:,}" if place else "–")
                for column, place in enumerate(places)
            ),
        ]
        for row, (tag, places) in enumerate(zip(found.languages, found.ranks.tolist(), strict=True))
    ]
    head = ["question \\ answer", *map(native, found.languages)]
    return table(
        "Place of the answer in each language, for the question in each language", head, rows, kind="xd-matrix"
    )


def _overlap_table(found: Translations) -> Markup:
    rows = [
        [native(tag), *((_shade(share, row == column), f"{100 * share:.0f}") for column, share in enumerate(shares))]
        for row, (tag, shares) in enumerate(zip(found.languages, found.overlap.tolist(), strict=True))
    ]
    head = ["question \\ question", *map(native, found.languages)]
    return table(f"Common results among the first {found.k}, in percent", head, rows, kind="xd-matrix")


def _closeness(place: int, ideal: int, pool_size: int) -> float:
    """1 within the places that the answers would fill if all were in front, falling with the logarithm of the place to
    0 at the end.
    """
    if place <= ideal:
        return 1.0 if place else 0.0
    return 1 - math.log(place / ideal) / math.log(max(pool_size / ideal, 2))


def _shade(value: float, own: bool) -> Markup:
    # One hue, light enough for dark text throughout (contrast of 5 and more); the number itself says everything.
    return Markup(' class="{}" style="background:hsl(205 65% {}%);color:#111"').format(
        "xd-own" if own else "", f"{97 - 42 * max(0.0, min(1.0, value)):.0f}"
    )


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
