"""Compare two systems from their results files: differences with intervals, p values and a verdict.

A is the baseline, B the candidate; a side may be several results files, of models that differ in their seed only.
Nothing is evaluated again: the values per query lie beside the results files. The statistics are those of
`hf_hybrid.metrics.significance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.figures import find_figure, main_keys
from hf_hybrid.evaluation.paired_figures import Side, paired_figures
from hf_hybrid.evaluation.provenance import versions
from hf_hybrid.metrics.significance import PairedDifference, holm

COMPARISON_VERSION = 1


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
    paired = paired_figures(a, b, resamples=resamples, seed=seed)
    sides, first = paired.sides, paired.sides[0].values[0]
    level = 1 - confidence
    entries = _entries(paired.found, paired.names, margin, confidence)
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
            "k": paired.k,
            "clusters": paired.clusters,
            "seeds_paired": paired.seeds_paired,
        },
        "figures": {name: _with_verdict(entries[name], name, level) for name in paired.figures if name in entries},
        "per_language": _per_language(entries, first.languages, level),
        "versions": versions(),
    }


def _check_options(margin: float, resamples: int, confidence: float) -> None:
    if not margin > 0:
        raise InputError(f"--margin must be above 0, got {margin}: the largest loss that does not count")
    if resamples < 100:
        raise InputError(f"--resamples must be at least 100, got {resamples}")
    if not 0.5 <= confidence < 1:
        raise InputError(f"--confidence must be at least 0.5 and below 1, got {confidence}")


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
        if figure is not None and figure.key in main_keys():
            entry |= {"p_not_worse": not_worse[index], "p_equivalent": equivalent[index]}
        entries[name] = {key: float(value) for key, value in entry.items()}
    return entries


def _per_language(
    entries: Mapping[str, dict[str, float]], languages: Sequence[str], level: float
) -> dict[str, dict[str, dict[str, Any]]]:
    """Entries of each query language, p values corrected over the languages of a figure."""
    per_language: dict[str, dict[str, dict[str, Any]]] = {}
    for name in main_keys():
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


def _describe(side: Side) -> dict[str, Any]:
    return {
        "files": side.paths,
        "models": [results.model.to_json() for results in side.results],
        "seeds": [results.seed for results in side.results],
    }
