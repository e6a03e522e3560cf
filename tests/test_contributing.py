"""The worked examples of `docs/contributing.md`: the files that they name are there, and the change that they show
works.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documentation import DOCS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (DOCS / "contributing.md").read_text(encoding="utf-8")
DRAW = """
import numpy as np
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.statistics import declared_statistics, drawn_statistics
from hf_hybrid.plan.types import PlanSettings
from tests.conftest import make_pairs, renditions

pairs = make_pairs(renditions())
plan = HybridBatchPlan(pairs, PlanSettings(arm="x-en", global_batch_size=24))
batch, english = plan.batch(0), pairs.languages.index("en")
assert (batch.passage_languages == english).all() and (batch.query_languages != english).all()
assert batch.arm == "x-en" and len(np.unique(batch.examples)) == 24
assert np.allclose(declared_statistics(plan).pairs, drawn_statistics(plan).pairs, atol=0.06)
"""


MEASURE = """
import json
import numpy as np
import torch
from hf_hybrid.evaluation.comparison import compare_results
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.evaluation.text_report import evaluation_report
from hf_hybrid.metrics import TieGroups
from hf_hybrid.metrics.precision import precision_at_k
from tests.results_files import small_benchmark, write_system

groups = TieGroups.from_ranks(np.array([0, 2, 3]), np.array([0, 5, 1]), np.array([0, 0, 1]))
assert precision_at_k(groups, 2).tolist() == [0.5, 0.25]
from pathlib import Path
paths = [write_system(Path(f"{name}.json"), noise) for name, noise in (("a", 0.4), ("b", 0.9))]
summary = json.loads(paths[0].read_text())["summary"]
assert {"mo_precision_at_10", "cr_precision_at_10", "mul_precision_at_10"} <= set(summary)
vectors = torch.nn.functional.normalize(torch.randn(120, 8), dim=1)
assert "Precision@10" in evaluation_report(evaluate_embeddings(vectors, vectors, small_benchmark()), 120)
"""
EVALUATE = """
from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.cli.main import main
from hf_hybrid.publishing.cards.titles import benchmark_title

assert load_benchmark("two_texts").num_candidates == 2 and benchmark_title("two_texts") == "Two Texts"
try:
    main(["evaluate", "--help"])
finally:
    pass
"""


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_files_that_examples_name():
    named = set(re.findall(r"`((?:hf_hybrid|tests)/[\w/]+\.py)`", TEXT))
    new = {"losses/language_means", "metrics/precision", "benchmarks/two_texts"}
    files = {f"hf_hybrid/{name}.py" for name in new}
    files |= {f"tests/{folder}/test_{name}.py" for folder, name in (path.split("/") for path in new)}
    assert named > files and {name for name in named if not (ROOT / name).is_file()} == files


def test_every_example_touches_at_most_two_files():
    sections = TEXT.split("\n## ")[1:]
    assert len(sections) == 4
    for part in sections:
        assert 1 <= len(re.findall(r"^\| `hf_hybrid/", part, re.MULTILINE)) <= 2


@pytest.mark.parametrize(
    ("title", "script", "helpers", "says"),
    [
        ("Add an arm", DRAW, ("conftest.py",), ""),
        ("Add a metric", MEASURE, ("results_files.py", "rankings.py"), ""),
        ("Add a benchmark", EVALUATE, (), "Two Texts: 1 language, 2 texts"),
    ],
)
def test_the_change_works_as_shown(tmp_path, title, script, helpers, says):
    shutil.copytree(ROOT / "hf_hybrid", tmp_path / "hf_hybrid", ignore=shutil.ignore_patterns("__pycache__", "_data"))
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", *helpers):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    (tmp_path / "change.diff").write_text(
        re.search(r"^```diff\n(.*?)^```", section(title), re.DOTALL | re.MULTILINE)[1]
    )
    # Files only: nothing of a repository that the folder may lie in.
    applied = subprocess.run(
        ["git", "apply", "--unidiff-zero", "change.diff"],
        cwd=tmp_path,
        env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert applied.returncode == 0, applied.stderr
    (tmp_path / "try.py").write_text(script)
    done = subprocess.run([sys.executable, "try.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert says in " ".join(done.stdout.split())
