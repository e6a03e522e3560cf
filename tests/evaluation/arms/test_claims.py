"""Verdicts by the interval."""

from __future__ import annotations

import pytest

from hf_hybrid.evaluation.arms.claims import HIGHER, LOWER, NOT_WORSE, claims_table, verdict_of


@pytest.mark.parametrize(
    ("kind", "low", "high", "p_not_worse", "expected"),
    [
        (HIGHER, 0.001, 0.004, 0.0, "holds"),
        (HIGHER, -0.001, 0.004, 0.0, "not resolved"),
        (HIGHER, -0.004, -0.001, 0.0, "does not hold"),
        (HIGHER, 0.0, 0.004, 0.0, "not resolved"),
        (LOWER, -200.0, -5.0, None, "holds"),
        (LOWER, -200.0, 5.0, None, "not resolved"),
        (LOWER, 5.0, 200.0, None, "does not hold"),
        (NOT_WORSE, -0.004, 0.002, 0.01, "holds"),
        # Worse, by less than the margin: at least as good as the margin asks.
        (NOT_WORSE, -0.006, -0.002, 0.0001, "holds"),
        (NOT_WORSE, -0.03, 0.002, 0.3, "not resolved"),
        (NOT_WORSE, -0.03, -0.008, 0.3, "does not hold"),
    ],
)
def test_verdict(kind, low, high, p_not_worse, expected):
    assert verdict_of(kind, {"low": low, "high": high, "p_not_worse": p_not_worse}, 0.05) == expected


def test_an_entry():
    figure = {
        "difference": 0.002,
        "low": 0.001,
        "high": 0.003,
        "p_value": 0.01,
        "p_not_worse": 0.001,
        "verdict": "B better",
    }
    comparison = {"figures": {"mo_map": figure, "mul_map": figure}, "settings": {"confidence": 0.95, "margin": 0.01}}
    entries = claims_table({"x-y": comparison, "base": comparison})
    assert [(entry["claim"], entry["against"]) for entry in entries] == [
        ("multilingual", "x-y"),
        ("monolingual", "x-y"),
    ]
    assert entries[1] == {
        "claim": "monolingual",
        "text": "at least as good within a language (Mo)",
        "figure": "mo_map",
        "kind": "not worse",
        "against": "x-y",
        "difference": 0.002,
        "low": 0.001,
        "high": 0.003,
        "p_value": 0.001,
        "margin": 0.01,
        "verdict": "holds",
        "test": "B better",
    }
    assert entries[0]["p_value"] == 0.01 and entries[0]["margin"] is None
