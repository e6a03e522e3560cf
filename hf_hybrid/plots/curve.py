"""Picture of the curve over alpha: Mo, Cr and Mul of low-resource languages and of the rest, with their intervals over
seeds.

As in `hf_hybrid.plots.pictures`, every colour is doubled by a shape or a pattern.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hf_hybrid.evaluation.figures import SETTINGS
from hf_hybrid.plots.files import require_matplotlib
from hf_hybrid.plots.fonts import drawable, drawable_labels, in_fonts_for
from hf_hybrid.plots.pictures import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# group -> label, colour, marker, line style, shift on the axis so that intervals do not hide each other
_GROUPS = {
    "low_resource": ("low-resource languages ({tags})", ORANGE, "s", "--", -0.008),
    "others": ("the other languages", BLUE, "o", "-", 0.008),
}


@in_fonts_for
def alpha_picture(content: Mapping[str, Any]) -> Figure:
    """Draw the curve over alpha, the probability of monolingual batches.

    Args:
        content: from `hf_hybrid.evaluation.arms.build_arms`, with ``alpha``.

    Raises:
        InputError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    curve = content["alpha"]
    figure = Figure(figsize=(9.6, 3.5), layout="constrained")
    axes = figure.subplots(1, len(SETTINGS))
    for axis, (name, setting) in zip(axes, SETTINGS.items(), strict=True):
        for group, (label, colour, marker, line, shift) in _GROUPS.items():
            points = [
                (point["alpha"] + shift, point[group][f"{name}_map"])
                for point in curve["points"]
                if f"{name}_map" in point[group]
            ]
            if not points:
                continue
            means = [100 * value["mean"] for _, value in points]
            errors = [0.0 if value["low"] is None else 100 * (value["high"] - value["mean"]) for _, value in points]
            axis.errorbar(
                [place for place, _ in points],
                means,
                yerr=errors,
                color=colour,
                marker=marker,
                linestyle=line,
                capsize=3,
                markersize=5,
                linewidth=1.4,
                label=label.format(tags=", ".join(drawable_labels(curve["low_resource"]))),
            )
        axis.set_title(setting.title)
        axis.set_xlabel("alpha")
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axis.grid(axis="y", color="#E0E0E0", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("mAP (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    seeds = sorted({point["seeds"] for point in curve["points"]})
    told = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    confidence = content["settings"]["confidence"]
    figure.suptitle(
        f"Share of monolingual batches on {drawable(content['benchmark']['name'])}: mean over {told} seeds, "
        f"{100 * confidence:g} % intervals",
        fontsize=10,
    )
    return figure
