"""Ranks of the real training command as processes of their own, without the seconds that each would spend on imports.

A server process imports everything once and is never trained in; every rank is forked from it, gets the environment
that a launcher would give, and calls the command's `main`.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import hf_hybrid.arguments.parsing
import hf_hybrid.encoders.lora

# Imported by the server, so that ranks find them.
import hf_hybrid.evaluation.evaluate
import hf_hybrid.training.run_folder
import hf_hybrid.training.trainer  # noqa: F401  # all three are loaded before the fork
from hf_hybrid.train import main

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Ranks:
    """Processes of one run.

    Args:
        flags: Of the training command.
        log: File that gets what they print.
        count: Number of ranks.
        port: Free port, where they meet.
        target: What each rank runs with the flags; by default the training command.
    """

    def __init__(
        self,
        flags: Sequence[str],
        log: Path,
        count: int = 1,
        port: int = 0,
        target: Callable[[Sequence[str]], int] = main,
        **environment: str,
    ):
        self.log = log
        log.touch()
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
        self.processes: list[BaseProcess] = []
        for rank in range(count):
            own = {**environment, **({**meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)} if count > 1 else {})}
            process = _context.Process(target=_run, args=(target, list(flags), own, log))
            process.start()
            self.processes.append(process)

    def wait_for(self, path: Path, pattern: str, seconds: float = 60) -> None:
        """Wait until a path below a folder exists, while all ranks run."""
        deadline = time.monotonic() + seconds
        while not any(path.glob(pattern)):
            assert time.monotonic() < deadline and all(p.is_alive() for p in self.processes), self.output()
            time.sleep(0.01)

    def finish(self, seconds: float = 90) -> list[int | None]:
        """Exit statuses of the ranks, negative for a signal; none outlives this."""
        deadline = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(deadline - time.monotonic(), 0))
        statuses = [process.exitcode for process in self.processes]
        for process in self.processes:
            process.kill()
            process.join()
        return statuses

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def _run(target: Callable[[Sequence[str]], int], flags: list[str], environment: dict[str, str], log: Path) -> None:
    os.environ.update(environment)
    # As in a process of one's own; what the server forks would start a server of its own for its workers.
    multiprocessing.set_start_method("fork", force=True)
    with log.open("ab", buffering=0) as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    status = 1
    try:
        status = target(flags)
    except SystemExit as stop:
        status = stop.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    sys.exit(status)
