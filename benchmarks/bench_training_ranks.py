"""`ranks`: gradient caching on several gloo ranks: collectives of a step, and time.

Every collective is counted where torch hands it to the process group, so those of DDP's buckets count too. The global
batch is the same in both: ours gives each rank its share, the other library gathers negatives of all ranks
(`gather_across_devices`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import bench_training_step as step
import torch
import torch.distributed as dist
from bench_training_common import ROOT, interleaved, print_table, require_equal, summary
from bench_training_runs import Run, Work, run
from torch.profiler import ProfilerActivity, profile
from transformers import TrainerCallback

SORTED = {"cached": True, "gather": True, "find_unused": False, "presorted": False, "similarity": "dot_score"}


def add_arguments(parser: ArgumentParser) -> None:
    """Flags of `ranks`: those of `step`, and the number of processes."""
    step.add_arguments(parser)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--mini_batch_sizes", type=int, nargs="+", default=[32, 128], help="of the other library")
    parser.add_argument("--worker", type=Path, help="file to which the first rank writes what it measured")


def main(arguments: Namespace) -> dict[str, Any] | None:
    """Start the ranks and print what the first one found; a rank itself returns nothing."""
    if arguments.worker:
        return measure(arguments)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc_per_node={arguments.ranks}",
        ]
        script = str(Path(__file__).with_name("bench_training.py"))
        done = subprocess.run([*command, script, *arguments.argv, "--worker", str(file)], cwd=ROOT, env=os.environ)
        if done.returncode:
            raise SystemExit("a rank failed; see above")
        found = json.loads(file.read_text())
    rows = [["", "s/step", "min", "max", "collectives of a step", "of the loss"]]
    for name, each in found["variants"].items():
        rows.append([name, *each["seconds"].values(), each["collectives"], each["collectives_of_the_loss"]])
    print(f"{arguments.ranks} ranks, losses agree to {found['largest_loss_difference']:.1e}")
    print_table(rows)
    for name, each in found["variants"].items():
        print(f"{name}: {each['kinds']}")
    return found


def measure(arguments: Namespace) -> None:
    """One rank's part: count, then time, in turns."""
    work, description = step.make_work(arguments, "cached")
    others = {
        f"sentence-transformers, mini-batch {size}": {**SORTED, "mini_batch_size": size, "ranks": arguments.ranks}
        for size in arguments.mini_batch_sizes
    }
    default = {"cached": True, "gather": True, "ranks": arguments.ranks}
    variants = {
        "ours": ("ours", {"gradient_cache": True}),
        "sentence-transformers, default": ("sentence-transformers", default),
        **{name: ("sentence-transformers", settings) for name, settings in others.items()},
    }
    losses: dict[str, list[float]] = {}
    found: dict[str, dict[str, Any]] = {}
    for name, variant in variants.items():
        counter = Collectives(work)
        done = run_variant(work, variant, counter)
        losses[name] = mean_over_ranks(done.losses)
        found[name] = {"settings": variant[1], **counter.of_a_step()}
    times = interleaved(
        {name: partial(seconds, work, variant) for name, variant in variants.items()}, arguments.repeats
    )
    for name in variants:
        found[name]["seconds"] = summary(times[name])
    difference = require_equal(losses)
    if dist.get_rank() == 0:
        content = {**description, "largest_loss_difference": difference, "losses": losses["ours"], "variants": found}
        arguments.worker.write_text(json.dumps(content))
    dist.barrier()
    dist.destroy_process_group()


def run_variant(work: Work, variant: tuple[str, dict[str, Any]], counter: Collectives | None = None) -> Run:
    """Run a variant, its collectives counted if asked for."""
    trainer, settings = variant
    prepare = None if counter is None else lambda made: made.add_callback(counter)
    return run(partial(step.TRAINERS[trainer], **settings), work, prepare)


def seconds(work: Work, variant: tuple[str, dict[str, Any]]) -> float:
    """Time of a step, the slowest rank's."""
    taken = torch.tensor([run_variant(work, variant).seconds], dtype=torch.float64)
    dist.all_reduce(taken, dist.ReduceOp.MAX)
    return float(taken)


def mean_over_ranks(losses: list[float]) -> list[float]:
    """A rank's loss is the mean over its own queries."""
    total = torch.tensor(losses, dtype=torch.float64)
    dist.all_reduce(total)
    return (total / dist.get_world_size()).tolist()


class Collectives(TrainerCallback):
    """Counts collectives after the warm-up, as the profiler sees them."""

    def __init__(self, work: Work):
        self.first, self.last, self.steps, self.profiler = work.warmup, work.warmup + work.steps, 0, None

    def on_step_end(self, args, state, control, **kwargs) -> None:
        self.steps += 1
        if self.steps == self.first:
            self.profiler = profile(activities=[ProfilerActivity.CPU])
            self.profiler.start()
        elif self.steps == self.last:
            self.profiler.stop()

    def of_a_step(self) -> dict[str, Any]:
        """Collectives of a step by kind; all but reductions (of DDP's buckets, of agreed numbers) are the loss's."""
        steps = self.last - self.first
        counts = Counter(
            {event.key: event.count for event in self.profiler.key_averages() if event.key.startswith("c10d::")}
        )
        kinds = {name.removeprefix("c10d::").strip("_"): count / steps for name, count in sorted(counts.items())}
        return {
            "kinds": kinds,
            "collectives": sum(kinds.values()),
            "collectives_of_the_loss": sum(count for name, count in kinds.items() if name != "allreduce"),
        }
