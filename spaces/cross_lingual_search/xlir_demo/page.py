"""The page: one question for all tabs, endpoints, what a link opens, and how it is served."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from hf_hybrid.space_page.serving import launch

from .endpoints import add_endpoints
from .limits import MAX_BODY, MAX_CORPUS_BYTES, MAX_WAITING, WORKERS
from .markup import Markup, message
from .overview_views import TITLE
from .page_views import PageViews
from .permalinks import Link, read_link
from .programs_view import programs_view
from .questions import GUESS
from .styles import CSS
from .tabs.asking import Panel, another, build_panel, checkpoints_note, chip_updates, known_words, words_in
from .tabs.benchmark_tab import build_benchmark_tab
from .tabs.inputs import QUICK
from .tabs.texts_tab import build_texts_tab

# Seconds: how often uploads are looked for, and how old one may get.
_DELETE_CACHE = (600, 600)
_SCRIPT = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")


def build_page(views: PageViews) -> gr.Blocks:
    """Build the page, not launched yet."""
    answers = views.answers
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=_DELETE_CACHE) as page:
        # First, so that they get the names that they ask for.
        add_endpoints(answers)
        gr.HTML("".join(Markup('<h1 class="xd">{}</h1>').format(TITLE)))
        overview = gr.HTML(views.overview(answers.before, answers.after), elem_id="overview")
        notice = gr.HTML("", visible=False)
        panel = build_panel(views)
        opened = gr.State("compare")
        # Counts of what is asked otherwise than by an input of the panel, and of searches in a visitor's texts: Gradio
        # tells of a change. An event may have one function only: when one that had to wait is done, Gradio repeats all
        # functions of its event, and two would make each other wait for ever.
        turn, own_turn = gr.State(0), gr.State(0)
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            with gr.Tab("Compare", id="compare") as compare_tab:
                first = views.compare(
                    views.first_question(), GUESS, answers.before, answers.after, None, panel.k.value, linked=False
                )
                compare = gr.HTML(first, elem_id="compare-view")
            with gr.Tab("All languages at once", id="languages") as languages_tab:
                languages = gr.HTML("", elem_id="languages-view")
            with gr.Tab("Benchmark", id="benchmark") as benchmark_tab:
                *measured, benchmark = build_benchmark_tab(views)
            with gr.Tab("Your texts", id="texts") as texts_tab:
                build_texts_tab(views, panel, texts_tab, opened, own_turn)
            with gr.Tab("For programs", id="programs") as programs_tab:
                programs = gr.HTML("", elem_id="programs-view")
                gr.HTML(checkpoints_note(views))
        shown = [compare, languages, *panel.chips.values()]

        def ask(opened: str, *choices: Any) -> list[Any]:
            return _ask(views, panel, opened, *choices)

        def ask_anew(opened: str, own_turn: int, *choices: Any) -> list[Any]:
            return [own_turn + 1 if opened == "texts" else gr.skip(), *ask(opened, *choices)]

        events = [panel.go.click, panel.question.submit, panel.language.input, panel.before.input, panel.after.input]
        events += [panel.only.input, panel.k.change, turn.change]
        inputs = [opened, own_turn, *panel.choices]
        gr.on(events, ask_anew, inputs, [own_turn, *shown], **QUICK | {"show_progress_on": shown[:2]})
        checkpoints = [panel.before, panel.after]
        gr.on([one.change for one in checkpoints], views.overview, checkpoints, [overview], **QUICK)
        _connect_buttons(views, panel, turn)
        for one, name in ((compare_tab, "compare"), (languages_tab, "languages")):
            one.select(partial(_opened, name, ask), [opened, *panel.choices], [opened, *shown], **QUICK)

        def show_benchmark(name: str, checkpoint: str, *choices: Any) -> tuple[str, str]:
            return "benchmark", views.benchmark(name, checkpoint, views.address("benchmark", *choices))

        def show_programs(request: gr.Request, *choices: Any) -> tuple[str, str]:
            return "programs", _programs_view(views, _place(request), *choices)

        benchmark_tab.select(show_benchmark, [*measured, *panel.choices], [opened, benchmark], **QUICK)
        programs_tab.select(show_programs, panel.choices, [opened, programs], **QUICK)
        after_link = [notice, tabs, opened, *panel.choices, *shown, benchmark, programs]

        def open_link(request: gr.Request) -> list[Any]:
            parameters = {str(key): str(value) for key, value in dict(request.query_params).items()}
            return opened_by(views, panel, parameters, _place(request))

        page.load(open_link, None, after_link, **QUICK | {"show_progress": "hidden"})
    return page.queue(max_size=MAX_WAITING, default_concurrency_limit=WORKERS)


def serve(page: gr.Blocks, **options: Any) -> Any:
    """Serve the page with its limits; options are further ones of `gradio.Blocks.launch`."""
    return launch(page, CSS, MAX_CORPUS_BYTES, MAX_BODY, head=f"<script>{_SCRIPT}</script>", **options)


def _connect_buttons(views: PageViews, panel: Panel, turn: gr.State) -> None:
    """Buttons that put another question into the box, whose language is told from its words, and have it asked."""

    def replaced(words: Any, turn: int, question: str) -> tuple[str, str, int]:
        return words(question), GUESS, turn + 1

    inputs, outputs = [turn, panel.question], [panel.question, panel.language, turn]
    for tag, chip in panel.chips.items():
        chip.click(partial(replaced, partial(_words_in, views, tag)), inputs, outputs, **QUICK)
    panel.other.click(partial(replaced, partial(another, views)), inputs, outputs, **QUICK)
    for example, card in panel.cards:
        words, _ = known_words(views, example)
        card.click(partial(replaced, partial(_always, words)), inputs, outputs, **QUICK)


def _words_in(views: PageViews, tag: str, question: str) -> str:
    return words_in(views, question, tag)


def _always(words: str, _: str) -> str:
    return words


def _ask(
    views: PageViews,
    panel: Panel,
    opened: str,
    question: str,
    language: str,
    before: str,
    after: str,
    only: Any,
    k: int,
) -> list[Any]:
    """The view of the open tab; the others are made when they are opened."""
    compare = languages = gr.skip()
    if opened == "languages":
        languages = views.translations(question, before, after)
    elif opened == "compare":
        compare = views.compare(question, language, before, after, only, k)
    return [compare, languages, *chip_updates(views, question, panel.chips)]


def _opened(name: str, ask: Any, opened: str, *choices: Any) -> list[Any]:
    """What a tab shows that has been chosen. Gradio tells of the tab, too, that a page or a link begins with: it has its
    view already.
    """
    shown = ask("" if opened == name else name, *choices)
    return [name, *shown]


def _programs_view(views: PageViews, place: str, question: str, *rest: Any) -> str:
    asked = question if views.fact_of(question) else views.first_question()
    names = list(views.answers.encoders)
    names.sort(key=lambda name: name == views.answers.after)
    return programs_view(place, asked, names, views.address("programs", question, *rest))


def _place(request: gr.Request) -> str:
    """The address that the page was asked for at, without what follows the host: behind a proxy, the proxy's."""
    headers = request.headers
    host = headers.get("x-forwarded-host") or headers.get("host") or "127.0.0.1:7860"
    scheme = headers.get("x-forwarded-proto") or (
        "https" if request.url and str(request.url).startswith("https") else "http"
    )
    return f"{scheme.split(',')[0]}://{host.split(',')[0]}"


def opened_by(views: PageViews, panel: Panel, parameters: dict[str, str], place: str) -> list[Any]:
    """Values of the notice, the tabs, which is open, the choices and the views for the parameters of a link."""
    answers = views.answers
    link, wrong = read_link(parameters, list(answers.facts.facts), list(answers.encoders))
    notice = gr.update(value=message(" ".join(wrong), is_error=False), visible=True) if wrong else gr.skip()
    choices = 6
    views_of = 2 + len(panel.chips)
    if link == Link():
        return [notice, *[gr.skip()] * (2 + choices + views_of + 2)]
    question = link.question or _asked_for(views, link)
    before, after = link.other or answers.before, link.checkpoint or answers.after
    only = list(link.only) or answers.languages
    chosen = [question, link.language, before, after, only, link.k]
    shown = _ask(views, panel, link.tab, *chosen)
    benchmark = (
        views.benchmark(None, after, views.address("benchmark", *chosen)) if link.tab == "benchmark" else gr.skip()
    )
    programs = _programs_view(views, place, *chosen) if link.tab == "programs" else gr.skip()
    return [notice, gr.Tabs(selected=link.tab), link.tab, *chosen, *shown, benchmark, programs]


def _asked_for(views: PageViews, link: Link) -> str:
    if not link.fact:
        return views.first_question()
    questions = views.answers.facts.facts[link.fact].questions
    return questions.get("en") or next(iter(questions.values()))
