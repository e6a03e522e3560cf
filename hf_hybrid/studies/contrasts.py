"""The contrasts that a study declared, judged: B against A, seeds drawn above clusters, Holm over the contrasts and,
within each, over languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from hf_hybrid.evaluation.paired_figures import PairedFigures, paired_figures
from hf_hybrid.metrics.significance import holm
from hf_hybrid.studies.findings import FAILS, HOLDS, OPEN, Finding, Table, points
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.statistics.power import smallest_seen
from hf_hybrid.studies.study import EQUAL, HIGHER, LOWER, NOT_WORSE, Contrast

LEVEL = 0.05
RESAMPLES = 10_000


def judge_contrasts(
    results: StudyResults, contrasts: Sequence[Contrast], resamples: int = RESAMPLES
) -> tuple[list[Finding], list[Table], list[dict[str, Any]]]:
    """Findings, tables by language and content of declared contrasts.

    Args:
        results: Of the study.
        contrasts: In their order.
        resamples: Draws.

    Raises:
        InputError: Results files do not belong together.
    """
    found = [
        paired_figures(
            results.files(one.benchmark, one.a),
            results.files(one.benchmark, one.b),
            resamples=resamples,
            only=[one.figure],
        )
        for one in contrasts
    ]
    entries = [entry_of(pair, one) for pair, one in zip(found, contrasts, strict=True)]
    adjusted = holm(np.array([entry["p_value"] for entry in entries])) if entries else []
    findings, tables, content = [], [], []
    for pair, one, entry, p_holm in zip(found, contrasts, entries, adjusted, strict=True):
        entry["p_holm"] = float(p_holm)
        verdict = verdict_of(one.kind, entry)
        findings.append(
            Finding(
                one.name,
                one.text,
                verdict,
                entry["difference"],
                entry["low"],
                entry["high"],
                "mAP" if one.figure.endswith("_map") else one.figure,
                len(pair.seeds[1]),
                pair.clusters,
                entry["p_holm"],
                entry["smallest_seen"],
            )
        )
        by_language = language_entries(pair, one.figure)
        content.append({**asdict(one), "verdict": verdict, **entry, "per_language": by_language})
        if by_language:
            tables.append(_table(one, by_language))
    return findings, tables, content


def entry_of(pair: PairedFigures, contrast: Contrast) -> dict[str, float]:
    """Difference with interval, p value of the declared kind, and what could have been seen."""
    place, found = pair.place(contrast.figure), pair.found
    low, high = (float(end[place]) for end in found.interval(1 - LEVEL))
    tests = {
        NOT_WORSE: lambda: found.not_worse(contrast.margin),
        EQUAL: lambda: found.equivalent(contrast.margin),
    }
    p_value = tests[contrast.kind]() if contrast.kind in tests else found.p_value
    return {
        "value_a": float(found.a[place]),
        "value_b": float(found.b[place]),
        "difference": float(found.difference[place]),
        "low": low,
        "high": high,
        "p_value": float(p_value[place]),
        "smallest_seen": float(smallest_seen(found.standard_error[place], found.degrees[place], LEVEL)),
    }


def verdict_of(kind: str, entry: Mapping[str, float]) -> str:
    """Holds, does not hold, or not resolved; by the test after Holm's correction, against by the interval.

    Example:
        >>> verdict_of("higher", {"difference": 0.02, "low": 0.01, "high": 0.03, "p_holm": 0.001})
        'holds'
        >>> verdict_of("not worse", {"difference": -0.02, "low": -0.03, "high": -0.01, "p_holm": 0.9})
        'does not hold'
    """
    significant = entry["p_holm"] < LEVEL
    above, below = entry["low"] > 0, entry["high"] < 0
    if kind == HIGHER:
        return HOLDS if significant and entry["difference"] > 0 else FAILS if below else OPEN
    if kind == LOWER:
        return HOLDS if significant and entry["difference"] < 0 else FAILS if above else OPEN
    if kind == NOT_WORSE:
        return HOLDS if significant else FAILS if below else OPEN
    return HOLDS if significant else FAILS if above or below else OPEN


def language_entries(pair: PairedFigures, figure: str) -> dict[str, dict[str, float]]:
    """Language -> difference, interval, p value after Holm's correction over the languages, smallest seen."""
    places = {tag: pair.place(figure, tag) for tag in pair.languages}
    places = {tag: place for tag, place in places.items() if place is not None}
    if not places:
        return {}
    found = pair.found
    low, high = found.interval(1 - LEVEL)
    rows = list(places.values())
    adjusted = holm(found.p_value[rows])
    seen = smallest_seen(found.standard_error[rows], found.degrees[rows], LEVEL, tests=len(rows))
    return {
        tag: {
            "difference": float(found.difference[place]),
            "low": float(low[place]),
            "high": float(high[place]),
            "p_holm": float(adjusted[number]),
            "smallest_seen": float(seen[number]),
        }
        for number, (tag, place) in enumerate(places.items())
    }


def _table(contrast: Contrast, by_language: Mapping[str, Mapping[str, float]]) -> Table:
    rows = [
        [
            tag,
            points(entry["difference"]),
            f"[{points(entry['low'])}, {points(entry['high'])}]",
            f"{entry['p_holm']:.4f}",
            points(entry["smallest_seen"], sign=False),
        ]
        for tag, entry in by_language.items()
    ]
    return Table(
        f"{contrast.text}, by language",
        ["language", "difference", "95 % interval", "p (Holm)", "smallest seen"],
        rows,
        f"{contrast.figure} on {contrast.benchmark}, points; smallest seen: the true difference that the first step "
        "of Holm's correction finds four times of five.",
    )
