"""Start the real training command with `accelerate launch`, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# Single-threaded ranks; DeepSpeed is told that this is a CPU, as the head of its configurations says.
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "DS_ACCELERATOR": "cpu"}
SECONDS = 240


class Launch(NamedTuple):
    """A launcher at work, and the file that its and its ranks' output goes to."""

    process: subprocess.Popen[bytes]
    output: IO[str]


def start(launch_flags: Sequence[str], train_flags: Sequence[str], **environment: str) -> Launch:
    """`accelerate launch LAUNCH_FLAGS hf_hybrid/train.py TRAIN_FLAGS`."""
    command = [sys.executable, "-m", "accelerate.commands.launch", *launch_flags]
    command += [str(ROOT / "hf_hybrid" / "train.py"), *train_flags]
    output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
    variables = {**os.environ, **ENVIRONMENT, **environment}
    streams = {"stdout": output, "stderr": subprocess.STDOUT}
    return Launch(subprocess.Popen(command, env=variables, **streams), output)


def finish(*launches: Launch) -> list[tuple[int, str]]:
    """Exit status and output of every launch; neither a launcher nor its ranks outlive this."""
    deadline = time.monotonic() + SECONDS
    try:
        for process, _ in launches:
            process.wait(timeout=max(deadline - time.monotonic(), 1))
    finally:
        for process, _ in launches:
            # A terminated launcher takes its ranks along; they are in sessions of their own.
            process.terminate()
            process.wait(timeout=60)
    return [(process.returncode, _content(output)) for process, output in launches]


def _content(output: IO[str]) -> str:
    with output:
        output.seek(0)
        return output.read()
