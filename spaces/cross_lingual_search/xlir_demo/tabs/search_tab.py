"""One question, the passages of all languages."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from ..answers import GUESS
from ..checkpoints import CHECKPOINTS, HYBRID
from ..languages import language_name
from ..limits import DEFAULT_RESULTS
from ..markup import Markup, joined
from ..page_views import PageViews
from .inputs import QUICK, checkpoint_choice, language_buttons, language_choice, question_box, results_choice

FIRST_LANGUAGE = "en"


def build_search_tab(views: PageViews) -> dict[str, Any]:
    """Build the tab.

    Returns:
        Its components by name, for links that open it.
    """
    answers = views.answers
    example = answers.facts.after(None).questions[FIRST_LANGUAGE]
    with gr.Row(equal_height=True):
        question = question_box("search-question", value=example)
        button = gr.Button("Search", variant="primary", scale=1, min_width=120, elem_classes="xd-go")
    gr.HTML('<p class="xd xd-label">The same question in another language, or another question:</p>')
    chips = language_buttons(answers)
    other = gr.Button("Another question", size="sm", elem_classes="xd-other")
    with gr.Accordion("More choices", open=False):
        with gr.Row():
            checkpoint = checkpoint_choice(answers, "Checkpoint", HYBRID)
            language = language_choice(answers)
            results = results_choice("search-results")
        only = gr.CheckboxGroup(
            [(language_name(tag), tag) for tag in answers.languages],
            value=answers.languages,
            label="Search passages in",
        )
        gr.HTML(_checkpoints())
    view = gr.HTML(views.search(example, GUESS, HYBRID, [], DEFAULT_RESULTS), elem_id="search-view")

    choices = [question, language, checkpoint, only, results]
    gr.on([button.click, question.submit], views.search, choices, [view], **QUICK)
    changed = [language.input, checkpoint.input, only.input, results.input]
    gr.on(changed, views.search, choices, [view], trigger_mode="always_last", **QUICK)
    for tag, chip in chips.items():
        chip.click(partial(_ask_in, views, tag), choices, [question, language, view], **QUICK)
    other.click(partial(_ask_another, views), choices, [question, language, view], **QUICK)
    return {
        "question": question,
        "language": language,
        "checkpoint": checkpoint,
        "only": only,
        "results": results,
        "view": view,
    }


def _ask_in(
    views: PageViews, tag: str, question: str, language: str, checkpoint: str, only: list[str], results: int
) -> tuple[str, str, str]:
    """The question that stands there in another language, or an example in it where it is not one of the data's."""
    words = _fact(views, question).questions[tag]
    return words, GUESS, views.search(words, GUESS, checkpoint, only, results)


def _ask_another(
    views: PageViews, question: str, language: str, checkpoint: str, only: list[str], results: int
) -> tuple[str, str, str]:
    """The next example, in the language of the question that stands there."""
    known = views.answers.facts.recognise(question or "")
    words = views.answers.facts.after(known[0] if known else None).questions[known[1] if known else FIRST_LANGUAGE]
    return words, GUESS, views.search(words, GUESS, checkpoint, only, results)


def _fact(views: PageViews, question: str):
    facts = views.answers.facts
    known = facts.recognise(question or "")
    return facts.facts[known[0]] if known else facts.after(None)


def _checkpoints() -> str:
    items = joined(
        Markup("<li><b>{}</b> (<code>{}</code>): {}</li>").format(one.title, one.name, one.training)
        for one in CHECKPOINTS
    )
    return "".join(
        Markup(
            '<div class="xd"><p class="xd-note">The checkpoints are one small model, trained in three ways:</p><ul>{}</ul></div>'
        ).format(items)
    )
