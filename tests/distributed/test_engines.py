"""Launches that would fall back in silence: each ends with one line that says what to do, and nothing is trained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hf_hybrid import launch_config
from tests.invariant.test_engines import TINY, needs_deepspeed
from tests.launching import finish, start
from tests.test_train import write_splits

WITHOUT_CPU = [flag for flag in TINY if flag != "--use_cpu"]


@pytest.mark.parametrize(
    ("launcher", "flags", "environment", "says"),
    [
        pytest.param(
            ["--cpu", "--num_processes", "2"],
            TINY,
            {},
            r"2 ranks were asked for \(`accelerate launch --cpu --num_processes 2 .*\) and 1 is active: use "
            "`accelerate launch --multi_gpu --num_processes 2`, on a CPU with --use_cpu",
            id="one process instead of two",
        ),
        pytest.param(
            ["--config_file", launch_config("fsdp2"), "--num_processes", "2"],
            WITHOUT_CPU,
            {},
            r"FSDP was asked for \(ACCELERATE_USE_FSDP=true\) and no engine is active: FSDP needs GPUs.*; 2 processes "
            "are connected and accelerate counts 1: on a CPU add --use_cpu",
            id="FSDP as two processes that train alone",
        ),
        pytest.param(
            ["--config_file", launch_config("zero2"), "--num_processes", "1"],
            WITHOUT_CPU,
            {"ACCELERATE_USE_CPU": "true"},
            r"DeepSpeed ZeRO-2 was asked for \(ACCELERATE_USE_DEEPSPEED=true\) and DDP is active: on a CPU leave .*"
            "ACCELERATE_USE_CPU out",
            marks=needs_deepspeed,
            id="DeepSpeed switched off by ACCELERATE_USE_CPU",
        ),
    ],
)
def test_silent_fallbacks_are_refused(launcher, flags, environment, says, tmp_path, unused_port):
    launcher = [*launcher, "--main_process_port", str(unused_port)]
    data = ["--dataset_name_or_path", str(write_splits(tmp_path)), "--output_dir", str(tmp_path / "run")]
    [(status, log)] = finish(start(launcher, [*flags, *data], **environment))
    assert status != 0
    lines = [line for line in log.splitlines() if line.startswith("hf-hybrid: error: engine: ")]
    assert lines and all(re.search(says, line) for line in lines), log[-3000:]
    assert "Engine:" not in log
    assert not list(Path(tmp_path / "run").glob("*"))
