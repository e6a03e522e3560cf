"""Start the real training command with `accelerate launch`, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Single-threaded ranks; DeepSpeed is told that this is a CPU, as the head of its configurations says.
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "DS_ACCELERATOR": "cpu"}
SECONDS = 240


def start(launch_flags: Sequence[str], train_flags: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    """`accelerate launch LAUNCH_FLAGS hf_hybrid/train.py TRAIN_FLAGS`, with its output kept."""
    command = [sys.executable, "-m", "accelerate.commands.launch", *launch_flags]
    command += [str(ROOT / "hf_hybrid" / "train.py"), *train_flags]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env={**os.environ, **ENVIRONMENT, **environment}, **streams)


def finish(*processes: subprocess.Popen[str]) -> list[tuple[int, str]]:
    """Exit status and output of processes; none outlives this."""
    try:
        return [
            (process.wait(), output) for process in processes for output, _ in [process.communicate(timeout=SECONDS)]
        ]
    finally:
        for process in processes:
            process.kill()
