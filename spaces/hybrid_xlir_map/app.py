"""The metric's page: paste or upload a run, see Mo, Cr and Mul, the language matrix and language bias. Nothing is stored or sent on."""

from __future__ import annotations

import gradio as gr
from result_html import CSS, error_html, result_html
from run_text import MAX_BYTES, MAX_LANGUAGES, MAX_ROWS, parse_run

from hf_hybrid.errors import InputError
from hf_hybrid.metric_inputs import compute_metric

TITLE = "Hybrid XLIR mAP"
INTRODUCTION = f"""\
# {TITLE}

How good is a multilingual retriever **within** a language (Mo), **across** languages (Cr) and in **one pool of all languages** (Mul)? Give the ranks of the relevant
candidates of every query. In Python: `evaluate.load("hybrid_xlir_map")`, which also takes top-k lists and embeddings.

At most {MAX_ROWS:,} rows, {MAX_LANGUAGES} languages and {MAX_BYTES // 1_000_000} MB; nothing is kept.
"""
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


def score_run(text: str) -> str:
    """Measure a run given as text, see `run_text.parse_run`; returns HTML, also of what is wrong with it.

    Example:
        >>> "0.5000" in score_run(EXAMPLE_JSON)
        True
    """
    try:
        columns, sizes = parse_run(text)
        return result_html(compute_metric("ranks", columns, {"pool_sizes": sizes}))
    except InputError as error:
        return error_html(str(error))


def read_upload(content: bytes | None) -> str:
    """Text of an uploaded file, checked before it is shown in the page."""
    if content is None:
        return ""
    if len(content) > MAX_BYTES:
        raise gr.Error(f"The file is larger than {MAX_BYTES:,} bytes.", print_exception=False)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise gr.Error("The file is not text in UTF-8.", print_exception=False) from error


def build_app() -> gr.Blocks:
    """The page, not launched yet."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 600)) as app:
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                text = gr.Textbox(
                    label="Run, as CSV or JSON", value=EXAMPLE_CSV, lines=14, max_lines=24, max_length=MAX_BYTES
                )
                upload = gr.File(
                    label="Or a file (.csv, .json)", file_types=[".csv", ".json"], type="binary", height=110
                )
                button = gr.Button("Measure", variant="primary")
                gr.Examples(
                    [[EXAMPLE_CSV], [EXAMPLE_JSON]],
                    [text],
                    label="Examples",
                    example_labels=["CSV, 3 languages", "JSON, 2 languages"],
                )
            with gr.Column(scale=3, min_width=320):
                output = gr.HTML(score_run(EXAMPLE_CSV), label="Result")
        upload.upload(read_upload, [upload], [text], api_visibility="private").then(
            score_run, [text], [output], api_visibility="private"
        )
        button.click(score_run, [text], [output], api_name="score", concurrency_limit=2)
    return app.queue(max_size=32, default_concurrency_limit=2)


if __name__ == "__main__":
    build_app().launch(
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css=CSS,
        max_file_size=MAX_BYTES,
        show_error=False,
    )
