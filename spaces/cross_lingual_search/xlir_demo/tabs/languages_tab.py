"""One question of the data, asked in all languages at once."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..checkpoints import HYBRID
from ..page_views import PageViews
from .inputs import QUICK, checkpoint_choice

_INTRODUCTION = """\
<div class="xd"><p class="xd-note">A question of the data is asked in every language. People who ask the same should find the same: do they?</p></div>
"""


def build_languages_tab(views: PageViews) -> dict[str, Any]:
    """Build the tab; returns its components by name."""
    answers = views.answers
    first = answers.facts.after(None).id
    gr.HTML(_INTRODUCTION)
    with gr.Row():
        fact = gr.Dropdown(
            [(one.questions.get("en", one.id), one.id) for one in answers.facts.facts.values()],
            value=first,
            label="Question",
            info="Type to find one",
            num_choices_shown=None,
            scale=3,
        )
        checkpoint = checkpoint_choice(answers, "Checkpoint", HYBRID)
    view = gr.HTML(views.translations(first, HYBRID), elem_id="languages-view")
    gr.on([fact.input, checkpoint.input], views.translations, [fact, checkpoint], [view], **QUICK)
    return {"fact": fact, "checkpoint": checkpoint, "view": view}
