"""Plain-text tables of an evaluation, fitted to a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

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
    columns = [
        ("Mo", "mo_map", 1),
        ("Cr", "cr_map", 1),
        ("Mul", "mul_map", 1),
        ("rank distance", "rank_distance", None),
        (f"own share of top {k}", "own_language_share", 1),
    ]
    label = max(len("query"), *(len(tag) for tag in per_language))
    widths = [max(len(title), 6) + 2 for title, _, _ in columns]
    lines = [
        f"{'query':<{label}}"
        + "".join(f"{title:>{width}}" for (title, _, _), width in zip(columns, widths, strict=True))
    ]
    for tag, values in per_language.items():
        cells = [_figure(values.get(name, math.nan), decimals) for _, name, decimals in columns]
        lines.append(
            f"{tag:<{label}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        )
    return "\n".join(lines)


def summary_table(evaluation: Evaluation) -> str:
    """The figures of the whole evaluation, one a line."""
    figures, k = evaluation.summary(), evaluation.settings["k"]
    percent = {
        "map": "mAP",
        "recall_at_1": "Recall@1",
        f"recall_at_{k}": f"Recall@{k}",
        "mrr": "MRR",
        f"ndcg_at_{k}": f"nDCG@{k}",
    }
    lines = [f"{'':<12}{'Mo':>8}{'Cr':>8}{'Mul':>8}"]
    for name, title in percent.items():
        cells = [_percent(figures.get(f"{setting}_{name}", math.nan), 2) for setting in ("mo", "cr", "mul")]
        lines.append(f"{title:<12}" + "".join(f"{cell:>8}" for cell in cells))
    distance = evaluation.rank_distance
    if not math.isnan(distance.mean):
        lines.append(
            f"Rank distance: mean {distance.mean:,.1f}, median {distance.median:,.1f}, "
            f"{100 * distance.normalised:.1f} % of the pool"
        )
    share = evaluation.language_share
    lines.append(f"Own language: {100 * share.own:.1f} % of the top {k}, {100 * share.pool:.1f} % of the pool")
    return "\n".join([*lines, *_bias_lines(evaluation)])


def _bias_lines(evaluation: Evaluation) -> list[str]:
    """The further measures of language bias, those that exist; a measure that does not is left out or says why."""
    figures, bias, k = evaluation.summary(), evaluation.bias, evaluation.settings["k"]
    lines = []
    if "max_rank" in figures:
        lines.append(
            f"All answers found (Max@R): mean rank {figures['max_rank']:,.1f}, median {figures['max_rank_median']:,.1f}"
        )
    if "one_target_own_advantage" in figures:
        own, other = figures["one_target_own_map"], figures["one_target_other_map"]
        lines.append(
            f"One target in the pool: mAP {100 * own:.2f} in the query's language, {100 * other:.2f} in another, "
            f"advantage {100 * (own - other):+.2f}"
        )
    top = f"Languages of the top {k} against the pool: divergence {figures[f'language_divergence_at_{k}']:.4f} bits"
    if f"awrf_at_{k}" in figures:
        top += f", AWRF {figures[f'awrf_at_{k}']:.4f}, min/max {figures[f'awrf_min_max_at_{k}']:.4f}"
    lines.append(top)
    if "kendall_w" in figures:
        lines.append(
            f"Order of the parallel answers: Kendall's W {figures['kendall_w']:.4f} (0: no language preferred)"
        )
    if "mlrs_own" in figures and "mlrs_other" in figures:
        lines.append(
            f"Rise when answers are swapped for their translation (MLRS): into the query's language "
            f"{figures['mlrs_own']:.1f} %, into another {figures['mlrs_other']:.1f} %"
        )
    if bias.peer.value is not None:
        lines.append(f"PEER: {bias.peer.value:.4f} over {bias.peer.queries:,} queries")
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


def _figure(value: float, decimals: int | None) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.1f}" if decimals is None else f"{100 * value:.{decimals}f}"
