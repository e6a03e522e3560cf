"""Panels of studies: what is drawn is what was given."""

from __future__ import annotations

import pytest

from hf_hybrid.plots.files import write_picture

pytest.importorskip("matplotlib")
from hf_hybrid.plots.panels import Page, Panel, Series, page_picture

LINE = Series("hybrid", (0.0, 1.0), (2.0, 3.0), (1.5, 2.5), (2.5, 3.5))
POINTS = Series("arms", (1.0, 10.0), (4.0, 5.0), names=("a", "b"), joined=False)


def test_series_ticks_and_names():
    figure = page_picture(
        Page(
            "title",
            (
                Panel("one", "x", "y", (LINE, POINTS), zero=True),
                Panel("two", "x", "y", (POINTS,), logarithmic=True),
                Panel("three", "x", "y", (LINE,), ticks=("first", "second")),
                Panel("four", "x", "y", (LINE,)),
            ),
        )
    )
    axes = figure.axes
    assert [axis.get_title() for axis in axes if axis.get_visible()] == ["one", "two", "three", "four"]
    assert len(axes) == 4 and axes[1].get_xscale() == "log"
    assert [label.get_text() for label in axes[2].get_xticklabels()] == ["first", "second"]
    assert [text.get_text() for text in axes[0].texts] == ["a", "b"]
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["hybrid", "arms"]
    assert axes[3].get_legend() is None


def test_three_stand_beside_one_another_and_four_in_a_square():
    columns = {}
    for number in (1, 2, 3, 4, 5):
        figure = page_picture(Page("t", tuple(Panel(str(place), "x", "y", (LINE,)) for place in range(number))))
        assert [axis.get_title() for axis in figure.axes if axis.get_visible()] == [str(n) for n in range(number)]
        columns[number] = figure.axes[0].get_gridspec().ncols
    assert columns == {1: 1, 2: 2, 3: 3, 4: 2, 5: 3}


@pytest.mark.parametrize(
    ("ends", "expected"),
    [((1000, 7104), ["1,000", "2,000", "5,000"]), ((47_793, 5_758_285), ["100,000", "1,000,000"])],
)
def test_a_logarithmic_axis_has_whole_numbers(ends, expected):
    panel = Panel("one", "x", "y", (Series("a", ends, (1.0, 2.0)),), logarithmic=True)
    axis = page_picture(Page("t", (panel,))).axes[0]
    low, high = axis.get_xlim()
    shown = {x: text.get_text() for x, text in zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)}
    assert [text for x, text in shown.items() if low <= x <= high] == expected
    assert not any(text.get_text() for text in axis.get_xticklabels(minor=True))


def test_the_same_panels_give_the_same_file(tmp_path):
    page = Page("t", (Panel("one", "x", "y", (LINE, POINTS)),))
    for suffix in ("png", "svg"):
        one, other = (
            write_picture(tmp_path / f"{name}.{suffix}", page_picture(page)).read_bytes() for name in ("a", "b")
        )
        assert one == other
