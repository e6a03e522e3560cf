"""The page: tabs, endpoints, what a link opens, and how it is served."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from hf_hybrid.space_page.serving import launch

from .endpoints import add_endpoints
from .limits import MAX_BODY, MAX_CORPUS_BYTES, MAX_WAITING, WORKERS
from .markup import Markup, message
from .page_views import PageViews
from .permalinks import Link, read_link
from .styles import CSS
from .tabs.benchmark_tab import build_benchmark_tab
from .tabs.compare_tab import build_compare_tab
from .tabs.inputs import QUICK
from .tabs.languages_tab import build_languages_tab
from .tabs.programs_tab import build_programs_tab, mcp_is_there
from .tabs.search_tab import FIRST_LANGUAGE, build_search_tab
from .tabs.texts_tab import build_texts_tab

TITLE = "One question, eleven languages"
# Seconds: how often uploads are looked for, and how old one may get.
_DELETE_CACHE = (600, 600)


def build_page(views: PageViews) -> gr.Blocks:
    """Build the page, not launched yet."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=_DELETE_CACHE) as page:
        # First, so that they get the names that they ask for.
        add_endpoints(views.answers)
        gr.HTML(_introduction(views))
        notice = gr.HTML("", visible=False)
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            with gr.Tab("Search", id="search"):
                search = build_search_tab(views)
            with gr.Tab("Two checkpoints", id="compare"):
                compare = build_compare_tab(views)
            with gr.Tab("All languages", id="languages"):
                languages = build_languages_tab(views)
            with gr.Tab("Benchmark", id="benchmark"):
                build_benchmark_tab(views)
            with gr.Tab("Your texts", id="texts"):
                build_texts_tab(views)
            with gr.Tab("For programs", id="programs"):
                build_programs_tab()
        opened = [notice, tabs, *search.values(), *compare.values(), *languages.values()]

        def open_link(request: gr.Request) -> list[Any]:
            return opened_by(views, {str(key): str(value) for key, value in dict(request.query_params).items()})

        page.load(open_link, None, opened, **QUICK)
    return page.queue(max_size=MAX_WAITING, default_concurrency_limit=WORKERS)


def serve(page: gr.Blocks, **options: Any) -> Any:
    """Serve the page with its limits; options are further ones of `gradio.Blocks.launch`."""
    return launch(page, CSS, MAX_CORPUS_BYTES, MAX_BODY, mcp_server=mcp_is_there(), **options)


def opened_by(views: PageViews, parameters: dict[str, str]) -> list[Any]:
    """Values of the notice, the tabs and the components of three tabs for the parameters of a link."""
    answers = views.answers
    link, wrong = read_link(parameters, list(answers.facts.facts), list(answers.encoders))
    if link.other not in answers.encoders:
        link = replace(link, other=link.checkpoint)
    notice = gr.update(value=message(" ".join(wrong), is_error=False), visible=True) if wrong else gr.skip()
    return [
        notice,
        gr.Tabs(selected=link.tab),
        *_search(views, link),
        *_compare(views, link),
        *_languages(views, link),
    ]


def _search(views: PageViews, link: Link) -> list[Any]:
    if link.tab != "search" or (not link.question and link == Link()):
        return [gr.skip()] * 6
    question = link.question or views.answers.facts.after(None).questions[FIRST_LANGUAGE]
    only = list(link.only) or views.answers.languages
    view = views.search(question, link.language, link.checkpoint, only, link.k)
    return [question, link.language, link.checkpoint, only, link.k, view]


def _compare(views: PageViews, link: Link) -> list[Any]:
    if link.tab != "compare":
        return [gr.skip()] * 5
    question = link.question or views.answers.facts.after(None).questions[FIRST_LANGUAGE]
    view = views.compare(question, link.language, link.other, link.checkpoint)
    return [question, link.language, link.other, link.checkpoint, view]


def _languages(views: PageViews, link: Link) -> list[Any]:
    if link.tab != "languages":
        return [gr.skip()] * 3
    fact = link.fact or views.answers.facts.after(None).id
    return [fact, link.checkpoint, views.translations(fact, link.checkpoint)]


def _introduction(views: PageViews) -> str:
    pool = views.answers.pool
    return "".join(
        Markup(
            '<header class="xd"><h1>{}</h1><p class="xd-lead">Ask in one language, find the answer in all: your question is compared by meaning with {} short '
            "passages, the same {} facts written in {} languages. A search that minds the meaning alone would find "
            "all {} versions of the answer; most favour the language that you ask in. Here you can see how much, and "
            "what <b>hybrid training</b> changes.</p></header>"
        ).format(
            TITLE, f"{len(pool):,}", len(views.answers.facts.facts), len(pool.language_share), len(pool.language_share)
        )
    )
