"""The measured numbers."""

from __future__ import annotations

from typing import Any

import gradio as gr

from hf_hybrid.publishing.cards.titles import benchmark_title

from ..page_views import PageViews
from .inputs import QUICK, checkpoint_choice

_INTRODUCTION = """\
<div class="xd"><p class="xd-note">One question proves nothing. These are the same searches for thousands of questions, read from the files that the measurements wrote.</p></div>
"""


def build_benchmark_tab(views: PageViews) -> list[Any]:
    """Build the tab; returns what its view depends on, and the view."""
    names = views.published.benchmarks
    gr.HTML(_INTRODUCTION)
    with gr.Row(visible=bool(names)):
        benchmark = gr.Dropdown(
            [(benchmark_title(name), name) for name in names],
            value=names[0] if names else None,
            label="Set of questions",
            filterable=False,
        )
        checkpoint = checkpoint_choice(views.answers, "Checkpoint of the matrix", views.answers.after)
    view = gr.HTML(views.benchmark(names[0] if names else None, views.answers.after), elem_id="benchmark-view")
    gr.on([benchmark.input, checkpoint.input], views.benchmark, [benchmark, checkpoint], [view], **QUICK)
    return [benchmark, checkpoint, view]
