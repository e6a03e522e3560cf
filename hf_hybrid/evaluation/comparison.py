"""Compare two systems from their results files: differences with intervals, p values and a verdict.

A is the baseline, B the candidate; a side may be several results files, of models that differ in their seed only.
Nothing is evaluated
again: the values per query lie beside the results files. The statistics are those of `hf_hybrid.metrics.significance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.figures import Cells, Figure, compared_figures, find_figure, main_figures
from hf_hybrid.evaluation.provenance import versions
from hf_hybrid.evaluation.query_values import QueryValues, read_query_values
from hf_hybrid.evaluation.results import Results
from hf_hybrid.metrics.significance import PairedDifference, cluster_sums, holm, paired_difference

COMPARISON_VERSION = 1


@dataclass(frozen=True)
class _Side:
    """The results of one system, one entry for each seed."""

    paths: list[str]
    results: list[Results]
    values: list[QueryValues]


def compare_results(
    a: Sequence[str | Path],
    b: Sequence[str | Path],
    *,
    margin: float = 0.01,
    resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Compare two systems.

    Args:
        a: results files of the baseline, one for each seed.
        b: results files of the candidate.
        margin: largest loss of the main measure (mAP; nDCG@10 of corpora; F1 of a reader) that does not count, for
            the tests of non-inferiority and equivalence.
        resamples: bootstrap and permutation draws.
        seed: of the draws.
        confidence: of the intervals; one minus it is the level of the tests.

    Returns:
        JSON types: ``a``, ``b`` (files, models, seeds), ``benchmark``, ``settings``, ``figures`` (figure -> a, b,
        difference, low, high, p_value, verdict; for the main measure also p_not_worse and p_equivalent) and
        ``per_language`` (language -> those of `main_figures`, with p_holm instead of p_not_worse and p_equivalent; the
        family of Holm's correction are the languages of one figure).

    Raises:
        InputError: a file is missing or damaged, has no values per query, or the files are not of the same benchmark,
            data or queries: names what differs.

    Example:
        >>> compare_results(["mono.json"], ["hybrid.json"])["figures"]["mul_map"]["verdict"]  # doctest: +SKIP
        'B better'
    """
    _check_options(margin, resamples, confidence)
    sides = [_read_side(paths) for paths in (a, b)]
    _check_same(sides)
    first = sides[0].values[0]
    num_languages = len(first.languages)
    k = sides[0].results[0].settings.k
    figures = _comparable_figures(sides, k)
    columns = [[_columns(values, figures) for values in side.values] for side in sides]
    absent = np.any([np.isnan(values) for side in columns for values in side], axis=0)
    sums = [
        [
            cluster_sums(np.where(absent, np.nan, values), first.query_languages, first.clusters, num_languages)
            for values in side
        ]
        for side in columns
    ]
    if len(sums[0][0].counts) < 2:
        raise InputError(f"{sides[0].paths[0]}: all queries form one cluster, so nothing can be said about chance")
    names, averages = _averages(sums[0][0].counts.sum(axis=0), figures, num_languages)
    seeds = [[results.seed for results in side.results] for side in sides]
    paired_seeds = _can_pair(*seeds)
    if paired_seeds:
        sums[1] = [sums[1][seeds[1].index(one)] for one in seeds[0]]
    found = paired_difference(*sums, averages, resamples=resamples, seed=seed, paired_seeds=paired_seeds)
    level = 1 - confidence
    entries = _entries(found, names, margin, confidence)
    return {
        "comparison_version": COMPARISON_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "a": _describe(sides[0]),
        "b": _describe(sides[1]),
        "benchmark": sides[0].results[0].benchmark.to_json(),
        "settings": {
            "margin": margin,
            "resamples": resamples,
            "seed": seed,
            "confidence": confidence,
            "k": k,
            "clusters": len(sums[0][0].counts),
            "seeds_paired": paired_seeds,
        },
        "figures": {name: _with_verdict(entries[name], name, level) for name in figures if name in entries},
        "per_language": _per_language(entries, first.languages, level),
        "versions": versions(),
    }


def _main_keys() -> list[str]:
    return [figure.key for figures in main_figures() for figure in figures]


def _can_pair(a: list[int | None], b: list[int | None]) -> bool:
    """Whether both sides name the same several, distinct seeds."""
    return len(a) > 1 and None not in (*a, *b) and len(set(a)) == len(a) and sorted(a) == sorted(b)


def _check_options(margin: float, resamples: int, confidence: float) -> None:
    if not margin > 0:
        raise InputError(f"--margin must be above 0, got {margin}: the largest loss that does not count")
    if resamples < 100:
        raise InputError(f"--resamples must be at least 100, got {resamples}")
    if not 0.5 <= confidence < 1:
        raise InputError(f"--confidence must be at least 0.5 and below 1, got {confidence}")


def _read_side(paths: Sequence[str | Path]) -> _Side:
    names = [str(path) for path in paths]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise InputError(f"{repeated} is named twice on one side: name the results of each seed once")
    results = [Results.load(path) for path in names]
    return _Side(names, results, [read_query_values(*pair) for pair in zip(names, results, strict=True)])


def _check_same(sides: Sequence[_Side]) -> None:
    """Everything is compared with the first file of A."""
    path, results, values = sides[0].paths[0], sides[0].results[0], sides[0].values[0]
    for side in sides:
        for other_path, other, other_values in zip(side.paths, side.results, side.values, strict=True):
            if difference := results.differs_from(other):
                raise InputError(
                    f"{path} and {other_path} cannot be compared: {difference}; evaluate both on the same data with "
                    "the same settings"
                )
            _check_queries(path, values, other_path, other_values)


def _check_queries(path: str, values: QueryValues, other_path: str, other: QueryValues) -> None:
    if values.query_ids != other.query_ids:
        ours, theirs = set(values.query_ids), set(other.query_ids)
        odd = next(iter(sorted(ours ^ theirs)), None)
        detail = "their order differs" if odd is None else f"query {odd!r} is in one only"
        raise InputError(f"{path} and {other_path} cannot be compared: not the same queries, {detail}")
    if not np.array_equal(values.clusters, other.clusters):
        raise InputError(f"{path} and {other_path} cannot be compared: their queries are clustered differently")


def _comparable_figures(sides: Sequence[_Side], k: int) -> dict[str, Figure]:
    """Name -> figure, for those that all files have values of."""
    every = [values.values for side in sides for values in side.values]
    figures = compared_figures(k)
    return {name: one for name, one in figures.items() if all(one.per_query.column in values for values in every)}


def _widths(figures: Mapping[str, Figure], num_languages: int) -> dict[str, int]:
    """Column of the values per query -> how many numbers it has for a query; the lists come first."""
    found = dict.fromkeys((one.per_query.column for one in figures.values() if one.per_query.is_list), num_languages)
    return found | dict.fromkeys((one.per_query.column for one in figures.values() if not one.per_query.is_list), 1)


def _columns(values: QueryValues, figures: Mapping[str, Figure]) -> np.ndarray:
    """All columns side by side, as wide as `_widths` says; float64 ``[Q, J]``."""
    return np.column_stack([values.values[name] for name in _widths(figures, len(values.languages))])


def _averages(counts: np.ndarray, figures: Mapping[str, Figure], num_languages: int) -> tuple[list[str], np.ndarray]:
    """Names and weights ``[M, K]`` of the figures, each a mean over the cells that exist; ``NAME:CODE`` is of one
    query language.
    """
    start, width = {}, 0
    for column, numbers in _widths(figures, num_languages).items():
        start[column] = width
        width += numbers
    exists = (counts > 0).reshape(num_languages, width)
    codes = np.arange(num_languages)

    def mean_over(column: str, cells: Cells, rows: np.ndarray) -> np.ndarray | None:
        chosen = np.zeros((num_languages, width), dtype=bool)
        if cells is Cells.POOL:
            chosen[rows, start[column]] = True
        elif cells is Cells.OWN:
            chosen[rows, start[column] + rows] = True
        else:
            for row in rows:
                chosen[row, start[column] + np.delete(codes, row)] = True
        chosen &= exists
        return chosen / chosen.sum() if chosen.any() else None

    def weights(figure: Figure, rows: np.ndarray) -> np.ndarray | None:
        column, cells = figure.per_query
        if cells is not Cells.OWN_LESS_OTHER:
            return mean_over(column, cells, rows)
        own, other = (mean_over(column, side, rows) for side in (Cells.OWN, Cells.OTHER))
        return None if own is None or other is None else own - other

    found = {name: weights(figure, codes) for name, figure in figures.items()}
    for code in codes:
        for name, figure in figures.items():
            if figure.key in _main_keys():
                found[f"{name}:{code}"] = weights(figure, codes[code : code + 1])
    found = {name: one for name, one in found.items() if one is not None}
    return list(found), np.stack([one.ravel() for one in found.values()], axis=1)


def _entries(
    found: PairedDifference, names: list[str], margin: float, confidence: float
) -> dict[str, dict[str, float]]:
    low, high = found.interval(confidence)
    not_worse, equivalent = found.not_worse(margin), found.equivalent(margin)
    entries = {}
    for index, name in enumerate(names):
        entry = {
            "a": found.a[index],
            "b": found.b[index],
            "difference": found.difference[index],
            "low": low[index],
            "high": high[index],
            "p_value": found.p_value[index],
        }
        figure = find_figure(name.partition(":")[0])
        if figure is not None and figure.key in _main_keys():
            entry |= {"p_not_worse": not_worse[index], "p_equivalent": equivalent[index]}
        entries[name] = {key: float(value) for key, value in entry.items()}
    return entries


def _per_language(
    entries: Mapping[str, dict[str, float]], languages: Sequence[str], level: float
) -> dict[str, dict[str, dict[str, Any]]]:
    """Entries of each query language, p values corrected over the languages of a figure."""
    per_language: dict[str, dict[str, dict[str, Any]]] = {}
    for name in _main_keys():
        present = [
            (tag, entries[f"{name}:{code}"]) for code, tag in enumerate(languages) if f"{name}:{code}" in entries
        ]
        adjusted = holm(np.array([entry["p_value"] for _, entry in present]))
        for (tag, entry), p_holm in zip(present, adjusted, strict=True):
            # Only the comparison with zero is corrected: the two other tests would each need a family of their own.
            kept = {key: value for key, value in entry.items() if key not in ("p_not_worse", "p_equivalent")}
            kept["p_holm"] = float(p_holm)
            per_language.setdefault(tag, {})[name] = _with_verdict(kept, name, level)
    return {tag: per_language[tag] for tag in languages if tag in per_language}


def _with_verdict(entry: Mapping[str, float], name: str, level: float) -> dict[str, Any]:
    figure = find_figure(name)
    return {**entry, "verdict": verdict(entry, figure and figure.higher_is_better, level)}


def verdict(entry: Mapping[str, float], higher_is_better: bool | None, level: float = 0.05) -> str:
    """Say in words what the tests allow to say.

    Args:
        entry: ``difference``, ``p_value`` or ``p_holm``, and where there is a margin ``p_not_worse`` and
            ``p_equivalent``.
        higher_is_better: None where neither direction is better.
        level: of the tests.

    Example:
        >>> verdict({"difference": -0.002, "p_value": 0.3, "p_not_worse": 0.001, "p_equivalent": 0.2}, True)
        'B not worse by the margin'
    """
    if entry.get("p_holm", entry["p_value"]) < level:
        rises = entry["difference"] > 0
        if higher_is_better is None:
            return "B higher" if rises else "B lower"
        if rises == higher_is_better:
            return "B better"
        small = entry.get("p_not_worse", 1.0) < level
        return "B worse, by less than the margin" if small else "B worse"
    if entry.get("p_equivalent", 1.0) < level:
        return "equal within the margin"
    if entry.get("p_not_worse", 1.0) < level:
        return "B not worse by the margin"
    return "undecided"


def _describe(side: _Side) -> dict[str, Any]:
    return {
        "files": side.paths,
        "models": [results.model.to_json() for results in side.results],
        "seeds": [results.seed for results in side.results],
    }
