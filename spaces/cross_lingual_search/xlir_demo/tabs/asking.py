"""The question that all tabs are about, with everything that can be chosen for it, and the examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ..examples import KINDS, Example
from ..languages import language_name
from ..limits import DEFAULT_RESULTS
from ..markup import Markup, joined
from ..overview_views import card_text
from ..page_views import PageViews
from ..questions import GUESS
from .inputs import checkpoint_choice, language_buttons, language_choice, question_box, results_choice


@dataclass(frozen=True)
class Panel:
    """The components of the question.

    Attributes:
        question: its box.
        go: asks it.
        chips: ask it in another language.
        other: asks another one.
        cards: buttons with examples.
        before: checkpoint on the left.
        after: checkpoint on the right.
        language: of the question.
        only: languages to search in.
        k: number of results.
    """

    question: gr.Textbox
    go: gr.Button
    chips: dict[str, gr.Button]
    other: gr.Button
    cards: list[tuple[Example, gr.Button]]
    before: gr.Dropdown
    after: gr.Dropdown
    language: gr.Dropdown
    only: gr.CheckboxGroup
    k: gr.Slider

    @property
    def choices(self) -> list[Any]:
        """What a search depends on."""
        return [self.question, self.language, self.before, self.after, self.only, self.k]


def build_panel(views: PageViews) -> Panel:
    """Build the part of the page above the tabs."""
    answers = views.answers
    with gr.Row(equal_height=True):
        question = question_box(views.first_question())
        go = gr.Button("Search", variant="primary", scale=1, min_width=120, elem_classes="xd-go")
    gr.HTML(
        '<p class="xd xd-label">The same question in another language (built-in questions only), or another question:</p>'
    )
    with gr.Row(elem_classes="xd-chips"):
        chips = language_buttons(answers)
        other = gr.Button("Another question", size="sm", min_width=0, elem_classes="xd-other")
    with gr.Row(elem_classes="xd-folds"):
        cards = _cards(views)
        with gr.Accordion("Checkpoints, results, languages", open=False, elem_classes="xd-fold"):
            with gr.Row():
                before = checkpoint_choice(answers, "Before", answers.before)
                after = checkpoint_choice(answers, "After", answers.after)
                k = results_choice()
            with gr.Row():
                language = language_choice(answers)
                only = gr.CheckboxGroup(
                    [(language_name(tag), tag) for tag in answers.languages],
                    value=answers.languages,
                    label="Search passages in",
                    scale=3,
                )
    return Panel(question, go, chips, other, cards, before, after, language, only, k)


def _cards(views: PageViews) -> list[tuple[Example, gr.Button]]:
    found = []
    if not views.measured.examples:
        return found
    note = (
        "Chosen by a rule from what was measured over all built-in questions, not by hand. “Right” are the right answers "
        f"among the first {DEFAULT_RESULTS}, before → after."
    )
    with gr.Accordion("Examples: bias visible, works well, fails", open=False, elem_classes="xd-fold"):
        gr.HTML("".join(Markup('<p class="xd xd-note">{}</p>').format(note)))
        for kind, title in KINDS.items():
            gr.HTML("".join(Markup('<h2 class="xd xd-kind">{}</h2>').format(title)))
            with gr.Row(elem_classes="xd-cards"):
                for example in views.measured.examples:
                    if example.kind == kind:
                        words = views.answers.facts.facts[example.fact].questions[example.language]
                        text = card_text(example.language, words, example.right, DEFAULT_RESULTS)
                        found.append((example, gr.Button(text, size="sm", min_width=0, elem_classes="xd-card")))
    return found


def chip_updates(views: PageViews, question: str, chips: dict[str, gr.Button]) -> list[Any]:
    """Chips lead to translations of built-in questions; one's own has none."""
    fact = views.fact_of(question)
    return [gr.update(interactive=fact is not None and tag in fact.questions) for tag in chips]


def words_in(views: PageViews, question: str, tag: str) -> str:
    """The question that stands there in another language, where it is known; else as it stands."""
    fact = views.fact_of(question)
    return fact.questions.get(tag, question) if fact else question


def another(views: PageViews, question: str) -> str:
    """The next question, in the language of the one that stands there."""
    facts = views.answers.facts
    known = facts.recognise(question) if isinstance(question, str) else None
    following = facts.after(known[0] if known else None).questions
    return following.get(known[1] if known else "en") or next(iter(following.values()))


def known_words(views: PageViews, example: Example) -> tuple[str, str]:
    """Words of an example, and that its language is to be told from them."""
    return views.answers.facts.facts[example.fact].questions[example.language], GUESS


def checkpoints_note(views: PageViews) -> str:
    """How each checkpoint was trained."""
    from ..checkpoints import describe

    items = joined(
        Markup("<li><b>{}</b> (<code>{}</code>): {}</li>").format(one.title, one.name, one.training)
        for one in map(describe, views.answers.encoders)
    )
    return "".join(Markup('<div class="xd"><ul>{}</ul></div>').format(items))
