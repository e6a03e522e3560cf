"""The benchmarks of pairs, encoding and evaluation write results files, of the form of those that are kept."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from bench_training_common import RESULTS, command_line

TINY = {
    "pairs": ["--examples", "500"],
    "encode": ["--texts", "60", "--repeats", "1", "--batch_sizes", "32"],
    "evaluation": ["--repeats", "1", "--dimension", "16", "--oracle_queries", "4", "--threads", "1"],
}
# What is constant in a benchmark and too large for a test.
SMALLER = {
    "evaluation": {"QUESTIONS": 60, "ANSWERS": 50, "PARAGRAPHS": 20, "CANDIDATES": dict.fromkeys("abcdefghijk", 100)},
    "encode": {"SHARED": Path("nowhere"), "VOCABULARY": 500},
}


def shape(content: Any) -> Any:
    """Keys, all the way down, and whether a leaf is a number."""
    if isinstance(content, dict):
        return {key: shape(value) for key, value in content.items()}
    return "number" if isinstance(content, int | float) else type(content).__name__


@pytest.mark.parametrize("name", TINY)
def test_a_results_file_is_written_as_those_that_are_kept(name, tmp_path, monkeypatch):
    benchmark = importlib.import_module(f"bench_{name}")
    for constant, value in SMALLER.get(name, {}).items():
        monkeypatch.setattr(benchmark, constant, value)
    benchmark.main([*TINY[name], "--output", str(tmp_path)])
    written, kept = (json.loads((folder / f"{name}.json").read_text()) for folder in (tmp_path, RESULTS))
    assert written["command"] == f"python benchmarks/bench_{name}.py {' '.join(TINY[name])}"
    assert written["environment"]["threads"] == written["settings"]["threads"]
    assert written["environment"]["packages"]["torch"] and written["environment"]["processor"]
    # What was measured elsewhere may have compared with more.
    for content in (written, kept):
        content["results"].get("extrapolated", {}).pop("ranx, top 1,000", None)
    assert shape(written["results"]) == shape(kept["results"])
    assert set(kept) == set(written) and kept["command"].startswith(f"python benchmarks/bench_{name}.py")


def test_results_are_files_that_programs_read():
    assert {file.suffix for file in RESULTS.rglob("*") if file.is_file()} == {".json"}


def test_commands_name_no_folder_of_a_machine():
    argv = ["--examples", "5", "--folder", "/mine", "--output=/there", "--repeats", "2"]
    assert command_line("/somewhere/bench_x.py", argv) == "python benchmarks/bench_x.py --examples 5 --repeats 2"
