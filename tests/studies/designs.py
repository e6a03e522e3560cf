"""Designs of studies for tests, and tiny studies in one process instead of many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hf_hybrid.cli.main import main
from hf_hybrid.studies import jobs
from hf_hybrid.studies.study import FOLDER

SMALL: dict[str, Any] = {
    "study": "ratio",
    "question": "Which share is best?",
    "recipe": "static_arm",
    "train": {"model_name_or_path": "{base}", "global_batch_size": 10},
    "arms": {"hybrid": {"arm": "hybrid"}},
    "factor": "alpha",
    "levels": {str(alpha): {"mono_probability": alpha} for alpha in (0.0, 0.25, 0.5, 1.0)},
    "seeds": [1, 2],
    "budgets": {"total": {"rule": "equal_examples", "number": 100}},
    "benchmarks": {"cldr_qa": {"max_examples": 10}},
    "contrasts": [],
    "analysis": {"benchmark": "cldr_qa", "groups": {"low": ["th"], "high": ["de"]}, "compare": ["low", "high"]},
}


def tiny(kind: str) -> dict[str, Any]:
    """Content of the packaged tiny design of a kind."""
    return yaml.safe_load((FOLDER / "designs" / f"{kind}_tiny.yaml").read_text())


def written(folder: Path, content: dict[str, Any], name: str = "design.yaml") -> str:
    """A design's file."""
    file = folder / name
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return str(file)


def call_here(monkeypatch: pytest.MonkeyPatch, stop_before: int | None = None) -> list[list[str]]:
    """Run a study's commands in this process; raise `OutOfTime` instead of the given one. Returns the commands."""
    called: list[list[str]] = []

    def call(words: list[str], threads: int | None = 1, deadline: float | None = None) -> None:
        if stop_before is not None and len(called) == stop_before:
            raise jobs.OutOfTime
        called.append(words)
        assert main(words) == 0

    monkeypatch.setattr(jobs, "call", call)
    return called


def reports(output: Path) -> dict[str, bytes]:
    """The report's files."""
    return {path.name: path.read_bytes() for path in sorted(output.glob("report.*"))}
