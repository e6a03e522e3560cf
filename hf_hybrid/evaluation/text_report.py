"""Plain-text tables of an evaluation, fitted to a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hf_hybrid.evaluation.figures import LANGUAGES, SETTINGS, SUMMARY, column_of, columns, measures_at

if TYPE_CHECKING:
    from hf_hybrid.evaluation.measured import Evaluation


def matrix_table(languages: Sequence[str], cells: np.ndarray, width: int = 80) -> str | None:
    """The language matrix in percent, or None where it does not fit.

    Args:
        languages: the L tags.
        cells: float64 ``[L, L]`` between 0 and 1, query language by candidate language.
        width: columns of the terminal. One decimal is shown where it fits, else none.

    Example:
        >>> print(matrix_table(["de", "en"], np.array([[0.5, 0.25], [np.nan, 1.0]])))
              de    en
        de  50.0  25.0
        en     - 100.0
    """
    label = max(len(tag) for tag in languages)
    for decimals, column in ((1, 6), (0, 4)):
        column = max(column, label + 1)
        if label + column * len(languages) > width:
            continue
        header = " " * label + "".join(f"{tag:>{column}}" for tag in languages)
        rows = [
            f"{tag:<{label}}" + "".join(f"{_percent(value, decimals):>{column}}" for value in row)
            for tag, row in zip(languages, cells, strict=True)
        ]
        return "\n".join([header, *rows])
    return None


def language_table(per_language: Mapping[str, Mapping[str, float]], k: int) -> str:
    """One line per query language: Mo, Cr, Mul in percent, rank distance, share of the own language in the top k."""
    shown = columns(LANGUAGES, k, by_language=True)
    label = max(len("query"), *(len(tag) for tag in per_language))
    widths = [max(len(column.title), 6) + 2 for column in shown]
    titles = "".join(f"{column.title:>{width}}" for column, width in zip(shown, widths, strict=True))
    lines = [f"{'query':<{label}}{titles}"]
    for tag, values in per_language.items():
        cells = [column.text(values.get(column.key)) for column in shown]
        lines.append(
            f"{tag:<{label}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        )
    return "\n".join(lines)


def summary_table(evaluation: Evaluation) -> str:
    """The figures of the whole evaluation, one a line."""
    figures, k = evaluation.summary(), evaluation.settings["k"]
    titles = {name: measure.title.format(k=k) for name, measure in measures_at(k).items()}
    label = max(12, *(len(title) + 1 for title in titles.values()))
    lines = [" " * label + "".join(f"{setting.title:>8}" for setting in SETTINGS.values())]
    for name, title in titles.items():
        keys = [f"{setting}_{name}" for setting in SETTINGS]
        lines.append(
            f"{title:<{label}}" + "".join(f"{column_of(key, SUMMARY).text(figures.get(key)):>8}" for key in keys)
        )
    share = evaluation.language_share
    own = _told(f"own_language_share_at_{k}", share.own)
    if "rank_distance" in figures:
        mean, median, normalised = (
            _told(key, figures[key]) for key in ("rank_distance", "rank_distance_median", "rank_distance_normalised")
        )
        lines.append(f"Rank distance: mean {mean}, median {median}, {normalised} % of the pool")
    pool = _told("own_language_share_of_pool", share.pool)
    lines.append(f"Own language: {own} % of the top {k}, {pool} % of the pool")
    return "\n".join([*lines, *_bias_lines(evaluation)])


def _bias_lines(evaluation: Evaluation) -> list[str]:
    """The further measures of language bias, those that exist; a measure that does not is left out or says why."""
    figures, bias, k = evaluation.summary(), evaluation.bias, evaluation.settings["k"]
    lines = []
    if "max_rank" in figures:
        mean, median = (_told(key, figures[key]) for key in ("max_rank", "max_rank_median"))
        lines.append(f"All answers found (Max@R): mean rank {mean}, median {median}")
    if "one_target_own_advantage" in figures:
        values = [figures[f"one_target_{key}"] for key in ("own_map", "other_map", "own_advantage")]
        own, other, advantage = (
            column_of("one_target_own_map", SUMMARY).text(value, sign)
            for value, sign in zip(values, ("", "", "+"), strict=True)
        )
        lines.append(
            f"One target in the pool: mAP {own} in the query's language, {other} in another, advantage {advantage}"
        )
    top, fairness, least = (
        _told(key, figures.get(key)) for key in (f"language_divergence_at_{k}", f"awrf_at_{k}", f"awrf_min_max_at_{k}")
    )
    line = f"Languages of the top {k} against the pool: divergence {top} bits"
    lines.append(f"{line}, AWRF {fairness}, min/max {least}" if f"awrf_at_{k}" in figures else line)
    if "kendall_w" in figures:
        strength = _told("kendall_w", figures["kendall_w"])
        lines.append(f"Order of the parallel answers: Kendall's W {strength} (0: no language preferred)")
    if "mlrs_own" in figures and "mlrs_other" in figures:
        own, other = (_told(key, figures[key]) for key in ("mlrs_own", "mlrs_other"))
        lines.append(
            f"Rise when answers are swapped for their translation (MLRS): into the query's language {own} %, into "
            f"another {other} %"
        )
    if bias.peer.value is not None:
        lines.append(f"PEER: {_told('peer', bias.peer.value)} over {bias.peer.queries:,} queries")
    return lines


def evaluation_report(evaluation: Evaluation, width: int = 80) -> str:
    """All of it: the matrix where it fits, the languages, the summary."""
    parts = []
    matrix = matrix_table(evaluation.languages, evaluation.matrix, width)
    if matrix is not None:
        parts.append(f"mAP in percent, query language (row) by candidate language (column)\n{matrix}")
    parts.append(language_table(evaluation.per_language(), evaluation.settings["k"]))
    parts.append(summary_table(evaluation))
    return "\n\n".join(parts)


def _percent(value: float, decimals: int) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.{decimals}f}"


def _told(key: str, value: float | None) -> str:
    """A figure in a sentence."""
    return column_of(key, LANGUAGES).text(value)
