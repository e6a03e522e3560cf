"""Training on one GPU: recipes on random weights of published shapes, bf16, against sentence-transformers.

    python benchmarks/bench_gpu.py --shapes e5_small xlmr_base --batch_sizes 256 8192 --output benchmarks/results/gpu
    python benchmarks/bench_gpu.py --shapes e5_small --lengths qa --batch_sizes 1024 --compiled --output results
    python benchmarks/bench_gpu.py --shapes xlmr_base --batch_sizes 256 8192 --lora --output benchmarks/results/gpu
    python benchmarks/bench_gpu.py --tiny        # a look at the command on a CPU, in seconds

Encoders, loss, learning rate and gradient checkpointing are those of the recipes; module `bench_gpu_batches` says how
long texts are. Up to --plain_limit rows are trained plainly, more with gradient caching. Ours is run padded (chunks
cut by the measured cost of a pass), end to end without padding, and with --compiled in packed chunks of one shape; the
other as it comes, tuned, and tuned with its own flattening where its flash attention is installed. A step is: pad and
move the batch, embed, loss, backward pass, clipping, fused AdamW. The other library's tokenising is left out, ours
happened before training. All must have one loss trajectory, in float32 (to 1e-3) before anything is timed, and in bf16
(to 1e-2) before a time counts; the other as it comes scores in bf16 and so differs by more, tuned it scores in float32
as ours does. Share: useful operations (no padding, nothing made twice) over the measured rate of a large bf16 product.
Results are written after every batch size; the same command goes on where it was cut off.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench_training_common import environment, fix_threads, quiet

# What a figure depends on besides the part itself; the others choose parts.
CHOOSING = ("shapes", "batch_sizes", "lengths", "output", "lora", "minutes")
NAMES = ("e5_small", "xlmr_base", "xlmr_large", "labse")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Flags, and what `--tiny` makes of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=NAMES, default=NAMES, help="encoders (default: all)")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[100, 256, 8192, 65536])
    parser.add_argument("--lengths", nargs="+", choices=("qa", "marco"), default=["qa", "marco"], help="of texts")
    parser.add_argument("--lora", action="store_true", help="train an adapter, as --use_peft does")
    parser.add_argument("--compiled", action="store_true", help="also ours compiled, in packed chunks of one shape")
    parser.add_argument("--mode", help="of torch.compile, such as reduce-overhead")
    parser.add_argument("--plain_limit", type=int, default=256, help="larger batches use gradient caching")
    parser.add_argument(
        "--chunk_tokens", type=int, nargs="+", default=[16384, 65536], help="of ours; the quickest counts"
    )
    parser.add_argument(
        "--tuned", type=json.loads, help="settings of the other's cached loss, as JSON; default: tried"
    )
    parser.add_argument("--trial_rows", type=int, default=4096, help="batch in which settings are tried")
    parser.add_argument("--skip_default", action="store_true", help="leave the other's default out (slow when large)")
    parser.add_argument("--attention", help="attn_implementation of both; default: the library's choice")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="least time of a repeat, at least one step")
    parser.add_argument("--agreement_rows", type=int, default=64)
    parser.add_argument("--agreement_steps", type=int, default=4, help="steps whose losses are compared")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument(
        "--minutes", type=float, help="begin no batch size for which less is left than the longest took"
    )
    parser.add_argument("--output", type=Path, help="folder for gpu_<shape>.json, or gpu_<shape>_lora.json")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args(argv)
    if arguments.tiny:
        tiny = {"plain_limit": 8, "trial_rows": 8, "repeats": 1, "threads": 1, "seconds": 0.0}
        tiny |= {"agreement_rows": 8, "agreement_steps": 1, "chunk_tokens": [512, 2048]}
        tiny |= {"batch_sizes": [8, 16]} if parser.get_default("batch_sizes") == arguments.batch_sizes else {}
        vars(arguments).update(tiny)
    return arguments


def main(argv: Sequence[str] | None = None) -> None:
    """Measure every shape, length and batch size; one results file a shape."""
    arguments = parse(argv)
    fix_threads(arguments.threads)
    quiet()
    import torch
    from bench_gpu_parts import Clock, Record, matrix_rate
    from bench_gpu_run import GpuBenchmark

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    settings = {key: value for key, value in vars(arguments).items() if key not in CHOOSING}
    clock = Clock(arguments.minutes)
    for shape in arguments.shapes:
        title = f"gpu_{shape}{'_lora' if arguments.lora else ''}{'_compiled' if arguments.compiled else ''}"
        head: dict[str, Any] = {"benchmark": title, "device": name, "cuda": torch.version.cuda, "settings": settings}
        head |= {"environment": environment(arguments.threads)}
        record = Record(arguments.output and arguments.output / f"{title}.json", head)
        rate = record.part("matrix_rate", partial(matrix_rate, device, 256 if arguments.tiny else 8192))
        print(f"{name}: bf16 products at {rate['operations_per_second'] / 1e12:,.1f} TFLOP/s", flush=True)
        wanted = {
            f"{lengths}_{rows}": (rows, lengths) for lengths in arguments.lengths for rows in arguments.batch_sizes
        }
        missing = {part: what for part, what in wanted.items() if part not in record.parts}
        if not missing:
            continue
        if not clock.suffices():
            print(f"no time for {shape}: {', '.join(missing)}", flush=True)
            continue
        benchmark = GpuBenchmark(shape, arguments, device, rate["operations_per_second"])
        agreement = record.part("float32", partial(clock.timed, benchmark.agreement))
        print(f"\n{shape}: float32 losses agree to {agreement['largest_loss_difference']:.1e}", flush=True)
        for part, what in missing.items():
            if not clock.suffices():
                print(f"no time for {shape}: {part}", flush=True)
                continue
            record.part(part, partial(clock.timed, partial(benchmark.measure, *what)))


if __name__ == "__main__":
    main()
