"""References into results files: wildcards, sums, bounds."""

from __future__ import annotations

import json

import pytest

from hf_hybrid.publishing.lint.figures import FigureReader, NoValueError, differences, figures_in

CONTENT = {
    "rows": {"qa": {"train": {"faq": {"de": 2, "th": 3}, "a b": {"de": 5}}, "dev": {"faq": {"de": 7}}}},
    "against": {"x": {"query": {"de": {"texts": 10, "hit": 1}, "th": {"texts": 20, "hit": 0}}}},
    "p": 0.0003,
}


@pytest.fixture
def reader(tmp_path):
    (tmp_path / "mix.json").write_text(json.dumps(CONTENT))
    return FigureReader(tmp_path)


@pytest.mark.parametrize(
    ("reference", "values"),
    [
        ("mix.json#/rows/qa/train/faq", [2, 3]),
        ("mix.json#/rows/qa/train/faq+", [5]),
        ("mix.json#/rows/qa/*/faq+", [12]),
        ("mix.json#/rows/qa/train/a%20b/de", [5]),
        ("mix.json#/rows/qa/{train,dev}/faq/de", [2, 7]),
        ("mix.json#/against/*/*/*/hit+", [1]),
        ("mix.json#/against/x/*/*/texts+*100", [3000]),
    ],
)
def test_values(reader, reference, values):
    assert [value for _, value in reader.values(reference)] == values


@pytest.mark.parametrize("reference", ["mix.json", "mix.json#rows", "mix.json#/rows/*/test/faq", "other.json#/p"])
def test_references_that_lead_nowhere(reader, reference):
    with pytest.raises(NoValueError):
        reader.values(reference)


@pytest.mark.parametrize(("text", "right"), [("< .001", True), ("p <.0001", False), (".0003", True), ("< .1 %", True)])
def test_bounds(reader, text, right):
    figures = [(1, figure) for figure in figures_in(text)]
    assert (list(differences(figures, reader.values("mix.json#/p"), 1)) == []) is right
