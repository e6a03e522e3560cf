"""The README's numbers are those of the results files, and its Python is Python."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from hf_hybrid.evaluation.arms.text import arms_report
from hf_hybrid.training.run_folder import comparison_table

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"


def summary(name: str) -> dict[str, float]:
    return json.loads((RESULTS / f"{name}.json").read_text())["summary"]


def test_table_of_the_default_run():
    assert comparison_table({"before": summary("default/before"), "after": summary("default/results")}) in README


def test_tables_of_the_arms_and_the_claims():
    content = json.loads((ROOT / "model_cards/hybrid-xlir-static/results/arms.json").read_text(encoding="utf-8"))
    report = arms_report({part: content[part] for part in ("arms", "claims")})
    assert len(report.splitlines()) > 10 and report in README


def test_python_blocks_parse():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        ast.parse(block)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
