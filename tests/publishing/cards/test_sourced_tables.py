"""Figures, their references, and how references are made short."""

from __future__ import annotations

import itertools

import pytest

from hf_hybrid.publishing.cards.sourced_tables import Figure, Source, Tied, compressed, tied_table, tied_text
from hf_hybrid.publishing.lint.figures import expand_braces

SOURCE = Source(
    "r.json", {"mo": 0.6521, "of": {"low": -0.01, "high": 0.02, "mean": 0.004}, "p": 0.0002, "n": {"a b/c": [1, 2]}}
)


def test_a_figure():
    assert SOURCE.figure("mo", factor=100, decimals=1) == Figure("65.2", "r.json#/mo*100")
    assert SOURCE.figure("n", "a b/c", 1) == Figure("2", "r.json#/n/a%20b~1c/1")
    assert SOURCE.figure("n", "a b/c", total=True) == Figure("3", "r.json#/n/a%20b~1c+")
    assert SOURCE.figure("n", "*", "*", total=True) == Figure("3", "r.json#/n/*/*+")
    assert SOURCE.figure("none") is None and SOURCE.figure("of") is None
    assert SOURCE.percent("mo", decimals=1) == Figure("65.2 %", "r.json#/mo")
    assert SOURCE.p_value("p") == Figure("< .001", "r.json#/p")
    assert str(SOURCE.interval("of", factor=100, decimals=1, signed=True)) == "+0.4 [-1.0, +2.0]"


def test_a_table():
    rows = [["one 1", SOURCE.figure("mo", decimals=2), "v2"], ["two", SOURCE.interval("of", decimals=2), None]]
    assert tied_table(["", "mo", "version"], rows).splitlines() == [
        "<!-- figures: r.json#/mo r.json#/of/{mean,low,high} -->",
        "",
        "|  | mo | version |",
        "| --- | ---: | --- |",
        "| one 1 | 0.65 | `v2` |",
        "| two | 0.00 [-0.01, 0.02] | - |",
        "",
        "<!-- end: figures -->",
    ]


def test_a_sentence():
    figure = SOURCE.figure("mo", decimals=3)
    assert (
        tied_text(Tied("It is {}.", (figure,)))
        == "<!-- figures: r.json#/mo -->\n\nIt is 0.652.\n\n<!-- end: figures -->"
    )


@pytest.mark.parametrize(
    "references",
    [
        ["a.json#/x"],
        ["a.json#/x", "b.json#/x"],
        ["a.json#/x", "a/b.json#/x"],
        ["a.json#/de/mo*100", "a.json#/de/cr*100", "a.json#/th/mo*100"],
        [f"r/{f}.json#/{x}/{y}/{z}" for f, x, y, z in itertools.product("ab", "cde", "fg", "hij")],
        ["a.json#/x/y", "a.json#/x/z", "b.json#/x/y", "a.json#/x/y", "a.json#/q"],
    ],
)
def test_short_references_expand_to_the_same(references):
    short = compressed(references)
    assert [one for word in short.split() for one in expand_braces(word)] == references
    assert len(short) <= len(" ".join(references))
