"""Results files of round numbers, written without evaluating anything, for the tests of cards and arms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LANGUAGES = ("de", "th", "zh-Hant")


def results(
    mo: float = 0.5, seed: int | None = 1, benchmark: str = "xquad_r", languages: tuple[str, ...] = LANGUAGES
) -> dict[str, Any]:
    """Mo is given; Cr, Mul and the values of the languages follow from it."""
    size = len(languages)
    per_language = {
        tag: {
            "mo_map": mo + 0.1 * (1 - index),
            "cr_map": mo / 2 + 0.1 * (1 - index),
            "mul_map": mo / 4 + 0.01 * (1 - index),
            "rank_distance": 1000.0 * (index + 1),
            "own_language_share": 0.25,
        }
        for index, tag in enumerate(languages)
    }
    summary = {
        "mo_map": mo,
        "cr_map": mo / 2,
        "mul_map": mo / 4,
        "rank_distance": 2000.0,
        "rank_distance_median": 1500.5,
        "rank_distance_normalised": 0.125,
        "own_language_share_at_10": 0.25,
        "own_language_share_of_pool": 0.0909,
    }
    cells = [[mo if row == column else mo / 2 for column in range(size)] for row in range(size)]
    return {
        "schema_version": 1,
        "created": "2026-01-02T03:04:05+00:00",
        "model": {"name": "runs/small", "revision": None},
        "benchmark": {
            "name": benchmark,
            "languages": list(languages),
            "queries": 1190 * size,
            "candidates": 1200 * size,
            "queries_per_language": [1190] * size,
            "candidates_per_language": [1200] * size,
            "data_sha256": "ab" * 32,
            "settings": {"candidate_text": "sentence"},
        },
        "settings": {"k": 10, "ties": "expected", "query_prompt": "", "passage_prompt": ""},
        "seed": seed,
        "summary": summary,
        "measures": {"map": {"cells": cells, "pool": [mo / 4] * size}},
        "per_language": per_language,
        "language_share": {"k": 10, "top": [[1 / size] * size] * size},
        "bias": None,
        "seconds": {"encode": 1.0},
        "versions": {"python": "3.11"},
        "hardware": {"machine": "x86_64", "cpus": 2, "accelerator": None},
        "per_query": None,
    }


def write(path: Path, content: Any) -> Path:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path
