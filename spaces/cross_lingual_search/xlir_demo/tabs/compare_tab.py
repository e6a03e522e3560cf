"""One question, two checkpoints."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..answers import GUESS
from ..checkpoints import HYBRID, MONOLINGUAL
from ..page_views import PageViews
from .inputs import QUICK, checkpoint_choice, language_buttons, language_choice, question_box
from .search_tab import FIRST_LANGUAGE

_INTRODUCTION = """\
<div class="xd"><p class="xd-note">The same small model, trained in two ways on the same texts. Trained with one language at a time, a model also learns to tell languages
apart, which helps passages in the language of the question. Hybrid training is meant to mend that without losing what works. For a single question the difference can go either
way; the tab Benchmark has thousands.</p></div>
"""


def build_compare_tab(views: PageViews) -> dict[str, Any]:
    """Build the tab; returns its components by name."""
    answers = views.answers
    example = answers.facts.after(None).questions[FIRST_LANGUAGE]
    gr.HTML(_INTRODUCTION)
    with gr.Row(equal_height=True):
        question = question_box("compare-question", value=example)
        button = gr.Button("Compare", variant="primary", scale=1, min_width=120, elem_classes="xd-go")
    gr.HTML('<p class="xd xd-label">The same question in another language:</p>')
    chips = language_buttons(answers)
    with gr.Row():
        first = checkpoint_choice(answers, "On the left", MONOLINGUAL)
        second = checkpoint_choice(answers, "On the right", HYBRID)
        language = language_choice(answers)
    view = gr.HTML(views.compare(example, GUESS, first.value, second.value), elem_id="compare-view")

    choices = [question, language, first, second]
    gr.on([button.click, question.submit], views.compare, choices, [view], **QUICK)
    gr.on([language.input, first.input, second.input], views.compare, choices, [view], **QUICK)

    def ask_in(tag: str):
        def ask(words: str, _: str, left: str, right: str) -> tuple[str, str, str]:
            known = answers.facts.recognise(words or "")
            fact = answers.facts.facts[known[0]] if known else answers.facts.after(None)
            return fact.questions[tag], GUESS, views.compare(fact.questions[tag], GUESS, left, right)

        return ask

    for tag, chip in chips.items():
        chip.click(ask_in(tag), choices, [question, language, view], **QUICK)
    return {"question": question, "language": language, "first": first, "second": second, "view": view}
