"""What programs can do with the page: endpoints, links."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from .checkpoints import title_of
from .limits import MAX_CORPUS_BYTES, MAX_PASSAGES, MAX_QUESTION, MAX_RESULTS, MAX_WAITING
from .markup import Markup, table, view
from .permalinks import TABS
from .questions import GUESS

_CALL = """\
from gradio_client import Client

client = Client({place})
found = client.predict({question}, results=3, api_name="/search")
for hit in found["results"]:
    print(hit["rank"], hit["language"], hit["text"])
"""
_CURL = """\
curl -s {place}/gradio_api/call/search -H "Content-Type: application/json" \\
  -d {data}
# {{"event_id":"..."}}: what was found stands at that id
curl -sN {place}/gradio_api/call/search/EVENT_ID
"""
_LOAD = """\
from sentence_transformers import SentenceTransformer

model = SentenceTransformer({name})
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
    ("checkpoint", "name of the checkpoint on the right"),
    ("other", "name of the one on the left"),
    ("only", "languages to search in, for example de,en"),
    ("k", "number of results"),
    ("fact", "a built-in question by its id, for example wf-rivers-01"),
)


def programs_view(place: str, question: str, checkpoints: Sequence[str], address: str = "") -> str:
    """Endpoints, limits and links.

    Args:
        place: address of this page, as it was asked for.
        question: that the example asks.
        checkpoints: names of those that were loaded.
        address: that opens this tab again.
    """
    names = Markup(", ").join(Markup("<code>{}</code> ({})").format(name, title_of(name)) for name in checkpoints)
    return view(
        "Functions and links",
        Markup("<h2>From Python</h2>"),
        Markup('<p class="xd-note">After <code>pip install gradio_client</code>:</p>'),
        _code(python_call(place, question)),
        Markup(
            '<p class="xd-note">With curl, all values in the order of the parameters (question, checkpoint, its language, languages to search in, results):</p>'
        ),
        _code(curl_call(place, question, checkpoints[-1])),
        table("Functions", ["Function", "What it does"], _coded(_FUNCTIONS), kind="xd-words"),
        Markup(
            '<p class="xd-note"><code>client.view_api()</code> shows types and defaults; <i>Use via API</i> at the foot of the page has the same for '
            "JavaScript and curl. Checkpoints: {}.</p>"
        ).format(names),
        Markup(
            '<p class="xd-note">At most {} characters a question, {} results, {} MB and {} passages of your own; {} requests may wait. Mistakes come '
            "back as an error in words.</p>"
        ).format(MAX_QUESTION, MAX_RESULTS, f"{MAX_CORPUS_BYTES / 1e6:.0f}", f"{MAX_PASSAGES:,}", MAX_WAITING),
        Markup("<h2>Without this page</h2>"),
        Markup(
            '<p class="xd-note">The name stands for a folder with the checkpoint, or its repository on the Hub.</p>'
        ),
        _code(_LOAD.format(name=repr(checkpoints[-1]))),
        Markup("<h2>Links</h2>"),
        Markup('<p class="xd-note">The address bar always opens what is shown. Its parts, all optional:</p>'),
        table("Parts of a link", ["Part", "Meaning"], _coded(_PARTS), kind="xd-words"),
        address=address,
    )


def python_call(place: str, question: str) -> str:
    """A program that asks this page a question.

    Example:
        >>> print(python_call("http://here:1", 'What is "x"?').splitlines()[2])
        client = Client('http://here:1')
    """
    return _CALL.format(place=repr(place), question=repr(question))


def curl_call(place: str, question: str, checkpoint: str) -> str:
    """Two commands of a shell that ask this page a question.

    Example:
        >>> print(curl_call("http://here:1", "It's?", "m").splitlines()[1])
          -d '{"data": ["It'"'"'s?", "m", "guess", null, 3]}'
    """
    data = json.dumps({"data": [question, checkpoint, GUESS, None, 3]}, ensure_ascii=False)
    return _CURL.format(place=place, data=shlex.quote(data))


def _code(text: str) -> Markup:
    return Markup('<pre class="xd-code" tabindex="0"><code>{}</code></pre>').format(text)


def _coded(rows: Sequence[tuple[str, str]]) -> list[list[Markup | str]]:
    return [[Markup("<code>{}</code>").format(name), meaning] for name, meaning in rows]
