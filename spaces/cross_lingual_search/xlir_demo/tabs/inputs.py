"""Inputs that several tabs have."""

from __future__ import annotations

import gradio as gr

from ..answers import Answers
from ..checkpoints import describe
from ..languages import language_name, native_name
from ..limits import DEFAULT_RESULTS, MAX_RESULTS, MAX_TYPED
from ..questions import GUESS

# Events whose answer takes the place of what is there, which is dimmed until then. What is asked meanwhile is not
# dropped: the last of it is asked next.
QUICK = {
    "show_progress": "minimal",
    "concurrency_id": "search",
    "api_visibility": "private",
    "trigger_mode": "always_last",
}


def question_box(value: str) -> gr.Textbox:
    """A line for a question, whose direction follows what is written."""
    return gr.Textbox(
        label="Your question",
        value=value,
        placeholder="Type a question in any of the languages and press Enter",
        # What is too long is told by the server: a box that is full cuts in silence.
        max_length=MAX_TYPED,
        lines=1,
        scale=4,
        min_width=280,
        elem_id="question",
        elem_classes="xd-question",
    )


def language_choice(answers: Answers) -> gr.Dropdown:
    """The language of the question: guessed, or one that is chosen."""
    names = [(language_name(tag), tag) for tag in answers.languages]
    return gr.Dropdown(
        [("Guess it from the words", GUESS), *names],
        value=GUESS,
        label="Language of the question",
        info="Only used to tell you about the languages of the results",
    )


def checkpoint_choice(answers: Answers, label: str, value: str) -> gr.Dropdown:
    """One of the checkpoints that were loaded."""
    titles = [describe(name).title for name in answers.encoders]
    return gr.Dropdown(
        list(zip(titles, answers.encoders, strict=True)),
        value=value,
        label=label,
        filterable=False,
        min_width=160,
    )


def results_choice() -> gr.Slider:
    """The number of results."""
    return gr.Slider(1, MAX_RESULTS, value=DEFAULT_RESULTS, step=1, label="Results in each list", elem_id="results")


def language_buttons(answers: Answers) -> dict[str, gr.Button]:
    """A small button for each language, labelled in that language."""
    return {
        tag: gr.Button(native_name(tag), size="sm", min_width=0, elem_classes="xd-chip") for tag in answers.languages
    }
