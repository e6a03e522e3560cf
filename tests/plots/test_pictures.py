import builtins
import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.comparison import compare_results
from hf_hybrid.evaluation.results import Results
from hf_hybrid.plots.files import write_picture
from hf_hybrid.plots.pictures import (
    EVALUATION_PICTURES,
    comparison_picture,
    evaluation_pictures,
    write_evaluation_pictures,
)
from tests.results_files import LANGUAGES, write_system

pytest.importorskip("matplotlib", reason="pictures need the extra `plots`")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("systems")
    return [write_system(folder / f"{name}.json", noise) for name, noise in (("a", 1.6), ("b", 1.2))]


@pytest.fixture(scope="module")
def results(paths):
    return Results.load(paths[1])


WHITE = (1.0, 1.0, 1.0)


def faces(axis) -> list[tuple[float, ...]]:
    """Fill of the points, from the top."""
    from matplotlib.collections import PathCollection

    return [tuple(map(float, p.get_facecolor()[0][:3])) for p in axis.collections if isinstance(p, PathCollection)]


def texts(figure) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text)]


def test_every_picture_as_png_and_svg(results, tmp_path):
    written = write_evaluation_pictures(tmp_path / "new", results)
    assert sorted(p.name for p in written) == sorted(f"{n}.{s}" for n in EVALUATION_PICTURES for s in ("png", "svg"))
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
        else:
            drawn = "".join(ElementTree.parse(path).getroot().itertext())
            assert all(tag in drawn for tag in LANGUAGES) and "query language" in drawn


def test_cells_carry_their_numbers_and_gaps_a_dash(results):
    changed = json.loads(json.dumps(results.to_json()))
    changed["measures"]["map"]["cells"][0][1] = None
    shown = texts(evaluation_pictures(Results.from_json(changed))["map_matrix"])
    cells = changed["measures"]["map"]["cells"]
    assert "-" in shown and f"{100 * cells[2][2]:.0f}" in shown and "runs/b on small" in shown


def test_numbers_are_readable_on_every_colour(results):
    from matplotlib import colormaps

    changed = json.loads(json.dumps(results.to_json()))
    changed["measures"]["map"]["cells"] = np.linspace(0, 1, 9).reshape(3, 3).tolist()
    axis = evaluation_pictures(Results.from_json(changed))["map_matrix"].axes[0]

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    for text, value in zip(axis.texts, np.linspace(0, 1, 9), strict=True):
        back, front = luminance(colormaps["cividis"](value)), {"black": 0.0, "white": 1.0}[text.get_color()]
        assert (max(back, front) + 0.05) / (min(back, front) + 0.05) >= 4.0


def test_many_languages_are_drawn_without_numbers(results):
    changed = json.loads(json.dumps(results.to_json()))
    tags = [f"l{index:02d}" for index in range(30)]
    cells = np.full((30, 30), 0.5).tolist()
    changed["benchmark"] |= {"languages": tags, "candidates_per_language": [10] * 30}
    changed["measures"]["map"]["cells"] = changed["language_share"]["top"] = cells
    changed["bias"] = None
    changed["per_language"] = {tag: {"mo_map": 0.5} for tag in tags}
    figures = evaluation_pictures(Results.from_json(changed))
    assert set(figures) == set(EVALUATION_PICTURES) - {"one_target_matrix"}
    assert len(figures["map_matrix"].axes[0].texts) == 0


def test_a_comparison_shows_every_language_and_fills_what_is_significant(paths):
    comparison = compare_results(paths[:1], paths[1:], resamples=300)
    figure = comparison_picture(comparison)
    assert len(figure.axes) == 3
    shown = texts(figure)
    assert {"all", *LANGUAGES, "Mo", "Cr", "Mul"} <= set(shown)
    assert faces(figure.axes[2])[0] != WHITE  # the gain over all languages is significant
    comparison["figures"]["mul_map"]["p_value"] = 0.5
    assert faces(comparison_picture(comparison).axes[2])[0] == WHITE


def test_files_are_kept_and_formats_checked(results, tmp_path):
    (tmp_path / "language_bars.svg").write_text("precious")
    with pytest.raises(InputError, match=r"language_bars.svg exists"):
        write_evaluation_pictures(tmp_path, results)
    assert [p.name for p in tmp_path.iterdir()] == ["language_bars.svg"]
    with pytest.raises(InputError, match="must end in .png or .svg"):
        write_picture(tmp_path / "a.gif", evaluation_pictures(results)["map_matrix"])


def test_equal_results_give_equal_files(results, tmp_path):
    first, second = (write_evaluation_pictures(tmp_path / name, results) for name in "ab")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_without_matplotlib_the_remedy_is_said(results, monkeypatch):
    real = builtins.__import__

    def missing(name, *rest, **options):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r'pip install "hf_hybrid\[plots\]"'):
        evaluation_pictures(results)
