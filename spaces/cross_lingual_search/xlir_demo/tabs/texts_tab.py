"""A visitor's own texts: added, searched, deleted."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.space_page.uploads import read_once

from ..answers import Answers
from ..checkpoints import HYBRID
from ..corpora import FORMATS, Corpus, parse_corpus
from ..limits import CORPUS_SECONDS, MAX_CORPUS_BYTES, MAX_PASSAGE, MAX_PASSAGES
from ..markup import message
from ..page_views import PageViews
from .inputs import QUICK, checkpoint_choice, question_box, results_choice

_INTRODUCTION = f"""\
<div class="xd"><p class="xd-note">Paste texts or upload a file, in any mix of languages, and search them with the same checkpoints. <b>Plain text</b>: a passage on every
line (or between empty lines). <b>CSV</b>: a first line with the names of the columns, one of them <code>text</code>, if you like <code>lang</code> and
<code>id</code>. <b>JSONL</b>: an object with the same fields on every line. At most {MAX_CORPUS_BYTES / 1e6:.0f} MB, {MAX_PASSAGES:,} passages and {MAX_PASSAGE:,}
characters a passage. Your texts stay in this server's memory, for this page only; an uploaded file is deleted as soon as it has been read.</p></div>
"""
_EXAMPLE = """\
The library opens at nine and closes at six.
Die Bibliothek ist sonntags geschlossen.
El comedor está en el segundo piso.
Πρώτες βοήθειες παρέχονται στο ισόγειο.
停车场在大楼后面。
يمكن استئجار الدراجات عند المدخل.
"""
_NOTHING = message("No texts yet. The box holds a small example: press Add texts.", is_error=False)
_ENDINGS = [".txt", ".csv", ".jsonl", ".json"]
# Passages that are encoded between two steps of the progress bar.
_STEP = 250


def build_texts_tab(views: PageViews) -> None:
    """Build the tab."""
    gr.HTML(_INTRODUCTION)
    # Only the corpus's name is kept with the page; closing the page deletes the corpus.
    name = gr.State(None, time_to_live=CORPUS_SECONDS, delete_callback=views.store.remove)
    text = gr.Textbox(
        label="Your texts",
        value=_EXAMPLE,
        lines=8,
        max_lines=16,
        max_length=MAX_CORPUS_BYTES,
        elem_id="texts-text",
        elem_classes="xd-question",
    )
    with gr.Row():
        form = gr.Dropdown(
            [("Detect it", "detect"), ("Plain text", "text"), ("CSV", "csv"), ("JSONL", "jsonl")],
            value=FORMATS[0],
            label="Format",
            filterable=False,
        )
        checkpoint = checkpoint_choice(views.answers, "Checkpoint", HYBRID)
    with gr.Row():
        add = gr.Button("Add texts", variant="primary")
        # Not `gr.File`, whose button has a name that is not the text it shows.
        upload = gr.UploadButton("Or add a file (.txt, .csv, .jsonl)", file_types=_ENDINGS, type="filepath")
        delete = gr.Button("Delete my texts")
    status = gr.HTML(_NOTHING, elem_id="texts-status", min_height=80)
    with gr.Row(equal_height=True):
        question = question_box("texts-question", "Question to your texts", "When can I borrow books?")
        search = gr.Button("Search my texts", variant="primary", scale=1, min_width=120, elem_classes="xd-go")
    results = results_choice("texts-results")
    view = gr.HTML("", elem_id="texts-view")

    def add_texts(content: str, form: str, checkpoint: str, old: str | None, progress=gr.Progress()) -> tuple:  # noqa: B008
        return _add(views, content, "", form, checkpoint, old, progress)

    def add_file(path: str | None, form: str, checkpoint: str, old: str | None, progress=gr.Progress()) -> tuple:  # noqa: B008
        try:
            content, file_name = read_once(path, MAX_CORPUS_BYTES)
        except InputError as error:
            return old, message(str(error)), ""
        return _add(views, content, file_name, form, checkpoint, old, progress)

    def delete_texts(old: str | None) -> tuple[None, str, str]:
        views.store.remove(old)
        return None, message("Your texts are deleted.", is_error=False), ""

    slow = {
        "concurrency_id": "texts",
        "concurrency_limit": 2,
        "api_visibility": "private",
        "show_progress_on": [status],
    }
    add.click(add_texts, [text, form, checkpoint, name], [name, status, view], **slow)
    upload.upload(add_file, [upload, form, checkpoint, name], [name, status, view], **slow)
    delete.click(delete_texts, [name], [name, status, view], **QUICK)
    gr.on([search.click, question.submit], views.own_search, [name, question, results], [view], **QUICK)


def encode_in_steps(
    answers: Answers, checkpoint: str, texts: list[str], told: Callable[[tuple[int, int]], object]
) -> np.ndarray:
    """Vectors of passages, with word of how many are done."""
    encode = answers.encoders[answers.checked_checkpoint(checkpoint)]
    parts = []
    for start in range(0, len(texts), _STEP):
        told((start, len(texts)))
        parts.append(encode(texts[start : start + _STEP], "passage"))
    return np.concatenate(parts)


def _add(
    views: PageViews,
    content: str | bytes,
    file_name: str,
    form: str,
    checkpoint: str,
    old: str | None,
    progress: gr.Progress,
) -> tuple[str | None, str, str]:
    """Read, encode and keep; the old texts go when the new ones are there."""
    try:
        progress(0, desc="Reading")
        pool = parse_corpus(content, form, file_name)
        vectors = encode_in_steps(
            views.answers, checkpoint, list(pool.texts), lambda done: progress(done, desc="Embedding", unit="passages")
        )
    except InputError as error:
        return old, message(str(error)), ""
    views.store.remove(old)
    name = views.store.add(Corpus(pool, checkpoint, vectors))
    return name, views.corpus(name, file_name), ""
