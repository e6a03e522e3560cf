"""A training pass on a CPU: what bf16 and glibc's memory settings give, on the shape of multilingual-e5-small.

    python benchmarks/bench_cpu.py --threads 1 --output benchmarks/results/training/cpu.json
    python benchmarks/bench_cpu.py --tiny        # a look at the command, in seconds

A pass is forward and backward of one chunk of texts through 12 layers x 384 (random weights, no dropout), as training
makes it: float32 or bf16 autocast, with glibc as it comes or with `keep_large_blocks`, which only a new process can
change. So every variant is a process of its own, and the processes take turns; medians of the processes' medians, by
the clock and in processor seconds, which a busy machine disturbs less. "pages": faults of pages in a pass, that the
kernel had to clear.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VARIANTS = {
    "float32": {"bf16": False, "keep": False},
    "float32, blocks kept": {"bf16": False, "keep": True},
    "bf16": {"bf16": True, "keep": False},
    "bf16, blocks kept": {"bf16": True, "keep": True},
}


def main(argv: Sequence[str] | None = None) -> None:
    """Time all variants in turns and write the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="processes of each variant")
    parser.add_argument("--passes", type=int, default=6, help="of each process, the first not counted")
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--output", type=Path, help="results file (default: none)")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.tiny:
        vars(arguments).update(rounds=1, passes=2, texts=4, length=8, threads=1)
    if arguments.child:
        print(json.dumps(measure(arguments)))
        return
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
    from bench_training_common import environment, print_table

    from hf_hybrid.engines.precision import bf16_units
    from hf_hybrid.output_files import check_output, write_json

    if arguments.output:
        check_output(arguments.output, overwrite=False)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for number in range(arguments.rounds):
        for name in list(VARIANTS)[:: 1 if number % 2 == 0 else -1]:
            found[name].append(child(arguments, VARIANTS[name]))
    medians = {
        name: {key: statistics.median(one[key] for one in runs) for key in runs[0]} for name, runs in found.items()
    }
    first = medians["float32"]["processor_seconds"]
    rows = [["", "s", "processor s", "float32's over it", "pages"]]
    for name, one in medians.items():
        rows.append([name, one["seconds"], one["processor_seconds"], first / one["processor_seconds"], one["pages"]])
    print_table(rows)
    if arguments.output:
        settings = {name: getattr(arguments, name) for name in ("threads", "rounds", "passes", "texts", "length")}
        content = {"benchmark": "cpu", "environment": environment(arguments.threads), "bf16_units": bf16_units()}
        write_json(arguments.output, {**content, "settings": settings, "medians": medians, "processes": found})


def child(arguments: argparse.Namespace, variant: dict[str, bool]) -> dict[str, float]:
    """What a process of its own measures for a variant."""
    names = ("threads", "passes", "texts", "length")
    flags = [f"--{name}={getattr(arguments, name)}" for name in names]
    command = [sys.executable, __file__, *flags, "--child", json.dumps(variant)]
    threads = {name: str(arguments.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(command, capture_output=True, text=True, env={**plain, **threads})
    if done.returncode:
        raise SystemExit(f"{variant} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Medians of the passes of this process."""
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
    import torch
    from transformers import BertConfig, BertModel

    from hf_hybrid.engines.allocator import keep_large_blocks

    if arguments.child["keep"] and not keep_large_blocks():
        raise SystemExit("glibc's settings could not be changed here: another C library or allocator")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=8_000, hidden_size=384, num_hidden_layers=12, num_attention_heads=12)
    config.intermediate_size, config.hidden_dropout_prob, config.attention_probs_dropout_prob = 1536, 0.0, 0.0
    model = BertModel(config, add_pooling_layer=False)
    ids = torch.randint(0, 8_000, (arguments.texts, arguments.length))
    seconds, processor, pages = [], [], []
    for _ in range(arguments.passes):
        start, used, before = time.perf_counter(), time.process_time(), faults()
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.child["bf16"]):
            vectors = model(input_ids=ids).last_hidden_state.mean(1)
        vectors.float().square().sum().backward()
        model.zero_grad()
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
        pages.append(faults() - before)
    counted = {"seconds": seconds, "processor_seconds": processor, "pages": pages}
    medians: dict[str, Any] = {name: statistics.median(values[1:]) for name, values in counted.items()}
    return medians


def faults() -> int:
    """Pages that this process had to be given so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


if __name__ == "__main__":
    main()
