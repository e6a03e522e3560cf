"""Time and memory of `ParallelPairs` and its plan on a million examples in 11 languages (11 M renditions).

    python benchmarks/bench_pairs.py [--examples 1000000] [--folder DIR] [--output benchmarks/results]

Writes synthetic renditions once (into --folder, default a temporary one), then measures in a fresh process: building
the pairs from the memory-mapped Arrow table, building the plan, batches in order and at random steps. Peak memory is
that of the process; `of its own` leaves out pages of the memory-mapped file, which the kernel may drop at any time.
The figures go into `pairs.json`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from bench_training_common import RESULTS, command_line, write_results

LANGUAGES = "ar de el en es hi ru th tr vi zh".split()


def write(folder: Path, examples: int, chunk: int = 50_000) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from tqdm import tqdm

    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(5000)])
    schema = pa.schema([(c, pa.string()) for c in ("id", "lang", "query", "passage", "passage_id", "source")])
    with pq.ParquetWriter(folder / "train.parquet.tmp", schema) as writer:
        for start in tqdm(range(0, examples, chunk), desc="Writing"):
            numbers = np.repeat(np.arange(start, min(start + chunk, examples)), len(LANGUAGES))
            count = len(numbers)
            picks = rng.integers(0, 5000, (count, 20))
            queries = [" ".join(row) for row in words[picks[:, :6]]]
            passages = [" ".join(row) for row in words[picks]]
            columns = {
                "id": [f"example-{n}" for n in numbers],
                "lang": LANGUAGES * (count // len(LANGUAGES)),
                "query": queries,
                "passage": passages,
                "passage_id": [f"passage-{n // 3}" for n in numbers],
                "source": [f"source-{n % 7}" for n in numbers],
            }
            writer.write_table(pa.table(columns, schema=schema))
    (folder / "train.parquet.tmp").rename(folder / "train.parquet")


class Peak(threading.Thread):
    """Samples the process's resident memory, all of it and without file-backed pages."""

    def __init__(self):
        super().__init__(daemon=True)
        self.total = self.own = 0

    def run(self):
        while True:
            fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
            read = {k: int(v.split()[0]) * 1024 for k, v in fields.items() if k in ("VmRSS", "RssFile")}
            self.total = max(self.total, read["VmRSS"])
            self.own = max(self.own, read["VmRSS"] - read["RssFile"])
            time.sleep(0.02)


def measure(folder: Path, output: Path, command: str) -> None:
    import numpy as np
    import torch

    from hf_hybrid.data.loading import load_renditions
    from hf_hybrid.data.pairs import ParallelPairs
    from hf_hybrid.plan.batch_plan import HybridBatchPlan
    from hf_hybrid.plan.types import PlanSettings

    dataset = load_renditions(str(folder), "train")
    peak = Peak()
    peak.start()
    started = time.perf_counter()
    pairs = ParallelPairs(dataset)
    built = time.perf_counter()
    print(f"{len(pairs):,} renditions, {pairs.num_examples:,} examples, {len(pairs.languages)} languages")
    seconds = {"ParallelPairs": built - started}
    print(f"ParallelPairs            {built - started:8.1f} s")
    plan = HybridBatchPlan(pairs, PlanSettings(global_batch_size=100))
    seconds["HybridBatchPlan"] = time.perf_counter() - built
    print(f"HybridBatchPlan          {seconds['HybridBatchPlan']:8.1f} s   {len(plan):,} batches per epoch")
    started = time.perf_counter()
    plan.batch(0)
    seconds["first batch"] = time.perf_counter() - started
    print(f"first batch (and table)  {seconds['first batch'] * 1e3:8.1f} ms")
    for name, steps in (
        ("in order", np.arange(1, min(2001, len(plan)))),
        ("at random", np.random.default_rng(1).integers(0, len(plan), 500)),
    ):
        started = time.perf_counter()
        for step in steps:
            plan.batch(int(step))
        each = seconds[f"batch {name}"] = (time.perf_counter() - started) / len(steps)
        print(f"batch of 100, {name:<10} {each * 1e6:8.0f} us  ({each * 1e4:.2f} us a row)")
    started = time.perf_counter()
    plan.fingerprint()
    seconds["fingerprint"] = time.perf_counter() - started
    print(f"fingerprint (data hash)  {seconds['fingerprint']:8.1f} s")
    time.sleep(0.1)
    memory = {"peak": peak.total / 2**30, "of its own": peak.own / 2**30}
    print(f"peak memory              {memory['peak']:8.2f} GiB, of its own {memory['of its own']:.2f} GiB")
    found = {"renditions": len(pairs), "batches_per_epoch": len(plan), "seconds": seconds, "memory_gib": memory}
    settings = {"examples": pairs.num_examples, "languages": len(pairs.languages), "batch_size": 100}
    settings["threads"] = torch.get_num_threads()
    print(write_results("pairs", output, settings, {"command": command, "results": found}))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="folder of the results file (default: %(default)s)"
    )
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.measure:
        measure(arguments.folder, arguments.output, arguments.measure)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "train.parquet").exists():
            write(folder, arguments.examples)
        # The first process makes the Arrow cache, the second is measured.
        from hf_hybrid.data.loading import load_renditions

        load_renditions(str(folder), "train")
        where = ["--folder", str(folder), "--output", str(arguments.output)]
        subprocess.run([sys.executable, __file__, "--measure", command_line(__file__, argv), *where], check=True)


if __name__ == "__main__":
    main()
