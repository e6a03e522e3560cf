"""One question with two checkpoints: two ranked lists side by side, and what moved between them."""

from __future__ import annotations

from .answers import Answer
from .checkpoints import describe, title_of
from .comparing import Comparison
from .language_bars import language_bars
from .languages import language_name
from .markup import Markup, details, joined, view
from .result_lists import counts, result_list, strip
from .slope_chart import slope_chart, slope_table
from .words import has_words

# Under every view that has an address: the page's script copies what stands in the address bar.
COPY = Markup(
    '<p class="xd-note"><button type="button" class="xd-copy" data-copy="">Copy a link to this</button> <span role="status" class="xd-copied"></span></p>'
)


def comparison_view(
    first: Answer, second: Answer, comparison: Comparison, address: str = "", copied: bool = True
) -> str:
    """Two searches for one question.

    Args:
        first: with the checkpoint on the left.
        second: with the one on the right; the same as the first where there is only one.
        comparison: of the two.
        address: that opens it again.
        copied: whether a button copies the address, which does not hold a visitor's own texts.
    """
    alone = first.checkpoint == second.checkpoint
    titles = title_of(first.checkpoint), title_of(second.checkpoint)
    roles = ("", "") if alone else ("Before: ", "After: ")
    if alone:
        sides = [_head(second, "", titles[1]), _listed(second, "", titles[1], None)]
    else:
        sides = [
            _head(first, roles[0], titles[0]),
            _head(second, roles[1], titles[1]),
            _listed(first, roles[0], titles[0], None),
            _listed(second, roles[1], titles[1], comparison.places_before),
        ]
    return view(
        "Comparison",
        Markup('<p class="xd-lead" role="status">{} {}</p>').format(language_of_question(first), _verdict(comparison)),
        _weak(first, second),
        Markup('<div class="xd-pair{}">{}</div>').format(" xd-alone" if alone else "", joined(sides)),
        *([] if alone else [_movements(comparison, titles), _mix(first, second, titles)]),
        _foot(second),
        COPY if address and copied else "",
        address=address,
    )


def language_of_question(answer: Answer) -> Markup:
    """The language that the question was taken to be in."""
    question = answer.question
    if not has_words(question.text):
        return Markup("There are <b>no words</b> in the question.")
    if question.language is None:
        return Markup(
            "The question is in <b>not one of the eleven languages</b>, or too short to tell: you can say it under “Checkpoints, results, languages”."
        )
    how = (
        ", as far as can be told (you can say it under “Checkpoints, results, languages”)" if question.guessed else ""
    )
    return Markup("Your question is in <b>{}</b>{}.").format(language_name(question.language), how)


def _verdict(comparison: Comparison) -> Markup:
    if not comparison.of_answers:
        return Markup("What is right is not known for a question of your own: judge for yourself.")
    number = len(comparison.second.answers)
    there = "once" if number == 1 else f"{number} times, once in every language"
    return Markup("The right answer is in the pool {}.").format(there)


def _weak(first: Answer, second: Answer) -> Markup:
    weak = dict.fromkeys(title_of(answer.checkpoint) for answer in (first, second) if answer.weak)
    if not weak:
        return Markup("")
    return Markup(
        '<p class="xd-message" role="status"><b>Weak match</b> with {}: nothing found is as close as what nine of ten built-in questions find. The '
        "answer may not be here, or the question is in a language that is not.</p>"
    ).format(" and ".join(weak))


def _head(answer: Answer, role: str, title: str) -> Markup:
    return Markup(
        '<div class="xd-side"><h2>{}<b>{}</b></h2><p class="xd-note">{}</p>{}<p class="xd-count">{}</p></div>'
    ).format(role, title, describe(answer.checkpoint).training, strip(answer.found), counts(answer))


def _listed(answer: Answer, role: str, title: str, before: dict[int, int] | None) -> Markup:
    number = len(answer.found.hits)
    name = f"{role}{title}, the first {number}"
    return Markup('<div class="xd-listed"><h3>{}</h3>{}</div>').format(name, result_list(answer, name, before))


def _movements(comparison: Comparison, titles: tuple[str, str]) -> Markup:
    what = "Where did each right answer go?" if comparison.of_answers else "Where did the first passages of both go?"
    return details(
        what,
        Markup(
            '<p class="xd-note">Each line is one passage, from its place with <b>{}</b> (left) to its place with <b>{}</b> (right); 1 is the top. '
            "Solid lines rise, dashed lines fall.</p>"
        ).format(*titles),
        slope_chart(comparison.movements, *titles, comparison.first.searched),
        slope_table(comparison.movements, *titles),
    )


def _mix(first: Answer, second: Answer, titles: tuple[str, str]) -> Markup:
    return details(
        "Which languages are the results in?",
        language_bars(list(zip(titles, (first.found, second.found), strict=True)), first.question.language),
    )


def _foot(answer: Answer) -> Markup:
    return Markup(
        '<p class="xd-note">Compared with {} passages in {} milliseconds. Closeness is the cosine of the angle between question and passage: 1 is the '
        "same direction. Two checkpoints use different parts of that scale.</p>"
    ).format(f"{answer.found.searched:,}", f"{answer.milliseconds:.0f}")
