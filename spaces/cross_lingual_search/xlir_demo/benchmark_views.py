"""The measured numbers as charts, with the tables behind them, and what they mean for people who have never heard of
mAP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hf_hybrid.evaluation.figures import DEMO, MAIN, SETTINGS, Column, column_of
from hf_hybrid.evaluation.results import Results
from hf_hybrid.publishing.cards.titles import benchmark_title

from .charts import Mark, bars, curve, differences
from .checkpoints import title_of
from .heat import heat
from .markup import Markup, details, joined, message, native, number, percent, table, view
from .published import Published

MISSING = (
    "No measured results lie beside the checkpoints, so there are no numbers to show. `hf-hybrid evaluate CHECKPOINT "
    "--benchmark world_facts --output CHECKPOINT/results/world_facts.json` measures them; the search works without."
)
_MAP = tuple(column_of(f"{setting}_{MAIN}", DEMO) for setting in SETTINGS)
_SPREAD, _MEAN_SPREAD = (column_of(key, DEMO) for key in ("rank_distance_median", "rank_distance"))
# Ways of training: their name on the page, and what their batches are.
_ARMS = {
    "x-x": ("Same language", "pairs in one language, languages mixed in a batch"),
    "x-x-mono": ("Monolingual", "one language a batch"),
    "x-y": ("Cross-lingual", "two languages a batch"),
    "hybrid": ("Hybrid", "one or two languages, by turns"),
    "base": ("No training", "the encoder as it comes"),
    "base_means": ("Means subtracted", "no training, but the mean of each language subtracted"),
}


def benchmark_view(published: Published, benchmark: str | None, checkpoint: str, address: str = "") -> str:
    """Everything that was measured on a benchmark.

    Args:
        published: what there is.
        benchmark: one of its benchmarks; None or another takes the first.
        checkpoint: whose matrix is shown.
        address: that opens it again.
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
        parts += [_arms(published.arms, published.arms_of), _claims(published.arms)]
    if published.alpha is not None:
        points, benchmark = published.alpha["alpha"]["points"], published.alpha["benchmark"]["name"]
        parts.append(_alpha(points, benchmark, published.alpha_of))
    return view("Measured results", *parts, address=address)


def _checkpoints(results: Mapping[str, Results]) -> Markup:
    first = next(iter(results.values()))
    about, k = first.benchmark, first.settings.k or 10
    own, rows = column_of(f"own_language_share_at_{k}", DEMO, k), []
    for name, one in results.items():
        summary = one.summary
        scores = [_percent(summary.get(column.key)) for column in _MAP]
        rows.append([title_of(name), *scores, _percent(summary.get(own.key), 0), number(summary.get(_SPREAD.key), 0)])
    fair = first.summary.get("own_language_share_of_pool")
    head = ["Checkpoint", *(column.title for column in (*_MAP, own, _SPREAD))]
    name = benchmark_title(about.name)
    return joined(
        [
            Markup("<h2>How well does each checkpoint search?</h2>"),
            Markup(
                '<p class="xd-note">Measured on <b>{}</b>: {} questions and {} passages in {} languages. <b>mAP</b> is a mark from 0 to 100: 100 means that '
                "every right answer stands above every wrong one, for every question. It is given three times. <b>Same "
                "language</b>: question and passages are in one language. <b>Another language</b>: the passages are in "
                "one other language. <b>All at once</b>: all passages of all languages are searched together, and the "
                "answers in all of them have to come first.</p>"
            ).format(name, f"{about.queries:,}", f"{about.candidates:,}", len(about.languages)),
            Markup('<div class="xd-charts">{}</div>').format(
                joined([_own_bars(results, own, k, fair), *(_map_bars(results, column) for column in _MAP)])
            ),
            details(
                "The same as a table",
                table(f"mAP and language bias on {name}", head, rows),
                Markup(
                    '<p class="xd-note">Own language: how many of the first {} results are in the language of the question. Spread: how many places lie '
                    "between the best and the worst placed translation of the same answer, for the question in the "
                    "middle (median); fewer is better.</p>"
                ).format(k),
            ),
        ]
    )


def _map_bars(results: Mapping[str, Results], column: Column) -> Markup:
    values = {name: one.summary.get(column.key) for name, one in results.items()}
    marks = [Mark(title_of(name), column.text(value), value) for name, value in values.items() if value is not None]
    return _chart(f"{column.title}, mAP", bars(f"mAP, {column.title}", marks, 1.0)) if marks else Markup("")


def _own_bars(results: Mapping[str, Results], own: Column, k: int, fair: float | None) -> Markup:
    values = {name: one.summary.get(own.key) for name, one in results.items()}
    marks = [Mark(title_of(name), percent(value), value) for name, value in values.items() if value is not None]
    if not marks:
        return Markup("")
    line = None if fair is None else (fair, f"a fair list: {percent(fair)}")
    return _chart(f"First {k} results in the question’s language", bars("Own-language share", marks, 1.0, line))


def _chart(title: str, picture: Markup) -> Markup:
    return Markup("<div><h3>{}</h3>{}</div>").format(title, picture)


def _matrix(results: Mapping[str, Results], checkpoint: str) -> Markup:
    name = checkpoint if checkpoint in results else next(iter(results))
    one = results[name]
    languages, cells = one.benchmark.languages, one.measures[MAIN].cells
    rows = [
        [native(tag), *((heat(value, row == column), _percent(value, 0)) for column, value in enumerate(values))]
        for row, (tag, values) in enumerate(zip(languages, cells, strict=True))
    ]
    caption = f"mAP of {title_of(name)}: language of the question by language of the passages"
    return joined(
        [
            Markup("<h2>Every pair of languages</h2>"),
            Markup(
                '<p class="xd-note">Checkpoint <b>{}</b>. A row is a language of the questions, a column the only language of the passages; the framed '
                "diagonal is searching within one language. Strong colour is good.</p>"
            ).format(title_of(name)),
            table(caption, ["", *map(native, languages)], rows, kind="xd-matrix", corner=False),
        ]
    )


def _arms(content: Mapping[str, Any], checkpoint: str) -> Markup:
    level = content["settings"]["confidence"]
    rows = [
        [
            Markup("{}: {} <code>{}</code>").format(*_ARMS[name], name) if name in _ARMS else name,
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
                '<p class="xd-note">Encoders like <b>{}</b>, on {}. What has brackets was trained again from the same start with other random numbers. In '
                "brackets: where the mean of many such runs would lie, with {} % confidence. Ways whose brackets are far apart really "
                "differ.</p>"
            ).format(title_of(checkpoint), benchmark_title(content["benchmark"]["name"]), f"{100 * level:.0f}"),
            Markup('<div class="xd-charts">{}</div>').format(
                joined(_arm_bars(content["arms"], column) for column in _MAP)
            ),
            details("The same as a table", table("Mean over runs with intervals", head, rows)),
        ]
    )


def _arm_bars(arms: Mapping[str, Any], column: Column) -> Markup:
    found = {name: arm["figures"].get(column.key) for name, arm in arms.items()}
    marks = [
        Mark(_arm_name(name), column.text(one["mean"]), one["mean"], one["low"], one["high"])
        for name, one in found.items()
        if one is not None
    ]
    most = max((mark.value for mark in marks), default=1.0) or 1.0
    return _chart(f"{column.title}, mAP", bars(f"mAP, {column.title}", marks, most)) if marks else Markup("")


def _arm_name(name: str) -> str:
    return _ARMS[name][0] if name in _ARMS else name


def _claims(content: Mapping[str, Any]) -> Markup:
    if not content.get("claims"):
        return Markup("")
    rows = [
        [
            Markup("Hybrid: {}").format(entry["text"]),
            Markup("{} <code>{}</code>").format(_arm_name(entry["against"]), entry["against"]),
            _interval(entry, "difference", column_of(entry["figure"], DEMO), sign="+"),
            _margin(entry),
            Markup("<b>{}</b>").format(entry["verdict"]),
        ]
        for entry in content["claims"]
    ]
    head = ["What the paper says", "Against", "Difference we found", "Allowed to be worse by", "Does it hold here?"]
    return joined(
        [
            Markup("<h2>Do the paper’s claims hold here?</h2>"),
            Markup(
                '<p class="xd-note">Hybrid less the other way of training: a dot, and the interval that it lies in. “At least as good” allows hybrid to be '
                "worse by a margin that was fixed before, the band. <b>Not resolved</b> means that neither is shown.</p>"
            ),
            Markup('<div class="xd-charts">{}</div>').format(joined(_claim_charts(content["claims"]))),
            details("The same as a table", table("Claims and verdicts", head, rows)),
        ]
    )


def _margin(entry: Mapping[str, Any]) -> Markup:
    if entry.get("margin") is None:
        return Markup("nothing")
    column = column_of(entry["figure"], DEMO)
    unit = "points" if column.factor == 100 else "places"
    return Markup("{} {}").format(column.text(entry["margin"]), unit)


def _claim_charts(claims: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """A chart for each claim, with everything that it is held against."""
    charts = []
    for key in dict.fromkeys((entry["claim"], entry["text"]) for entry in claims):
        entries = [
            entry for entry in claims if (entry["claim"], entry["text"]) == key and entry["difference"] is not None
        ]
        if not entries:
            continue
        column = column_of(entries[0]["figure"], DEMO)
        marks = [
            Mark(
                f"against {_arm_name(entry['against'])}",
                f"{column.text(entry['difference'], '+')}, {entry['verdict']}",
                *(
                    None if entry[name] is None else column.factor * entry[name]
                    for name in ("difference", "low", "high")
                ),
            )
            for entry in entries
        ]
        margin = entries[0].get("margin")
        unit = "points of mAP" if column.factor == 100 else "places"
        allowed = "" if margin is None else f"; may be worse by {column.text(margin)}"
        title = f"{entries[0]['text'][:1].upper()}{entries[0]['text'][1:]}, {unit}{allowed}"
        better = "left" if entries[0]["kind"] == "lower" else "right"
        charts.append(
            _chart(title, differences(title, marks, None if margin is None else column.factor * margin, better))
        )
    return charts


def _alpha(points: Sequence[Mapping[str, Any]], benchmark: str, checkpoint: str) -> Markup:
    rows = [
        [
            f"{100 * point['alpha']:.0f} %",
            number(point["seeds"], 0),
            *(_over_seeds(point["all"], column) for column in (*_MAP, _MEAN_SPREAD)),
        ]
        for point in points
    ]
    head = ["Batches in one language", "Runs", *(column.title for column in (*_MAP, _MEAN_SPREAD))]
    return joined(
        [
            Markup("<h2>How many batches should be in one language?</h2>"),
            Markup(
                '<p class="xd-note">0 % is Cross-lingual, 100 % is Monolingual; Hybrid is in between. Encoders like <b>{}</b>, '
                "on {}.</p>"
            ).format(title_of(checkpoint), benchmark_title(benchmark)),
            Markup('<div class="xd-charts">{}</div>').format(
                joined(_curve_of(points, column) for column in (*_MAP, _MEAN_SPREAD))
            ),
            details("The same as a table", table("mAP by the share of batches in one language", head, rows)),
        ]
    )


def _curve_of(points: Sequence[Mapping[str, Any]], column: Column) -> Markup:
    known = [(point["alpha"], point["all"][column.key]) for point in points if column.key in point["all"]]
    if len(known) < 2:
        return Markup("")
    factor = column.factor
    marks = [
        Mark(
            f"{100 * alpha:.0f} %",
            column.text(one["mean"]),
            *(None if one[name] is None else factor * one[name] for name in ("mean", "low", "high")),
        )
        for alpha, one in known
    ]
    title = f"{column.title}, mAP" if factor == 100 else column.title
    return Markup("<div>{}</div>").format(curve(title, marks, [alpha for alpha, _ in known], column.decimals))


def _over_seeds(figures: Mapping[str, Any], column: Column) -> Markup:
    found = figures.get(column.key)
    return number(None) if found is None else _interval(found, "mean", column)


def _interval(found: Mapping[str, Any], middle: str, column: Column, sign: str = "") -> Markup:
    texts = [None if found[key] is None else column.text(found[key], sign) for key in (middle, "low", "high")]
    return Markup("{}").format(texts[0]) if texts[1] is None else Markup("{} <small>[{}, {}]</small>").format(*texts)


def _percent(value: float | None, digits: int = 1) -> Markup:
    return number(None if value is None else 100 * value, digits)
