"""The worked examples of `docs/contributing.md`: the files that they name are there, and the change that they show
works.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

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


def test_the_files_that_examples_name():
    named = set(re.findall(r"`((?:hf_hybrid|tests)/[\w/]+\.py)`", TEXT))
    new = {"hf_hybrid/losses/language_means.py", "tests/losses/test_language_means.py"}
    assert named > new and {name for name in named if not (ROOT / name).is_file()} == new


def test_every_example_touches_at_most_two_files():
    for section in TEXT.split("\n## ")[1:]:
        assert 1 <= len(re.findall(r"^\| `hf_hybrid/", section, re.MULTILINE)) <= 2


def test_the_new_arm_works_as_shown(tmp_path):
    shutil.copytree(ROOT / "hf_hybrid", tmp_path / "hf_hybrid", ignore=shutil.ignore_patterns("__pycache__", "_data"))
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", "conftest.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    (tmp_path / "arm.diff").write_text(re.search(r"^```diff\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)[1])
    # Files only: nothing of a repository that the folder may lie in.
    applied = subprocess.run(
        ["git", "apply", "--unidiff-zero", "arm.diff"],
        cwd=tmp_path,
        env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert applied.returncode == 0, applied.stderr
    (tmp_path / "draw.py").write_text(DRAW)
    done = subprocess.run([sys.executable, "draw.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
