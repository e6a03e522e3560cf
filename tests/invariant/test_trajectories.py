"""Configurations that must be one: the real command on one rank and on two gives one loss trajectory and one model.

The global batches, the loss and the gradients do not depend on the number of ranks (see README.md beside this file).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer

from hf_hybrid import launch_config
from hf_hybrid.train import main
from tests.launching import finish, start
from tests.test_train import SMALL, write_splits


def trajectory(folder: Path) -> list[tuple[int, float, float]]:
    """(step, loss, hardest negative) of every log of a run."""
    state = json.loads((folder / "checkpoint-8" / "trainer_state.json").read_text())
    logs = [entry for entry in state["log_history"] if "loss" in entry]
    return [(entry["step"], entry["loss"], entry["query_language_th"]) for entry in logs]


def test_one_rank_equals_two(tmp_path, unused_port):
    flags = [*SMALL, "--symmetric", "--logging_steps", "1", "--dataset_name_or_path", str(write_splits(tmp_path))]
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([*flags, "--output_dir", str(one)]) == 0
    launcher = ["--config_file", launch_config("ddp"), "--num_processes", "2", "--main_process_port", str(unused_port)]
    [(status, log)] = finish(start(launcher, [*flags, "--output_dir", str(two)]))
    assert status == 0, log[-3000:]
    assert len(trajectory(one)) == 8
    for (step, loss, share), (step_2, loss_2, share_2) in zip(trajectory(one), trajectory(two), strict=True):
        assert (step, share) == (step_2, share_2)
        assert loss == pytest.approx(loss_2, abs=1e-5)
    weights = [SentenceTransformer(str(folder / "model"))[0].embedding.weight for folder in (one, two)]
    assert (weights[0] - weights[1]).abs().max() < 1e-4
    summaries = [json.loads((folder / "results.json").read_text())["summary"] for folder in (one, two)]
    assert summaries[0]["mul_map"] == pytest.approx(summaries[1]["mul_map"], abs=1e-3)
