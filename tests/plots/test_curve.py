"""The curve over alpha: what is drawn is what the file says."""

from __future__ import annotations

import pytest

from hf_hybrid.evaluation.arms import build_arms
from hf_hybrid.plots.curve import alpha_picture
from hf_hybrid.plots.files import picture_source, write_picture
from tests.minimal_results import results, write

pytest.importorskip("matplotlib", reason="pictures need the extra `plots`")


@pytest.fixture
def content(tmp_path):
    points = {
        alpha: [write(tmp_path / f"{alpha}_{seed}.json", results(mo + 0.1 * seed, seed)) for seed in (1, 2)]
        for alpha, mo in ((0.0, 0.2), (0.5, 0.3), (1.0, 0.4))
    }
    return build_arms({}, points, folder=tmp_path)


def test_panels_and_values(content):
    figure = alpha_picture(content)
    assert [axis.get_title() for axis in figure.axes] == ["Mo", "Cr", "Mul"]
    low, others = (container.lines[0] for container in figure.axes[0].containers)
    assert low.get_ydata() == pytest.approx([35, 45, 55]) and others.get_ydata() == pytest.approx([35, 45, 55])
    assert low.get_marker() != others.get_marker()
    assert "low-resource languages (th)" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_picture_names_its_source(content, tmp_path):
    path = write_picture(tmp_path / "curve.png", alpha_picture(content), source=("results/alpha.json", "ab" * 32))
    assert picture_source(path) == ("results/alpha.json", "ab" * 32)
    plain = write_picture(tmp_path / "plain.png", alpha_picture(content))
    assert picture_source(plain) is None
