"""Configurations that must be one: the real command on one rank and on two gives one loss trajectory and one model.

The global batches, the loss and the gradients do not depend on the number of ranks (see README.md beside this file).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

from ..test_train import SMALL, write_splits

ROOT = Path(__file__).resolve().parents[2]


def trajectory(folder: Path) -> list[tuple[int, float, float]]:
    """(step, loss, hardest negative) of every log of a run."""
    state = json.loads((folder / "checkpoint-8" / "trainer_state.json").read_text())
    logs = [entry for entry in state["log_history"] if "loss" in entry]
    return [(entry["step"], entry["loss"], entry["query_language_th"]) for entry in logs]


def launch(ranks: int, data: Path, output: Path, *flags: str) -> Path:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        str(ranks),
        "--master_port",
        flags[0],
    ]
    command += [str(ROOT / "hf_hybrid" / "train.py"), *SMALL, *flags[1:]]
    command += [
        "--dataset_name_or_path",
        str(data),
        "--output_dir",
        str(output),
        "--logging_steps",
        "1",
        "--symmetric",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return output


@pytest.mark.parametrize("arm", ["hybrid"])
def test_one_rank_equals_two(arm, tmp_path, unused_port):
    data = write_splits(tmp_path)
    one = launch(1, data, tmp_path / "one", str(unused_port), "--arm", arm)
    two = launch(2, data, tmp_path / "two", str(unused_port), "--arm", arm)
    assert len(trajectory(one)) == 8
    for (step, loss, share), (step_2, loss_2, share_2) in zip(trajectory(one), trajectory(two), strict=True):
        assert (step, share) == (step_2, share_2)
        assert loss == pytest.approx(loss_2, abs=1e-5)
    weights = [SentenceTransformer(str(folder / "model"))[0].embedding.weight for folder in (one, two)]
    assert (weights[0] - weights[1]).abs().max() < 1e-4
    summaries = [json.loads((folder / "results.json").read_text())["summary"] for folder in (one, two)]
    assert summaries[0]["mul_map"] == pytest.approx(summaries[1]["mul_map"], abs=1e-3)
