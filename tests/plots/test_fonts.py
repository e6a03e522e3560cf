"""Names in any script: a font that has them, or what can be written of them; never boxes and warnings."""

from __future__ import annotations

import warnings

import pytest

matplotlib = pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")

from hf_hybrid.evaluation.results import Results  # noqa: E402
from hf_hybrid.plots import fonts  # noqa: E402
from hf_hybrid.plots.files import write_picture  # noqa: E402
from hf_hybrid.plots.pictures import evaluation_pictures  # noqa: E402
from tests.minimal_results import results as minimal_results  # noqa: E402

LATIN = frozenset(map(chr, range(32, 0x250))) | {"…"}


@pytest.fixture
def fonts_of(monkeypatch):
    """Pretend that these fonts are installed."""

    def pretend(**installed: frozenset[str]) -> None:
        fonts._everything.cache_clear()
        monkeypatch.setattr(fonts, "_installed", lambda: {"DejaVu Sans": LATIN, **installed})

    yield pretend
    fonts._everything.cache_clear()


def test_a_font_that_has_the_letters_is_added(fonts_of):
    fonts_of(Chinese=frozenset("中文模型"), Thai=frozenset("ไทย"))
    (families,) = fonts.font_settings(["runs/中文", "ไทย"]).values()
    assert families[0] == "DejaVu Sans" and set(families[1:]) == {"Chinese", "Thai"}
    assert fonts.font_settings(["runs/e5"]) == {}
    assert fonts.drawable("runs/中文") == "runs/中文"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("runs/中文/model", "runs/…/model"), ("ไทย", "…"), ("e5 模型 大", "e5 … …"), ("español", "español")],
)
def test_without_such_a_font_the_rest_is_drawn(fonts_of, text, expected):
    fonts_of()
    assert fonts.drawable(text) == expected


def test_languages_that_cannot_be_written_are_numbered(fonts_of):
    fonts_of()
    assert fonts.drawable_labels(["de", "中文", "ไทย"]) == ["de", "language 2", "language 3"]


@pytest.mark.parametrize("name", ["模型/中文", "मॉडल", "модель-ქართული-😀"])
def test_pictures_are_drawn_without_warnings(name, tmp_path):
    content = minimal_results()
    content["model"]["name"] = content["benchmark"]["name"] = name
    results = Results.from_json(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for title, figure in evaluation_pictures(results).items():
            write_picture(tmp_path / f"{title}.png", figure)
            write_picture(tmp_path / f"{title}.svg", figure)
