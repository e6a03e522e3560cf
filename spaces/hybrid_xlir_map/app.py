"""The metric's page: paste or upload a run, see Mo, Cr and Mul, the language matrix and language bias. Nothing is
stored or sent on.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

# Before any library of the Hugging Face stack is imported: no token is sent, nobody is told.
os.environ.setdefault("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from result_html import CSS, error_html, result_html
from run_text import MAX_BYTES, MAX_LANGUAGES, MAX_ROWS, parse_run
from settings_picture import settings_picture

from hf_hybrid.errors import InputError
from hf_hybrid.metric.output import compute_metric
from hf_hybrid.space_page.serving import launch
from hf_hybrid.space_page.uploads import read_once
from hf_hybrid.text_files import decoded as text_of_bytes

TITLE = "Hybrid XLIR mAP"
INTRODUCTION = f"""\
# {TITLE}

A search in several languages should find the right passages **within** a language, **across** two languages, and in **one pool of all** of them: three settings,
each with a mark from 0 to 1, its mean average precision (mAP). 1 means that for every question all right passages stand above all wrong ones.
"""
HOW = f"""\
For every question say at which place each right passage came: its *rank*, counted from 1, among the passages of all languages (`pool_rank`) and among those of its
own language (`language_rank`). The example can be measured as it is.

At most {MAX_ROWS:,} rows, {MAX_LANGUAGES} languages and {MAX_BYTES // 1_000_000} MB; nothing is kept. JSON in any form of the metric's card is taken as well: ranks, top-k lists or
embeddings, as columns. In Python it is `evaluate.load("hybrid_xlir_map")`; programs call `/measure` of this page.
"""
# A request holds a run as JSON, where a character can take six bytes.
MAX_BODY = 6 * MAX_BYTES + 100_000
EXAMPLE_CSV = """\
# pool_sizes: de=1276 en=1180 th=852
query_id,query_language,candidate_language,pool_rank,language_rank
q1-de,de,de,1,1
q1-de,de,en,3,1
q1-de,de,th,19,2
q1-en,en,de,6,2
q1-en,en,en,1,1
q1-en,en,th,31,4
q1-th,th,de,12,3
q1-th,th,en,5,2
q1-th,th,th,1,1
q2-de,de,de,2,2
q2-de,de,en,1,1
q2-de,de,th,4,1
q2-en,en,de,2,1
q2-en,en,en,1,1
q2-en,en,th,8,2
q2-th,th,de,7,1
q2-th,th,en,40,6
q2-th,th,th,2,1
"""
EXAMPLE_JSON = """\
{"pool_sizes": {"ar": 1222, "en": 1180},
 "rows": [
  {"query_id": "q1-ar", "query_language": "ar", "candidate_languages": ["ar", "en"], "pool_ranks": [1, 9], "language_ranks": [1, 3]},
  {"query_id": "q1-en", "query_language": "en", "candidate_languages": ["ar", "en"], "pool_ranks": [14, 1], "language_ranks": [2, 1]}
]}
"""
EXAMPLE_COLUMNS = """\
{"query_id": ["q1-de", "q1-en"],
 "query_language": ["de", "en"],
 "candidate_languages": [["de", "en"], ["de", "en"]],
 "pool_ranks": [[1, 4], [3, 1]],
 "language_ranks": [[1, 2], [2, 1]],
 "pool_sizes": {"de": 5, "en": 5}}
"""
EXAMPLES = (("CSV, 3 languages", EXAMPLE_CSV), ("JSON, 2 languages", EXAMPLE_JSON), ("columns", EXAMPLE_COLUMNS))


def measured(text: str) -> dict[str, Any]:
    """The metric of a run given as text.

    Raises:
        InputError: what is wrong with it.
    """
    run = parse_run(text)
    try:
        return compute_metric(run.config, run.columns, run.keywords)
    except (TypeError, AttributeError, KeyError, IndexError) as error:
        # Values of a kind that the metric, called from Python, is never given.
        raise InputError("The run holds values of another kind than the metric's card says.") from error


def score_run(text: str) -> str:
    """Measure a run given as text, see `run_text.parse_run`; returns HTML, also of what is wrong with it.

    Example:
        >>> "0.5000" in score_run(EXAMPLE_JSON)
        True
    """
    try:
        return result_html(measured(text))
    except InputError as error:
        return error_html(str(error))


def measure(run: str) -> dict:
    """Measure a run: mAP within, across and over all languages, with language bias.

    Args:
        run: ranks of the right answers of every query as CSV or JSON, in the form that the page shows, or columns as
            the metric's card has them; at most 1 MB and 20,000 rows

    Returns:
        mo_map, cr_map, mul_map, the matrix of language pairs, rank distance and the other figures of the metric's card
    """
    try:
        return measured(run)
    except InputError as error:
        raise gr.Error(str(error), print_exception=False) from error


def score_upload(path: str | None) -> tuple[str, str]:
    """Read an uploaded file, which is then deleted: its text and its measures."""
    try:
        content, _ = read_once(path, MAX_BYTES)
        text = decoded(content)
    except InputError as error:
        return "", error_html(str(error))
    return text, score_run(text)


def decoded(content: bytes) -> str:
    """Text of a file, checked before it is shown in the page.

    Raises:
        InputError: it is too large or no text.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"The file is larger than {MAX_BYTES:,} bytes.")
    return text_of_bytes(content, "The file")


def shown_example(example: str) -> tuple[str, str]:
    """An example with its measures."""
    return example, score_run(example)


def build_app() -> gr.Blocks:
    """The page, not launched yet."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 600)) as app:
        gr.Markdown(INTRODUCTION)
        gr.HTML(settings_picture())
        gr.Markdown(HOW)
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                text = gr.Textbox(
                    label="Run, as CSV or JSON", value=EXAMPLE_CSV, lines=14, max_lines=24, max_length=MAX_BYTES
                )
                button = gr.Button("Measure", variant="primary")
                # Not `gr.File`, whose button has a name that is not the text it shows.
                upload = gr.UploadButton(
                    "Or measure a file (.csv, .json)", file_types=[".csv", ".json"], type="filepath"
                )
                with gr.Row():
                    examples = [
                        (gr.Button(f"Example: {name}", size="sm", min_width=120), example)
                        for name, example in EXAMPLES
                    ]
            with gr.Column(scale=3, min_width=320):
                output = gr.HTML(score_run(EXAMPLE_CSV), label="Result")
        quick: dict[str, Any] = {
            "api_visibility": "private",
            "concurrency_id": "measure",
            "concurrency_limit": 2,
            "trigger_mode": "always_last",
        }
        upload.upload(score_upload, [upload], [text, output], **quick)
        button.click(score_run, [text], [output], **quick)
        for chosen, example in examples:
            # Not `gr.Examples`, which fills the box and leaves the old figures beside it.
            chosen.click(partial(shown_example, example), None, [text, output], **quick)
        gr.api(measure, api_name="measure", concurrency_id="measure")
    return app.queue(max_size=32, default_concurrency_limit=2)


def main() -> int:
    """Serve the page."""
    launch(build_app(), CSS, MAX_BYTES, MAX_BODY)
    return 0


if __name__ == "__main__":
    sys.exit(main())
