"""The measured numbers."""

from __future__ import annotations

import gradio as gr

from hf_hybrid.publishing.cards.titles import benchmark_title

from ..checkpoints import HYBRID
from ..shown import Shown
from .inputs import QUICK, checkpoint_choice

_INTRODUCTION = """\
<div class="xd"><p class="xd-note">One question proves nothing. These are the same searches for thousands of questions, read from the files that the measurements wrote.</p></div>
"""


def build_benchmark_tab(shown: Shown) -> None:
    """Build the tab."""
    names = shown.published.benchmarks
    gr.HTML(_INTRODUCTION)
    with gr.Row(visible=bool(names)):
        benchmark = gr.Dropdown(
            [(benchmark_title(name), name) for name in names],
            value=names[0] if names else None,
            label="Set of questions",
            filterable=False,
        )
        checkpoint = checkpoint_choice(shown.answers, "Checkpoint of the matrix", HYBRID)
    view = gr.HTML(shown.benchmark(names[0] if names else None, HYBRID), elem_id="benchmark-view")
    gr.on([benchmark.input, checkpoint.input], shown.benchmark, [benchmark, checkpoint], [view], **QUICK)
