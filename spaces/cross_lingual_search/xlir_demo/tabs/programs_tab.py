"""What programs can do with the page: endpoints, tools, links."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence

import gradio as gr

from ..checkpoints import HYBRID, MONOLINGUAL
from ..limits import MAX_CORPUS_BYTES, MAX_PASSAGES, MAX_QUESTION, MAX_RESULTS, MAX_WAITING
from ..markup import Markup, table, view
from ..permalinks import TABS

LOCAL = "http://127.0.0.1:7860"
_CALL = """\
## From Python

After `pip install gradio_client`:

```python
from gradio_client import Client

client = Client("{place}")
found = client.predict("Wohin fließt das Wasser der Wolga?", languages=["en", "ru"], results=3, api_name="/search")
for hit in found["results"]:
    print(hit["rank"], hit["language"], hit["text"])
```
"""
_LOAD = """\
## Without this page

The name stands for a folder with the checkpoint, or its repository on the Hub.

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("hybrid-xlir-static")
```
"""
_FUNCTIONS = (
    ("/search", "search the passages of this page"),
    ("/compare_checkpoints", "search with two checkpoints: the place of every answer with each"),
    ("/ask_in_all_languages", "one question of the data in all languages: places and overlaps"),
    ("/search_texts", "search texts that are sent along, and forgotten with the answer"),
    ("/guess_question_language", "guess the language of a question"),
    ("/list_questions", "the questions whose answers are known"),
)
_PARTS = (
    ("tab", ", ".join(TABS)),
    ("q", "the question"),
    ("lang", "its language, for example de"),
    ("checkpoint", f"name of the checkpoint, for example {HYBRID}; of a comparison the right one"),
    ("other", f"of a comparison the left one, for example {MONOLINGUAL}"),
    ("only", "languages to search in, for example de,en"),
    ("k", "number of results"),
    ("fact", "question of All languages, for example wf-rivers-01"),
)


def mcp_is_there() -> bool:
    """Whether what Gradio needs to offer tools by the Model Context Protocol is installed (`gradio[mcp]`)."""
    return importlib.util.find_spec("mcp") is not None


def build_programs_tab() -> None:
    """Build the tab."""
    gr.Markdown(_CALL.format(place=os.environ.get("SPACE_ID") or LOCAL), elem_classes="xd-prose")
    gr.HTML(programs_view(mcp_is_there()), elem_id="programs-view")
    gr.Markdown(_LOAD, elem_classes="xd-prose")


def programs_view(mcp: bool) -> str:
    """Endpoints, limits and links.

    Args:
        mcp: whether tools are offered.
    """
    tools = (
        "The same functions are tools of the Model Context Protocol: give your client the address of this page with "
        "<code>/gradio_api/mcp/</code> behind it."
        if mcp
        else "The same functions become tools of the Model Context Protocol where <code>gradio[mcp]</code> is installed; here it is not."
    )
    return view(
        "Functions and links",
        table("Functions", ["Function", "What it does"], _coded(_FUNCTIONS), kind="xd-words"),
        Markup(
            '<p class="xd-note"><code>client.view_api()</code> shows types and defaults; <i>Use via API</i> at the foot of the page has the same for '
            "JavaScript and curl. {}</p>"
        ).format(Markup(tools)),
        Markup(
            '<p class="xd-note">At most {} characters a question, {} results, {} MB and {} passages of your own; {} requests may wait. Mistakes come '
            "back as an error in words.</p>"
        ).format(MAX_QUESTION, MAX_RESULTS, f"{MAX_CORPUS_BYTES / 1e6:.0f}", f"{MAX_PASSAGES:,}", MAX_WAITING),
        Markup("<h2>Links</h2>"),
        Markup(
            '<p class="xd-note">A link opens the page with a question, checkpoints and languages; there is one under every result. Its parts, all optional:</p>'
        ),
        table("Parts of a link", ["Part", "Meaning"], _coded(_PARTS), kind="xd-words"),
    )


def _coded(rows: Sequence[tuple[str, str]]) -> list[list[Markup | str]]:
    return [[Markup("<code>{}</code>").format(name), meaning] for name, meaning in rows]
