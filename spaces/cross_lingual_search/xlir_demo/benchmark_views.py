"""The measured numbers as tables, with what they mean in words for people who have never heard of mAP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hf_hybrid.evaluation.figures import DEMO, MAIN, SETTINGS, Column, column_of
from hf_hybrid.evaluation.results import Results
from hf_hybrid.publishing.cards.titles import benchmark_title

from .checkpoints import title_of
from .markup import Markup, joined, message, native, number, table, view
from .published import Published

MISSING = (
    "No measured results lie beside the checkpoints, so there are no numbers to show. `hf-hybrid evaluate CHECKPOINT "
    "--benchmark world_facts --output CHECKPOINT/results/world_facts.json` measures them; the search works without."
)
_MAP = tuple(column_of(f"{setting}_{MAIN}", DEMO) for setting in SETTINGS)
_SPREAD, _MEAN_SPREAD = (column_of(key, DEMO) for key in ("rank_distance_median", "rank_distance"))
_ARMS = {
    "x-x": "same language, languages mixed in a batch",
    "x-x-mono": "one language a batch (Monolingual)",
    "x-y": "two languages (Cross-lingual)",
    "hybrid": "one or two by turns (Hybrid)",
}


def benchmark_view(published: Published, benchmark: str | None, checkpoint: str) -> str:
    """Everything that was measured on a benchmark.

    Args:
        published: what there is.
        benchmark: one of its benchmarks; None or another takes the first.
        checkpoint: whose matrix is shown.
    """
    if not published.results and published.arms is None:
        return message(" ".join([MISSING, *published.problems]), is_error=False)
    parts: list[Any] = [
        Markup('<p class="xd-message" role="status">{}</p>').format(text) for text in published.problems
    ]
    if published.results:
        name = benchmark if benchmark in published.results else published.benchmarks[0]
        parts.append(_checkpoints(published.results[name]))
        parts.append(_matrix(published.results[name], checkpoint))
    if published.arms is not None:
        parts += [_arms(published.arms), _claims(published.arms)]
    if published.alpha is not None:
        parts.append(_curve(published.alpha["alpha"], published.alpha["benchmark"]["name"]))
    return view("Measured results", *parts)


def _checkpoints(results: Mapping[str, Results]) -> Markup:
    first = next(iter(results.values()))
    about, k = first.benchmark, first.settings.k or 10
    own, rows = column_of(f"own_language_share_at_{k}", DEMO, k), []
    for name, one in results.items():
        summary = one.summary
        scores = [_percent(summary.get(column.key)) for column in _MAP]
        rows.append([title_of(name), *scores, _percent(summary.get(own.key), 0), number(summary.get(_SPREAD.key), 0)])
    share = _percent(first.summary.get("own_language_share_of_pool"), 0)
    head = ["Checkpoint", *(column.title for column in (*_MAP, own, _SPREAD))]
    return joined(
        [
            Markup("<h2>How well does each checkpoint search?</h2>"),
            Markup(
                '<p class="xd-note">Measured on <b>{}</b>: {} questions and {} passages in {} languages. The first three columns are <b>mAP</b>, a mark '
                "from 0 to 100: 100 means that every right answer stands above every wrong one, for every question. "
                "<b>Same language</b>: question and passages are in one language. <b>Another language</b>: the "
                "passages are in one other language. <b>All at once</b>: all passages of all languages are searched "
                "together, and the answers in all of them have to come first.</p>"
            ).format(
                benchmark_title(about.name),
                f"{about.queries:,}",
                f"{about.candidates:,}",
                len(about.languages),
            ),
            table(f"mAP and language bias on {benchmark_title(about.name)}", head, rows),
            Markup(
                '<p class="xd-note">The last two columns are about <b>language bias</b>. Own language: how many of the first {} results are in the '
                "language of the question; without bias it would be about {}, their share of all passages. Spread: "
                "how many places lie between the best and the worst placed translation of the same answer, for the "
                "question in the middle (median); fewer is better.</p>"
            ).format(k, Markup("{} %").format(share)),
        ]
    )


def _matrix(results: Mapping[str, Results], checkpoint: str) -> Markup:
    name = checkpoint if checkpoint in results else next(iter(results))
    one = results[name]
    languages, cells = one.benchmark.languages, one.measures[MAIN].cells
    rows = [
        [native(tag), *((_shade(value, row == column), _percent(value, 0)) for column, value in enumerate(values))]
        for row, (tag, values) in enumerate(zip(languages, cells, strict=True))
    ]
    caption = f"mAP of {title_of(name)}: language of the question by language of the passages"
    return joined(
        [
            Markup("<h2>Every pair of languages</h2>"),
            Markup(
                '<p class="xd-note">Checkpoint <b>{}</b>. A row is a language of the questions, a column the only language of the passages; the framed '
                "diagonal is searching within one language. Dark is good.</p>"
            ).format(title_of(name)),
            table(caption, ["question \\ passage", *map(native, languages)], rows, kind="xd-matrix"),
        ]
    )


def _arms(content: Mapping[str, Any]) -> Markup:
    level = content["settings"]["confidence"]
    rows = [
        [
            Markup("{} <code>{}</code>").format(_ARMS.get(name, ""), name),
            number(arm["seeds"], 0),
            *(_over_seeds(arm["figures"], column) for column in (*_MAP, _SPREAD)),
        ]
        for name, arm in content["arms"].items()
    ]
    head = ["Way of training", "Runs", *(column.title for column in (*_MAP, _SPREAD))]
    return joined(
        [
            Markup("<h2>Was it luck? The same training with other random numbers</h2>"),
            Markup(
                '<p class="xd-note">Every way of training was repeated from the same start with other random numbers, on {}. In brackets: where the '
                "mean of many such runs would lie, with {} % confidence. Ways whose brackets are far apart really "
                "differ.</p>"
            ).format(benchmark_title(content["benchmark"]["name"]), f"{100 * level:.0f}"),
            table("Mean over runs with intervals", head, rows),
        ]
    )


def _claims(content: Mapping[str, Any]) -> Markup:
    if not content.get("claims"):
        return Markup("")
    rows = [
        [
            Markup("Hybrid: {}").format(entry["text"]),
            Markup("<code>{}</code>").format(entry["against"]),
            _interval(entry, "difference", column_of(entry["figure"], DEMO), sign="+"),
            Markup("<b>{}</b>").format(entry["verdict"]),
        ]
        for entry in content["claims"]
    ]
    head = ["What the paper says", "Against", "Difference we found", "Does it hold here?"]
    return joined(
        [
            Markup("<h2>Do the paper's claims hold here?</h2>"),
            Markup(
                '<p class="xd-note">Hybrid less the other way of training, with an interval. <b>Not resolved</b> means that neither is shown.</p>'
            ),
            table("Claims and verdicts", head, rows),
        ]
    )


def _curve(curve: Mapping[str, Any], benchmark: str) -> Markup:
    rows = [
        [
            f"{100 * point['alpha']:.0f} %",
            number(point["seeds"], 0),
            *(_over_seeds(point["all"], column) for column in (*_MAP, _MEAN_SPREAD)),
        ]
        for point in curve["points"]
    ]
    head = ["Batches in one language", "Runs", *(column.title for column in (*_MAP, _MEAN_SPREAD))]
    return joined(
        [
            Markup("<h2>How many batches should be in one language?</h2>"),
            Markup(
                '<p class="xd-note">0 % is Cross-lingual, 100 % is Monolingual; Hybrid is in between. On {}.</p>'
            ).format(benchmark_title(benchmark)),
            table("mAP by the share of batches in one language", head, rows),
        ]
    )


def _over_seeds(figures: Mapping[str, Any], column: Column) -> Markup:
    found = figures.get(column.key)
    return number(None) if found is None else _interval(found, "mean", column)


def _interval(found: Mapping[str, Any], middle: str, column: Column, sign: str = "") -> Markup:
    texts = [None if found[key] is None else column.text(found[key], sign) for key in (middle, "low", "high")]
    return Markup("{}").format(texts[0]) if texts[1] is None else Markup("{} <small>[{}, {}]</small>").format(*texts)


def _percent(value: float | None, digits: int = 1) -> Markup:
    return number(None if value is None else 100 * value, digits)


def _shade(value: float | None, own: bool) -> Markup:
    # One hue, light enough for dark text throughout; the number itself says everything.
    return Markup(' class="{}" style="background:hsl(205 65% {}%);color:#111"').format(
        "xd-own" if own else "", f"{97 - 42 * (value or 0.0):.0f}"
    )
