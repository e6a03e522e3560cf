"""The README's numbers are those of the results files, and its Python is Python."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from hf_hybrid.run_folder import comparison_table

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "tests" / "benchmarks" / "results"


def summary(name: str) -> dict[str, float]:
    return json.loads((RESULTS / f"{name}.json").read_text())["summary"]


def test_table_of_the_default_run():
    assert comparison_table({"before": summary("default/before"), "after": summary("default/results")}) in README


@pytest.mark.parametrize("arm", ["base", "x-x", "x-x-mono", "x-y", "hybrid"])
def test_table_of_the_arms(arm):
    found = summary(f"xquad_r_arms/{arm}")
    row = next(line for line in README.splitlines() if re.match(rf"\| `?{re.escape(arm)}`? \| \W*\.\d", line))
    cells = [cell.strip(" *") for cell in row.split("|")[2:7]]
    maps = [f"{found[key]:.3f}".lstrip("0") for key in ("mo_map", "cr_map", "mul_map")]
    share = f"{found['own_language_share_at_10']:.0%}".replace("%", " %")
    assert cells == [*maps, f"{found['rank_distance']:,.0f}", share]


@pytest.mark.parametrize(
    ("baseline", "figure", "printed"),
    [
        ("x-x", "mul_map", "7.7 points better in Mul [7.0, 8.4]"),
        ("x-x", "mo_map", "equal Mo (+0.3 [-0.1, +0.7])"),
        ("x-x-mono", "mul_map", "Mul +0.24 [+0.14, +0.34]"),
        ("x-x-mono", "rank_distance", "rank distance -113 [-155, -72]"),
        ("x-x-mono", "cr_map", "Cr equal (-0.01 [-0.14, +0.12])"),
        ("x-x-mono", "mo_map", "of Mo [-0.66, -0.23]"),
        ("x-y", "mo_map", "Mo (+2.6)"),
        ("x-y", "cr_map", "Cr (+2.1)"),
        ("x-y", "mul_map", "Mul (+1.3)"),
    ],
)
def test_differences(baseline, figure, printed):
    assert printed in README
    content = json.loads((RESULTS / f"xquad_r_arms/hybrid_against_{baseline}.json").read_text())
    factor = 1 if figure == "rank_distance" else 100
    values = [content["figures"][figure][key] * factor for key in ("difference", "low", "high")]
    numbers = [text for text in re.findall(r"[+-]?\d+\.?\d*", printed)]
    expected = values if len(numbers) == 3 else values[1:] if len(numbers) == 2 else values[:1]
    for text, value in zip(numbers, expected, strict=True):
        digits = len(text.partition(".")[2])
        assert round(float(text), digits) == pytest.approx(round(value, digits), abs=10.0**-digits / 100)


def test_python_blocks_parse():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        ast.parse(block)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
