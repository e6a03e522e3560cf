"""Kill a run of the training command with SIGKILL, resume it, and compare it with a run that was left alone."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from hf_hybrid.training.checkpoints import MANIFEST, whole_steps
from tests.forked_ranks import Ranks
from tests.launching import ENVIRONMENT, ROOT
from tests.recorded_runs import FLAGS, STEPS, forget_batches, same_weights, seen_batches, train_recorded

SECONDS = 120
# A run whose process was killed must have ended within this.
SECONDS_TO_END = 60


@dataclass(frozen=True)
class Point:
    """One kill.

    Attributes:
        encoder: `static`, or `transformer`, which has dropout.
        ranks: Processes that train; resume_ranks: those that go on, where the number changes.
        after: Number of batches after which to kill, -1 for before the first.
        saving: Kill when next a checkpoint is half written, rather than `delay` seconds later.
        victim: Which process of the tree dies, as a part of their number.
        workers: Processes of each rank that load data.
        launched: With torchrun, which is of the tree, too.
    """

    encoder: str
    ranks: int
    after: int
    victim: float
    saving: bool = False
    delay: float = 0.0
    resume_ranks: int | None = None
    workers: int = 0
    launched: bool = False


class Run:
    """One process tree of the command."""

    def __init__(self, data: Path, output: Path, encoder: str, ranks: int, port: int, workers: int, launched: bool):
        flags = [*FLAGS, "--encoder", encoder, "--dataset_name_or_path", str(data), "--output_dir", str(output)]
        self.flags = [*flags, "--dataloader_num_workers", str(workers)]
        self.output, self.ranks, self.port, self.launched = output, ranks, port, launched
        self.log = output.with_name(f"{output.name}.log")

    def start(self, *more: str) -> list[psutil.Process]:
        """Start; returns the processes that do not belong to another one of them."""
        if not self.launched:
            self.forked = Ranks([*self.flags, *more], self.log, self.ranks, self.port, train_recorded, **ENVIRONMENT)
            return [psutil.Process(process.pid) for process in self.forked.processes]
        launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(self.ranks)]
        command = [*launcher, "--master_port", str(self.port), "-m", "tests.recorded_runs", *self.flags, *more]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env={**ENVIRONMENT}, stdout=log, stderr=log)
        return [psutil.Process(self.process.pid)]

    def finish(self) -> list[int | None]:
        return [self.process.wait(SECONDS)] if self.launched else self.forked.finish(SECONDS)

    def complete(self, *more: str) -> None:
        """Run to the end, which must be a good one."""
        self.start(*more)
        statuses = self.finish()
        assert not any(statuses), f"{statuses}: {self.log.read_text(errors='replace')[-3000:]}"


def straight_run(data: Path, folder: Path, encoder: str, ranks: int, port: int) -> Path:
    """A run that is left alone; returns its folder."""
    output = folder / f"straight-{encoder}-{ranks}"
    Run(data, output, encoder, ranks, port, 0, False).complete()
    return output


def kill_and_resume(
    point: Point, data: Path, output: Path, straight: Path, other: Path, port: int
) -> dict[str, Any] | None:
    """Carry one kill out.

    Args:
        output: Folder for the run.
        straight, other: Runs that were left alone, on `point.ranks` and on `point.resume_ranks`.

    Returns:
        What was seen and whether all was equal; None where the run was over before it could be killed.
    """
    run = Run(data, output, point.encoder, point.ranks, port, point.workers, point.launched)
    roots = run.start()
    _wait(point, output, roots)
    tree = [process for root in roots for process in (root, *_children(root))]
    victim = tree[int(point.victim * len(tree))]
    if not all(_alive(root) for root in roots):
        run.finish()
        return None
    kind = (
        "launcher" if point.launched and victim in roots else "rank" if victim in roots or point.launched else "worker"
    )
    victim.kill()
    since = time.monotonic()
    run.finish()
    alive = psutil.wait_procs(tree, timeout=SECONDS_TO_END)[1]
    seconds_to_end = time.monotonic() - since
    for process in alive:
        process.kill()
    whole = whole_steps(output) if output.exists() else []
    half = sorted({int(path.name[11:]) for path in output.glob("checkpoint-*")} - set(whole))
    expected = seen_batches(straight, point.ranks)
    seen = seen_batches(output, point.ranks) if Path(f"{output}.seen").exists() else []
    forget_batches(output)

    ranks = point.resume_ranks or point.ranks
    again = Run(data, output, point.encoder, ranks, port, point.workers, False)
    again.complete(*(["--resume"] if output.exists() else []))
    first = whole[-1] if whole else 0
    resumed = seen_batches(output, ranks) if first < STEPS else []
    return {
        **asdict(point),
        "killed": kind,
        "batches_before": len(seen),
        "whole_checkpoints": whole,
        "half_written": half,
        "seconds_to_end": round(seconds_to_end, 1),
        "all_ended": not alive,
        "same_batches": seen == expected[: len(seen)]
        and resumed == expected[first:] == seen_batches(other, ranks)[first:],
        "same_weights": same_weights(output, other if first == 0 else straight),
    }


def _wait(point: Point, output: Path, roots: list[psutil.Process]) -> None:
    """Wait for the moment of the kill, or for the end of the run."""
    record = Path(f"{output}.seen") / "0.jsonl"
    deadline = time.monotonic() + SECONDS

    def running() -> bool:
        return time.monotonic() < deadline and all(_alive(root) for root in roots)

    while running() and point.after >= 0 and not (record.exists() and record.read_bytes().count(b"\n") >= point.after):
        time.sleep(0.001)
    while running() and point.saving:
        if any(not (path / MANIFEST).exists() for path in output.glob("checkpoint-*")):
            return
        time.sleep(0.0005)
    time.sleep(point.delay)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def random_points(count: int, ranks: int, launched: int, draw: random.Random) -> list[Point]:
    """Points of all kinds: encoders in turn, a third of the kills while a checkpoint is written, some with workers.

    The last `launched` ones run under torchrun, and every fifth of the others goes on with another number of ranks.
    """
    points = []
    for number in range(count):
        under, saving = number >= count - launched, number % 3 == 2
        after = draw.randint(-1, STEPS)
        points.append(
            Point(
                encoder=("static", "transformer")[number % 2],
                ranks=ranks,
                after=min(after, STEPS - 1) if saving else after,
                victim=round(draw.random(), 3),
                saving=saving,
                # Before the first batch a process is busy for a second, afterwards a step takes some milliseconds.
                delay=0.0 if saving else round(draw.uniform(0, 0.8 if after < 0 else 0.06), 3),
                resume_ranks=3 - ranks if number % 5 == 4 and not under and ranks < 3 else None,
                workers=int(number % 4 == 3),
                launched=under,
            )
        )
    return points
