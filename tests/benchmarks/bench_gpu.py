"""Training on one GPU: encoders of XLM-R's shapes with random weights, bf16, against sentence-transformers.

    python tests/benchmarks/bench_gpu.py --shapes base --batch_sizes 256 8192 --output tests/benchmarks/results
    python tests/benchmarks/bench_gpu.py --tiny        # a look at the command on a CPU, in seconds

Queries of about 16 tokens, passages of about 160. Up to --plain_limit rows are trained plainly, more with gradient caching. A
step is: pad and move the batch, embed, loss, backward pass, clipping, fused AdamW. The other library's tokenising is left out, ours
happened before training. Both sides must have one loss trajectory in float32 (to 1e-3) before a time counts; the largest
difference in bf16 is reported. Share: useful operations (no padding, nothing made twice) over the measured rate of a large bf16 product.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from bench_training_common import (
    PeakMemory,
    fix_threads,
    interleaved,
    print_table,
    quiet,
    require_equal,
    summary,
    write_results,
)

GIB = 1 << 30
# Paddings and tiles differ, and bf16 keeps eight bits: the difference is reported, and only a gross one stops.
BF16_TOLERANCE = 0.1
TUNED = [
    *({"mini_batch_size": size, "presorted": True, "similarity": "dot_score"} for size in (64, 256, 1024)),
    {"mini_batch_size": 4096, "mini_batch_num_tokens": 65536, "presorted": True, "similarity": "dot_score"},
]


def parse() -> argparse.Namespace:
    """Flags, and what `--tiny` makes of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=("base", "large", "tiny"), default=["base", "large"])
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[256, 8192, 65536])
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
    parser.add_argument("--agreement_steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--output", type=Path, help="folder for gpu_<shape>.json")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    if arguments.tiny:
        tiny = {"shapes": ["tiny"], "batch_sizes": [8, 16], "plain_limit": 8, "trial_rows": 8, "repeats": 1}
        tiny |= {"seconds": 0.0, "agreement_rows": 8, "agreement_steps": 1, "threads": 1, "chunk_tokens": [512, 2048]}
        vars(arguments).update(tiny)
    return arguments


def main() -> None:
    """Measure every shape and batch size and write one results file a shape."""
    arguments = parse()
    fix_threads(arguments.threads)
    quiet()
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rate = matrix_rate(device, 256 if arguments.tiny else 8192)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    print(f"{name}: bf16 products at {rate / 1e12:,.1f} TFLOP/s", flush=True)
    for shape in arguments.shapes:
        bench = GpuBenchmark(shape, arguments, device, rate)
        results = {"device": name, "cuda": torch.version.cuda, "matrix_operations_per_second": rate, **bench.run()}
        if arguments.output:
            kept = {key: value for key, value in vars(arguments).items() if key != "output"}
            print(write_results(f"gpu_{shape}", arguments.output, kept, {"results": results}))


def matrix_rate(device: Any, size: int) -> float:
    """Operations a second of a large bf16 product, the best of ten."""
    import torch

    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        synchronise(device)
        started = time.perf_counter()
        a @ b
        synchronise(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def synchronise(device: Any) -> None:
    """Wait for the device."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()


class GpuBenchmark:
    """One encoder shape: agreement, trials, then times and memory at every batch size."""

    def __init__(self, shape: str, arguments: argparse.Namespace, device: Any, rate: float):
        import bench_gpu_parts as parts

        self.parts, self.shape, self.arguments, self.device, self.rate = parts, shape, arguments, device, rate
        self.model = parts.build(shape, arguments.attention).to(device)
        self.weights = copy.deepcopy({name: value.cpu() for name, value in self.model.state_dict().items()})

    def run(self) -> dict[str, Any]:
        """Results of all batch sizes."""
        agreement = self.agreement()
        print(f"\n{self.shape}: float32 losses agree to {agreement:.1e}", flush=True)
        found = {"float32_loss_difference": agreement, "batches": [], "trials": {}}
        for rows in self.arguments.batch_sizes:
            found["batches"].append(self.measure(rows, found["trials"]))
        return found

    # -- one run ------------------------------------------------------------------------------------------------------

    def train(
        self, variant: dict[str, Any], rows: int, steps: int, seconds: float = 0.0, mixed: bool = True
    ) -> dict[str, Any]:
        """Train from the first weights: one step that is not timed, then `steps` or as many as fill `seconds`."""
        import torch

        self.model.load_state_dict(self.weights)
        self.model.train()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        step = self.make(variant)
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-5, weight_decay=0.01, fused=True)
        losses, tokens, operations, number = [], 0, 0.0, 0
        started = 0.0
        while number <= steps or (time.perf_counter() - started < seconds):
            batch = self.parts.make_batch(rows, self.parts.VOCABULARY[self.shape], seed=number)
            if number == 1:
                synchronise(self.device)
                started = time.perf_counter()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
                loss = step(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach())
            if number:
                tokens += batch.tokens
                operations += self.parts.useful_operations(batch, self.shape)
                synchronise(self.device)
            number += 1
        taken = (time.perf_counter() - started) / (number - 1)
        peak = torch.cuda.max_memory_allocated() / GIB if self.device.type == "cuda" else None
        counted = number - 1
        return {
            "seconds": taken,
            "losses": [float(loss) for loss in losses],
            "tokens": tokens / counted,
            "operations": operations / counted,
            "peak_gib": peak,
        }

    def make(self, variant: dict[str, Any]) -> Any:
        """The variant's step."""
        settings = {name: value for name, value in variant.items() if name != "side"}
        side = self.parts.our_step if variant["side"] == "ours" else self.parts.their_step
        return side(self.model, self.device, **settings)

    # -- comparison ---------------------------------------------------------------------------------------------------

    def agreement(self) -> float:
        """Largest difference of the losses in float32, plain and cached, default and tuned."""
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        ours = {"side": "ours", "chunk_tokens": self.arguments.chunk_tokens[0]}
        variants = {
            "ours": {**ours, "budget": None},
            "ours, cached": {**ours, "budget": 0.0},
            "theirs": {"side": "theirs", "cached": False},
            "theirs, cached": {"side": "theirs", "cached": True, **TUNED[0]},
        }
        rows, steps = self.arguments.agreement_rows, self.arguments.agreement_steps
        return require_equal(
            {name: self.train(variant, rows, steps, mixed=False)["losses"] for name, variant in variants.items()}
        )

    def variants(self, rows: int, trials: dict[str, float]) -> dict[str, dict[str, Any]]:
        """What is compared at a batch size; settings that are open are tried on a smaller batch."""
        cached = rows > self.arguments.plain_limit
        trial_rows = min(rows, self.arguments.trial_rows)
        budget = self.budget() if cached else None
        ours = [{"side": "ours", "chunk_tokens": tokens, "budget": budget} for tokens in self.arguments.chunk_tokens]
        found = {"ours": self.quickest(ours, trial_rows, trials)}
        if cached:
            found["ours, nothing kept"] = {**found["ours"], "budget": 0.0}
        if not (cached and self.arguments.skip_default):
            found["sentence-transformers, default"] = {"side": "theirs", "cached": cached}
        tuned = [{"side": "theirs", "cached": False, "similarity": "dot_score"}]
        if cached:
            tried = [self.arguments.tuned] if self.arguments.tuned else TUNED
            tuned = [{"side": "theirs", "cached": True, **settings} for settings in tried]
        found["sentence-transformers, tuned"] = self.quickest(tuned, trial_rows, trials)
        return found

    def quickest(self, variants: list[dict[str, Any]], rows: int, trials: dict[str, float]) -> dict[str, Any]:
        """The variant with the shortest step; one that runs out of memory is out."""
        import torch

        if len(variants) == 1:
            return variants[0]
        times = {}
        for variant in variants:
            name = json.dumps({"rows": rows, **variant})
            try:
                times[name] = trials.get(name) or self.train(variant, rows, steps=2)["seconds"]
            except torch.OutOfMemoryError:
                times[name] = float("inf")
        trials.update(times)
        return variants[min(range(len(variants)), key=lambda i: list(times.values())[i])]

    def budget(self) -> float:
        """Bytes of activations that ours keeps, as the trainer chooses them: half of what is free."""
        import torch

        gc.collect()
        if self.device.type != "cuda":
            return float(GIB)
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info()[0] / 2

    def measure(self, rows: int, trials: dict[str, float]) -> dict[str, Any]:
        """Times, memory and rates at one batch size."""
        variants = self.variants(rows, trials)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in variants}

        def timed(name: str) -> float:
            with PeakMemory() as memory:
                done = self.train(variants[name], rows, steps=1, seconds=self.arguments.seconds)
            if done["peak_gib"] is None:
                done["peak_gib"] = memory.extra / 1024
            runs[name].append(done)
            return done["seconds"]

        times = interleaved({name: partial(timed, name) for name in variants}, self.arguments.repeats)
        shortest = min(len(run["losses"]) for of in runs.values() for run in of)
        difference = require_equal(
            {name: of[0]["losses"][:shortest] for name, of in runs.items()}, tolerance=BF16_TOLERANCE
        )
        results = {name: self.rates(rows, times[name], runs[name]) for name in variants}
        own = results["ours"]["seconds"]["median"]
        print(f"\n{self.shape}, batch {rows:,}: bf16 losses agree to {difference:.1e}")
        table = [["", "s/step", "min", "max", "pairs/s", "tokens/s", "share of the rate", "peak GiB", "times ours"]]
        for name, each in results.items():
            rate = [each[key] for key in ("pairs_per_second", "tokens_per_second", "share_of_matrix_rate", "peak_gib")]
            table.append([name, *each["seconds"].values(), *rate, each["seconds"]["median"] / own])
        print_table(table)
        described = {name: {"settings": variants[name], **results[name]} for name in variants}
        return {"rows": rows, "bf16_loss_difference": difference, "variants": described}

    def rates(self, rows: int, times: list[float], runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Rates of a variant from its median time."""
        seconds = summary(times)
        median = seconds["median"]
        return {
            "seconds": seconds,
            "pairs_per_second": rows / median,
            "tokens_per_second": runs[0]["tokens"] / median,
            "share_of_matrix_rate": runs[0]["operations"] / median / self.rate,
            "peak_gib": max(run["peak_gib"] for run in runs),
        }


if __name__ == "__main__":
    main()
