"""Inputs that several tabs have."""

from __future__ import annotations

import gradio as gr

from ..answers import GUESS, Answers
from ..checkpoints import CHECKPOINTS
from ..languages import language_name, native_name
from ..limits import DEFAULT_RESULTS, MAX_QUESTION, MAX_RESULTS

# Events that answer at once show no spinner, which would only flicker.
QUICK = {"show_progress": "hidden", "concurrency_id": "search", "api_visibility": "private"}


def question_box(name: str, label: str = "Your question", value: str = "") -> gr.Textbox:
    """A line for a question, whose direction follows what is written; the name is its id in the page."""
    return gr.Textbox(
        label=label,
        value=value,
        placeholder="Type a question in any of the languages and press Enter",
        max_length=MAX_QUESTION,
        lines=1,
        scale=4,
        min_width=280,
        elem_id=name,
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
    loaded = [one for one in CHECKPOINTS if one.name in answers.encoders]
    return gr.Dropdown(
        [(one.title, one.name) for one in loaded],
        value=value if value in answers.encoders else loaded[0].name,
        label=label,
        filterable=False,
    )


def results_choice(name: str) -> gr.Slider:
    """The number of results; the name is its id in the page."""
    return gr.Slider(1, MAX_RESULTS, value=DEFAULT_RESULTS, step=1, label="Results to show", elem_id=name)


def language_buttons(answers: Answers) -> dict[str, gr.Button]:
    """A small button for each language, labelled in that language."""
    with gr.Row(elem_classes="xd-chips"):
        return {
            tag: gr.Button(native_name(tag), size="sm", min_width=0, elem_classes="xd-chip")
            for tag in answers.languages
        }
