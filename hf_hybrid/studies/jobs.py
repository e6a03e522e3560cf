"""The jobs of a study: commands of this project in processes of their own, which a deadline stops in time, and what
each took.

A job that is done is not run again; training that was stopped goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import vectors_folder, write_json

logger = logging.getLogger(__name__)
COMMAND = [sys.executable, "-m", "hf_hybrid.cli.main"]
# What a process that was asked to stop may take to save.
STOP_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[2]


class OutOfTime(Exception):
    """The budget is spent; all that was done so far is kept."""


@dataclass(frozen=True)
class Jobs:
    """Runs commands of this project.

    Attributes:
        threads: Threads of a process; None leaves it to the libraries.
        deadline: When to stop, on `time.monotonic`, or None.
    """

    threads: int | None = None
    deadline: float | None = None

    def train(self, folder: Path, flags: list[str]) -> Path:
        """Train one model unless it is there; returns the model's folder, which is in `folder`."""
        model = folder / "model"
        if (folder / "seconds.json").is_file():
            return model
        resume = bool(list(folder.glob("checkpoint-*/manifest.json")))
        before = spent(folder) if resume else 0.0
        if folder.exists() and not resume:
            # Our own: interrupted before its first checkpoint.
            shutil.rmtree(folder)
        started = time.perf_counter()
        try:
            self.call(["train", *flags, "--output_dir", str(folder), *(["--resume"] if resume else [])])
        finally:
            seconds = before + time.perf_counter() - started
            if folder.is_dir():
                write_json(folder / "spent.json", {"seconds": seconds}, overwrite=True)
        write_json(folder / "seconds.json", {"seconds": seconds, "resumed": resume}, overwrite=True)
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
        return model

    def evaluate(self, model: str | Path, target: Path, flags: list[str]) -> None:
        """Write a results file unless it is there; the vectors of a corpus go, which only resuming needs: a study has
        dozens of models, and a corpus takes gigabytes for each.
        """
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        # A table without its results file is what an interrupted call left.
        again = ["--overwrite"] if target.with_suffix(".per_query.parquet").exists() else []
        self.call(["evaluate", str(model), *flags, *again, "--output", str(target)])
        shutil.rmtree(vectors_folder(target), ignore_errors=True)

    def call(self, words: list[str]) -> None:
        """Run a command, until the deadline at most."""
        call(words, self.threads, self.deadline)


def run_all(jobs: Sequence[Callable[[], None]], processes: int = 1) -> None:
    """Run jobs side by side, in their order; once one has failed no further one begins.

    Args:
        jobs: Each waits for a process.
        processes: How many at a time, one at least.

    Raises:
        Exception: What the first of them that failed raised, after those in progress have ended.
    """
    failed = Event()

    def one(job: Callable[[], None]) -> None:
        # A worker takes the next job before the error of its last one is seen by whoever waits for it.
        if failed.is_set():
            return
        try:
            job()
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(max(1, processes)) as pool:
        futures = [pool.submit(one, job) for job in jobs]
        try:
            for future in futures:
                future.result()
        except BaseException:
            # Also an interruption of whoever waits.
            failed.set()
            raise


def spent(folder: Path) -> float:
    """Seconds that interrupted parts of a run took, as far as they were there to write it down."""
    file = folder / "spent.json"
    return json.loads(file.read_text())["seconds"] if file.is_file() else 0.0


def call(words: list[str], threads: int | None = 1, deadline: float | None = None) -> None:
    """Run a command of this project; its own error line says what is wrong when it fails.

    Raises:
        InputError: It failed.
        OutOfTime: The deadline came first; the command was asked to stop, and had the time to save.
    """
    if deadline is not None and time.monotonic() >= deadline:
        raise OutOfTime
    logger.info("+ hf-hybrid %s", " ".join(words))
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "TQDM_DISABLE": "1"}
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    process = subprocess.Popen([*COMMAND, *words], env=environment, stdout=subprocess.DEVNULL)
    try:
        status = process.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        raise OutOfTime from None
    finally:
        _stop(process)
    if status:
        raise InputError(
            f"`hf-hybrid {' '.join(words[:3])} ...` ended with status {status}; mend its cause, run again"
        )


def _stop(process: subprocess.Popen) -> None:
    """End a process that still runs: it is asked to, and later made to."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
