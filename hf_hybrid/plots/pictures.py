"""Pictures of results files and comparisons: PNG and SVG, readable for up to twenty-odd languages and without colour
vision.

Needs matplotlib (``pip install "hf_hybrid[plots]"``), imported when a picture is drawn. Colours are viridis-like maps
and the blue, orange and green of Okabe and Ito; every colour is doubled by a number, a shape or a place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.evaluation.figures import MAIN, SETTINGS, main_figures
from hf_hybrid.output_files import check_output
from hf_hybrid.plots.files import FORMATS, MANY, inches, label_size, require_matplotlib, write_picture
from hf_hybrid.plots.fonts import drawable, drawable_labels, in_fonts_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hf_hybrid.evaluation.results import Results

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B6B6B"
EVALUATION_PICTURES = ("map_matrix", "one_target_matrix", "language_bias", "language_bars")


@in_fonts_for
def evaluation_pictures(results: Results) -> dict[str, Figure]:
    """Draw a results file.

    Args:
        results: made or loaded.

    Returns:
        ``map_matrix``: mAP of every language pair; ``one_target_matrix``: LAReQA's heat map (where the results have
            it);
        ``language_bias``: share of the query's language in the top k against its share of the pool; ``language_bars``:
            Mo, Cr, Mul.

    Raises:
        InputError: matplotlib is not installed.

    Example:
        >>> evaluation_pictures(Results.load("results.json"))["map_matrix"].savefig("matrix.png")  # doctest: +SKIP
    """
    require_matplotlib()
    languages = results.benchmark.languages
    title = f"{_short(results.model.name)} on {drawable(results.benchmark.name)}"
    figures = {
        "map_matrix": _matrix(_array(results.measures["map"].cells), languages, "mAP (%) by language pair", title),
        "language_bias": _bias(results, title),
        "language_bars": _bars(results, title),
    }
    if results.bias is not None:
        cells = _array(results.bias.one_target)
        caption = "mAP (%) with one target in the pool"
        figures["one_target_matrix"] = _matrix(cells, languages, caption, title, "language of the only target")
    return figures


@in_fonts_for
def comparison_picture(comparison: Mapping[str, Any]) -> Figure:
    """Draw a comparison: differences of Mo, Cr and Mul with intervals, or of the main measure of corpora, for all
    languages together and each query language.

    Args:
        comparison: from `hf_hybrid.evaluation.comparison.compare_results`.

    Raises:
        InputError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    per_language, settings = comparison["per_language"], comparison["settings"]
    present = [[one for one in figures if one.key in comparison["figures"]] for figures in main_figures()]
    # One unit a picture: of a benchmark with a reader it is mAP.
    shown = next(figures for figures in present if figures)
    rows = ["all", *per_language]
    figure = Figure(figsize=(2.2 + 2.9 * len(shown), 1.7 + inches(0.27, len(rows))), layout="constrained")
    axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    level = 1 - settings["confidence"]
    for axis, figure_shown in zip(axes, shown, strict=True):
        margin = 100 * settings["margin"]
        axis.axvspan(-margin, margin, color="#E6E6E6", zorder=0)
        axis.axvline(0, color="black", linewidth=0.8, zorder=1)
        entries = [
            comparison["figures"][figure_shown.key],
            *(per_language[tag].get(figure_shown.key) for tag in per_language),
        ]
        for row, entry in enumerate(entries):
            if entry is not None:
                _interval(axis, row, entry, level)
        axis.axhline(0.5, color=GREY, linewidth=0.6, linestyle=":")
        setting, _, _ = figure_shown.key.partition("_")
        axis.set_title(SETTINGS[setting].title)
        axis.set_xlabel(f"B - A, {'mAP' if figure_shown.measure == MAIN else figure_shown.title} points")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.08)
    axes[0].set_yticks(range(len(rows)), drawable_labels(rows), fontsize=label_size(len(rows)))
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    axes[0].set_ylabel("query language")
    names = [_short(comparison[side]["models"][0]["name"]) for side in ("a", "b")]
    figure.suptitle(
        f"B: {names[1]}   against   A: {names[0]}   on {drawable(comparison['benchmark']['name'])}\n"
        f"{100 * settings['confidence']:g} % intervals; filled: significant (languages: Holm); grey band: margin",
        fontsize=10,
    )
    return figure


def write_evaluation_pictures(folder: str | Path, results: Results, overwrite: bool = False) -> list[Path]:
    """Draw a results file into a folder, each picture as PNG and SVG.

    Returns:
        The paths written.

    Raises:
        InputError: matplotlib is not installed, or a picture exists already.
    """
    check_picture_folder(folder, overwrite)
    return [
        write_picture(Path(folder) / f"{name}.{suffix}", figure, overwrite)
        for name, figure in evaluation_pictures(results).items()
        for suffix in FORMATS
    ]


def check_picture_folder(folder: str | Path, overwrite: bool) -> None:
    """Refuse, before anything is computed, what `write_evaluation_pictures` would refuse."""
    require_matplotlib()
    for name in EVALUATION_PICTURES:
        for suffix in FORMATS:
            check_output(Path(folder) / f"{name}.{suffix}", overwrite)


def _matrix(
    cells: np.ndarray, languages: Sequence[str], caption: str, title: str, columns: str = "candidate language"
) -> Figure:
    """Heat map of values between 0 and 1, numbers in percent in the cells."""
    from matplotlib import colormaps
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    number = len(languages)
    size = max(4.2, inches(0.42, number) + 1.6)
    figure = Figure(figsize=(size + 0.9, size), layout="constrained")
    axis = figure.subplots()
    percent = np.ma.masked_invalid(100 * cells)
    norm = Normalize(percent.min() if percent.count() else 0, percent.max() if percent.count() else 1)
    colours = colormaps["cividis"].with_extremes(bad="#F2F2F2")
    picture = axis.imshow(percent, cmap=colours, norm=norm)
    if number <= MANY:
        for row, column in np.ndindex(percent.shape):
            _cell_text(axis, row, column, percent[row, column], colours, norm, decimals=int(norm.vmax < 10))
    labels = {"labels": drawable_labels(languages), "fontsize": label_size(number)}
    axis.set_xticks(range(number), **labels, rotation=90 if number > MANY or max(map(len, languages)) > 3 else 0)
    axis.set_yticks(range(number), **labels)
    axis.xaxis.tick_top()
    axis.xaxis.set_label_position("top")
    axis.tick_params(length=0)
    axis.set_xlabel(columns)
    axis.set_ylabel("query language")
    axis.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axis, shrink=0.8, label=caption)
    figure.suptitle(title, fontsize=11)
    return figure


def _cell_text(axis: Axes, row: int, column: int, value: Any, colours: Any, norm: Any, decimals: int) -> None:
    if value is np.ma.masked:
        axis.text(column, row, "-", ha="center", va="center", color=GREY, fontsize=8)
        return
    red, green, blue, _ = colours(norm(value))
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45
    weight = "bold" if row == column else "normal"
    colour = "black" if light else "white"
    axis.text(
        column,
        row,
        f"{value:.{decimals}f}",
        ha="center",
        va="center_baseline",
        color=colour,
        fontsize=8,
        fontweight=weight,
    )


def _bias(results: Results, title: str) -> Figure:
    """Share of the query's own language: in the top k (filled) and in the pool (hollow), joined by a line."""
    from matplotlib.figure import Figure

    languages, k = results.benchmark.languages, results.language_share.k
    top = 100 * np.diagonal(_array(results.language_share.top))
    sizes = np.array(results.benchmark.candidates_per_language, dtype=float)
    pool = 100 * sizes / sizes.sum()
    asked = np.flatnonzero(~np.isnan(top))
    rows = np.arange(len(asked))
    figure = Figure(figsize=(6.4, 1.6 + inches(0.27, len(asked))), layout="constrained")
    axis = figure.subplots()
    axis.hlines(rows, pool[asked], top[asked], color=GREY, linewidth=1.2, zorder=1)
    axis.scatter(pool[asked], rows, marker="o", facecolor="white", edgecolor=BLUE, zorder=2, label="of the pool")
    axis.scatter(top[asked], rows, marker="D", color=ORANGE, zorder=3, label=f"of the top {k}")
    axis.set_yticks(rows, drawable_labels(languages[code] for code in asked), fontsize=label_size(len(asked)))
    axis.set_ylim(len(asked) - 0.4, -0.6)
    axis.set_xlim(left=0)
    axis.set_xlabel("share of the query's own language (%)")
    axis.set_ylabel("query language")
    axis.grid(axis="x", color="#E0E0E0", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(title, fontsize=11)
    return figure


def _bars(results: Results, title: str) -> Figure:
    """Mo, Cr and Mul of each query language, and their means as lines."""
    from matplotlib.figure import Figure

    per_language, summary = results.per_language, results.summary
    tags = [tag for tag in results.benchmark.languages if per_language.get(tag)]
    figure = Figure(figsize=(max(5.5, 1.5 + inches(0.55, len(tags))), 3.9), layout="constrained")
    axis = figure.subplots()
    places = np.arange(len(tags))
    styles = {"mo": (BLUE, ""), "cr": (ORANGE, "////"), "mul": (GREEN, "....")}
    for index, (name, (colour, hatch)) in enumerate(styles.items()):
        if f"{name}_map" not in summary:
            continue
        heights = [100 * per_language[tag].get(f"{name}_map", np.nan) for tag in tags]
        mean = 100 * summary[f"{name}_map"]
        axis.bar(
            places + (index - 1) * 0.27,
            heights,
            width=0.27,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=f"{SETTINGS[name].title} (mean {mean:.1f})",
        )
    turned = len(tags) > MANY or max(map(len, tags)) > 5
    axis.set_xticks(places, drawable_labels(tags), rotation=90 if turned else 0, fontsize=label_size(len(tags)))
    axis.set_xlim(-0.6, len(tags) - 0.4)
    axis.set_xlabel("query language")
    axis.set_ylabel("mAP (%)")
    axis.grid(axis="y", color="#E0E0E0", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(title, fontsize=11)
    return figure


def _interval(axis: Axes, row: int, entry: Mapping[str, float], level: float) -> None:
    """One difference with its interval: filled where significant; colour and shape say the direction."""
    significant = entry.get("p_holm", entry["p_value"]) < level
    colour, marker = (BLUE, "o") if entry["difference"] >= 0 else (ORANGE, "s")
    axis.hlines(
        row, 100 * entry["low"], 100 * entry["high"], color=colour, linewidth=2.4 if row == 0 else 1.4, zorder=2
    )
    face = colour if significant else "white"
    axis.scatter(100 * entry["difference"], row, marker=marker, s=34, facecolor=face, edgecolor=colour, zorder=3)


def _array(cells: Sequence[Sequence[float | None]]) -> np.ndarray:
    return np.array([[np.nan if value is None else value for value in row] for row in cells], dtype=float)


def _short(name: str, length: int = 40) -> str:
    """The end of a long name: the last parts of a path tell models apart."""
    name = drawable(name)
    return name if len(name) <= length else f"...{name[3 - length :]}"
