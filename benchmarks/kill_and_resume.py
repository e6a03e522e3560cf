"""Kill training runs with SIGKILL at random points and resume them: are the batches and the weights those of a run
left alone?

    .venv/bin/python benchmarks/kill_and_resume.py --points 20 --ranks 1 2 --output
    benchmarks/results/kill_and_resume.json

A point kills one random process of the run's tree, a rank, a data loader's worker or the launcher, at a random time or
while a checkpoint is half written, and then resumes the run. The global batches must be those of the straight run, on
any number of ranks; on the same number the final weights as well, bit for bit. Half of the runs train a static
encoder, half a transformer with dropout. Exits with 1 if any point differs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hf_hybrid.output_files import check_output, write_json
from tests.killing import STEPS, Point, kill_and_resume, random_points, straight_run
from tests.test_train import write_splits


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_points(points: Sequence[Point], folder: Path, draw: random.Random) -> list[dict[str, Any]]:
    """Carry out all points, after the straight runs that they are compared with."""
    (folder / "data").mkdir()
    data = write_splits(folder / "data")
    numbers = {point.ranks for point in points} | {point.resume_ranks for point in points if point.resume_ranks}
    encoders = sorted({point.encoder for point in points})
    straight = {(e, n): straight_run(data, folder, e, n, unused_port()) for e in encoders for n in sorted(numbers)}
    rows = []
    for number, point in enumerate(points, start=1):
        result = None
        while result is None:
            runs = (straight[point.encoder, ranks] for ranks in (point.ranks, point.resume_ranks or point.ranks))
            with tempfile.TemporaryDirectory(dir=folder) as place:
                result = kill_and_resume(point, data, Path(place) / "run", *runs, unused_port())
            # If the run was over: once more, earlier.
            point = replace(point, after=draw.randrange(STEPS // 2))
        rows.append(result)
        print(f"{number:3} {row(result)}", flush=True)
    return rows


def row(result: dict[str, Any]) -> str:
    ranks = f"{result['ranks']} -> {result['resume_ranks'] or result['ranks']}"
    moment = "saving" if result["saving"] else "training"
    verdict = "same batches" if result["same_batches"] else "OTHER BATCHES"
    weights = "same weights" if result["same_weights"] else "other weights"
    return (
        f"{result['encoder']:11} ranks {ranks}  {moment:8} {result['killed']:8} after {result['batches_before']:2} "
        f"batches, whole {result['whole_checkpoints']} half {result['half_written']}, ended in "
        f"{result['seconds_to_end']} s: {verdict}, {weights}"
    )


def is_good(result: dict[str, Any]) -> bool:
    return result["same_batches"] and result["all_ended"] and (result["same_weights"] or bool(result["resume_ranks"]))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20, help="kills for each number of ranks")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--launched", type=int, default=3, help="how many of them are started with torchrun")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", help="write all results to this JSON file")
    parser.add_argument("--overwrite", action="store_true")
    arguments = parser.parse_args(argv)
    if arguments.output:
        check_output(arguments.output, arguments.overwrite)
    draw, since = random.Random(arguments.seed), time.monotonic()
    points = [p for ranks in arguments.ranks for p in random_points(arguments.points, ranks, arguments.launched, draw)]
    with tempfile.TemporaryDirectory() as folder:
        rows = run_points(points, Path(folder), draw)
    good = sum(map(is_good, rows))
    same = [result for result in rows if not result["resume_ranks"]]
    summary = {
        "points": len(rows),
        "good": good,
        "same_batches": sum(result["same_batches"] for result in rows),
        "same_weights_on_as_many_ranks": f"{sum(result['same_weights'] for result in same)} of {len(same)}",
        "killed_with_a_half_written_checkpoint": sum(bool(result["half_written"]) for result in rows),
        "longest_seconds_to_end": max(result["seconds_to_end"] for result in rows),
    }
    print(json.dumps(summary, indent=1), f"{time.monotonic() - since:.0f} s")
    if arguments.output:
        machine = {name: version(name) for name in ("torch", "transformers", "accelerate", "sentence-transformers")}
        machine |= {"python": platform.python_version(), "cores": os.cpu_count()}
        content = {"seed": arguments.seed, "versions": machine, "summary": summary, "kills": rows}
        write_json(arguments.output, content, arguments.overwrite)
    return int(good < len(rows))


if __name__ == "__main__":
    sys.exit(main())
