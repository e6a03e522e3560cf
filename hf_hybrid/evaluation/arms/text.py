"""Plain-text tables of arms, claims and the curve over alpha."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = {"Mo": "mo_map", "Cr": "cr_map", "Mul": "mul_map", "rank distance": "rank_distance"}


def arms_report(content: Mapping[str, Any]) -> str:
    """All of it, as far as it is there.

    Args:
        content: from `hf_hybrid.evaluation.arms.build_arms`.
    """
    parts = []
    if arms := content.get("arms"):
        rows = [[name, str(arm["seeds"]), *_figures(arm["figures"])] for name, arm in arms.items()]
        parts.append(_table(["arm", "seeds", *_COLUMNS], rows))
    if claims := content.get("claims"):
        rows = [
            [entry["text"], entry["against"], _difference(entry), f"{entry['p_value']:.4f}", entry["verdict"]]
            for entry in claims
        ]
        parts.append(_table(["claim about hybrid", "against", "difference", "p", "verdict"], rows))
    if alpha := content.get("alpha"):
        for group in ("all", "low_resource", "others"):
            rows = [[f"{point['alpha']:g}", *_figures(point[group])] for point in alpha["points"] if point[group]]
            if rows:
                parts.append(f"{group.replace('_', '-')} languages\n" + _table(["alpha", *_COLUMNS], rows))
    return "\n\n".join(parts)


def _figures(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    cells = []
    for name in _COLUMNS.values():
        found = figures.get(name)
        scale, digits = (1, 1) if name == "rank_distance" else (100, 2)
        if found is None:
            cells.append("-")
        elif found["low"] is None:
            cells.append(f"{scale * found['mean']:,.{digits}f}")
        else:
            ends = ", ".join(f"{scale * found[end]:,.{digits}f}" for end in ("low", "high"))
            cells.append(f"{scale * found['mean']:,.{digits}f} [{ends}]")
    return cells


def _difference(entry: Mapping[str, Any]) -> str:
    scale, digits = (1, 1) if entry["figure"] == "rank_distance" else (100, 2)
    mean, low, high = (f"{scale * entry[key]:+,.{digits}f}" for key in ("difference", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in [head, *rows]]
    return "\n".join(line.rstrip() for line in lines)
