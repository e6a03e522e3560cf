"""A visitor's own texts: added, searched with the question of all tabs, deleted."""

from __future__ import annotations

from typing import Any

import gradio as gr

from hf_hybrid.errors import InputError
from hf_hybrid.space_page.uploads import read_once

from ..corpora import FORMATS, parse_corpus
from ..limits import CORPUS_SECONDS, MAX_CORPUS_BYTES, MAX_PASSAGE, MAX_PASSAGES
from ..markup import message
from ..page_views import PageViews
from .asking import Panel

_INTRODUCTION = f"""\
<div class="xd" data-address="?tab=texts"><p class="xd-note">Paste texts or upload a file, in any mix of languages, and search them with the question above. <b>Plain text</b>: a passage on every
line (or between empty lines). <b>CSV</b>: a first line with the names of the columns, one of them <code>text</code>, if you like <code>lang</code> and
<code>id</code>. <b>JSONL</b>: an object with the same fields on every line. At most {MAX_CORPUS_BYTES / 1e6:.0f} MB, {MAX_PASSAGES:,} passages and {MAX_PASSAGE:,}
characters a passage. Your texts stay in this server's memory, for this page only; an uploaded file is deleted as soon as it has been read.</p></div>
"""
EXAMPLE = """\
The library opens at nine and closes at six.
Die Bibliothek ist sonntags geschlossen.
El comedor está en el segundo piso.
Πρώτες βοήθειες παρέχονται στο ισόγειο.
停车场在大楼后面。
يمكن استئجار الدراجات عند المدخل.
"""
EXAMPLE_QUESTION = "When does the library open?"
_NOTHING = message(
    "No texts yet. “Try an example” adds six sentences in six languages and asks about them.", is_error=False
)
_ENDINGS = [".txt", ".csv", ".tsv", ".jsonl", ".json"]
# Embedding a visitor's texts may take a while: it does not stand in the way of searches.
SLOW = {
    "concurrency_id": "texts",
    "concurrency_limit": 2,
    "api_visibility": "private",
    "trigger_mode": "always_last",
}


def build_texts_tab(views: PageViews, panel: Panel, tab: gr.Tab, opened: gr.State, turn: gr.State) -> None:
    """Build the tab; `opened` is told when it is chosen, and a change of `turn` searches again."""
    gr.HTML(_INTRODUCTION)
    # Only the corpus's name is kept with the page; closing the page deletes the corpus.
    name = gr.State(None, time_to_live=CORPUS_SECONDS, delete_callback=views.store.remove)
    text = gr.Textbox(
        label="Your texts",
        placeholder="One passage a line",
        lines=6,
        max_lines=16,
        max_length=MAX_CORPUS_BYTES,
        elem_id="texts-text",
        elem_classes="xd-question",
    )
    form = gr.Dropdown(
        [("Detect it", "detect"), ("Plain text", "text"), ("CSV", "csv"), ("JSONL", "jsonl")],
        value=FORMATS[0],
        label="Format",
        filterable=False,
    )
    with gr.Row():
        add = gr.Button("Add texts", variant="primary", min_width=140)
        # Not `gr.File`, whose button has a name that is not the text it shows.
        upload = gr.UploadButton("Or add a file (.txt, .csv, .jsonl)", file_types=_ENDINGS, type="filepath")
        example = gr.Button("Try an example", min_width=140)
        delete = gr.Button("Delete my texts", min_width=140)
    status = gr.HTML(_NOTHING, elem_id="texts-status", min_height=80)
    view = gr.HTML("", elem_id="texts-view")

    asked = [panel.question, panel.language, panel.before, panel.after, panel.k]

    def search(name: str | None, question: str, language: str, before: str, after: str, k: int, progress: Any) -> str:
        return views.own_search(
            name, question, language, before, after, k, lambda done: progress(done, desc="Embedding", unit="passages")
        )

    def add_texts(content: Any, form: str, old: str | None, *question: Any, progress=gr.Progress()) -> tuple:  # noqa: B008
        return keep(content, "", form, old, question, progress)

    def add_file(path: str | None, form: str, old: str | None, *question: Any, progress=gr.Progress()) -> tuple:  # noqa: B008
        try:
            content, file_name = read_once(path, MAX_CORPUS_BYTES)
        except InputError as error:
            return failed(old, str(error))
        return keep(content, file_name, form, old, question, progress)

    def keep(content: Any, file_name: str, form: str, old: str | None, question: tuple, progress: Any) -> tuple:
        """Read and keep; the old texts go when the new ones are there."""
        try:
            parsed = parse_corpus(content, form, file_name)
        except InputError as error:
            return failed(old, str(error))
        views.store.remove(old)
        fresh = views.keep(parsed)
        return fresh, views.corpus(fresh, file_name, parsed.problems), search(fresh, *question, progress)

    def failed(old: str | None, why: str) -> tuple[str | None, str, Any]:
        """What is wrong, and what is searched now."""
        still = " The texts that you added before are still the ones that are searched." if old else ""
        return old, message(why + still), gr.skip()

    def try_example(old: str | None, *question: Any, progress=gr.Progress()) -> tuple:  # noqa: B008
        return EXAMPLE, EXAMPLE_QUESTION, *keep(EXAMPLE, "", "text", old, (EXAMPLE_QUESTION, *question[1:]), progress)

    def delete_texts(old: str | None) -> tuple[None, str, str]:
        views.store.remove(old)
        return None, message("Your texts are deleted.", is_error=False), ""

    def open_tab(name: str | None, *question: Any, progress=gr.Progress()) -> tuple[str, Any]:  # noqa: B008
        """Search again: the question may be another by now."""
        return "texts", search(name, *question, progress) if name else gr.skip()

    def own_search(name: str | None, *question: Any, progress=gr.Progress()) -> str:  # noqa: B008
        """Search again: the question or a choice has changed while this tab is open."""
        return search(name, *question, progress)

    slow = SLOW | {"show_progress_on": [status]}
    add.click(add_texts, [text, form, name, *asked], [name, status, view], **slow)
    upload.upload(add_file, [upload, form, name, *asked], [name, status, view], **slow)
    example.click(try_example, [name, *asked], [text, panel.question, name, status, view], **slow)
    delete.click(delete_texts, [name], [name, status, view], api_visibility="private")
    turn.change(own_search, [name, *asked], [view], show_progress="minimal", **SLOW)
    tab.select(open_tab, [name, *asked], [opened, view], show_progress="minimal", **SLOW)
