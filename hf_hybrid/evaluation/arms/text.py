"""Plain-text tables of arms, claims and the curve over alpha."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hf_hybrid.evaluation.figures import ARMS, column_of, columns


def arms_report(content: Mapping[str, Any]) -> str:
    """All of it, as far as it is there.

    Args:
        content: from `hf_hybrid.evaluation.arms.build_arms`.
    """
    parts = []
    k = content.get("settings", {}).get("k") or 10
    titles = [column.title for column in columns(ARMS, k)]
    if arms := content.get("arms"):
        rows = [[name, str(arm["seeds"]), *_figures(arm["figures"], k)] for name, arm in arms.items()]
        parts.append(_table(["arm", "seeds", *titles], rows))
    if claims := content.get("claims"):
        rows = [
            [entry["text"], entry["against"], _difference(entry), f"{entry['p_value']:.4f}", entry["verdict"]]
            for entry in claims
        ]
        parts.append(_table(["claim about hybrid", "against", "difference", "p", "verdict"], rows))
    if alpha := content.get("alpha"):
        for group in ("all", "low_resource", "others"):
            rows = [[f"{point['alpha']:g}", *_figures(point[group], k)] for point in alpha["points"] if point[group]]
            if rows:
                parts.append(f"{group.replace('_', '-')} languages\n" + _table(["alpha", *titles], rows))
    return "\n\n".join(parts)


def _figures(figures: Mapping[str, Mapping[str, Any]], k: int) -> list[str]:
    cells = []
    for column in columns(ARMS, k):
        found = figures.get(column.key)
        cell = column.text(found and found["mean"])
        if found is not None and found["low"] is not None:
            cell += f" [{', '.join(column.text(found[end]) for end in ('low', 'high'))}]"
        cells.append(cell)
    return cells


def _difference(entry: Mapping[str, Any]) -> str:
    column = column_of(entry["figure"], ARMS)
    mean, low, high = (column.text(entry[key], sign="+") for key in ("difference", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in [head, *rows]]
    return "\n".join(line.rstrip() for line in lines)
