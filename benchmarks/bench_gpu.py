"""Training on one GPU: the paper's recipes on random weights of the published shapes, bf16, against
sentence-transformers.

    python benchmarks/bench_gpu.py --shapes xlmr_base labse --batch_sizes 100 256 8192 --output benchmarks/results
    python benchmarks/bench_gpu.py --shapes xlmr_base --batch_sizes 256 8192 --lora --output benchmarks/results
    python benchmarks/bench_gpu.py --tiny        # a look at the command on a CPU, in seconds

Encoders, loss, learning rate and gradient checkpointing are those of `xlmr_base.yaml`, `xlmr_large.yaml` and
`labse.yaml`. Queries of about 16 tokens, passages of about 160. Up to --plain_limit rows are trained plainly, more
with gradient caching. A step is: pad and move the batch, embed, loss, backward pass, clipping, fused AdamW. The other
library's tokenising is left out, ours happened before training. Both sides must have one loss trajectory, in float32
(to 1e-3) before anything is timed, and in bf16 (to 1e-2) before a time counts; the other as it comes scores in bf16
and so differs by more, tuned it scores in float32 as ours does. Share: useful operations (no padding, nothing made
twice) over the measured rate of a large bf16 product. Results are written after every batch size; the same command
goes on where it was cut off.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench_training_common import (
    PeakMemory,
    environment,
    fix_threads,
    interleaved,
    print_table,
    quiet,
    require_equal,
)

GIB = 1 << 30
BF16_TOLERANCE = 1e-2
DEFAULT = "sentence-transformers, default"
TUNED = [
    *({"mini_batch_size": size, "presorted": True, "similarity": "dot_score"} for size in (64, 256, 1024)),
    {"mini_batch_size": 4096, "mini_batch_num_tokens": 65536, "presorted": True, "similarity": "dot_score"},
]
# What a figure depends on besides the part itself; the others choose parts.
CHOOSING = ("shapes", "batch_sizes", "output", "lora")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Flags, and what `--tiny` makes of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ("xlmr_base", "xlmr_large", "labse")
    parser.add_argument("--shapes", nargs="+", choices=names, default=names, help="recipes (default: all three)")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[100, 256, 8192, 65536])
    parser.add_argument("--lora", action="store_true", help="train an adapter, as --use_peft does")
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
    parser.add_argument("--output", type=Path, help="folder for gpu_<shape>.json, or gpu_<shape>_lora.json")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args(argv)
    if arguments.tiny:
        tiny = {"batch_sizes": [8, 16], "plain_limit": 8, "trial_rows": 8, "repeats": 1, "threads": 1}
        tiny |= {"seconds": 0.0, "agreement_rows": 8, "agreement_steps": 1, "chunk_tokens": [512, 2048]}
        vars(arguments).update(tiny)
    return arguments


def main(argv: Sequence[str] | None = None) -> None:
    """Measure every shape and batch size; one results file a shape."""
    arguments = parse(argv)
    fix_threads(arguments.threads)
    quiet()
    import torch
    from bench_gpu_parts import Record, matrix_rate

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    settings = {key: value for key, value in vars(arguments).items() if key not in CHOOSING}
    for shape in arguments.shapes:
        title = f"gpu_{shape}{'_lora' if arguments.lora else ''}"
        head = {"benchmark": title, "device": name, "cuda": torch.version.cuda, "settings": settings}
        head |= {"environment": environment(arguments.threads)}
        record = Record(arguments.output and arguments.output / f"{title}.json", head)
        rate = record.part("matrix_rate", partial(matrix_rate, device, 256 if arguments.tiny else 8192))
        print(f"{name}: bf16 products at {rate['operations_per_second'] / 1e12:,.1f} TFLOP/s", flush=True)
        if missing := [rows for rows in arguments.batch_sizes if f"batch_{rows}" not in record.parts]:
            GpuBenchmark(shape, arguments, device, rate["operations_per_second"]).run(record, missing)


class GpuBenchmark:
    """One encoder: agreement, trials, then times and memory at every batch size."""

    def __init__(self, shape: str, arguments: argparse.Namespace, device: Any, rate: float):
        import bench_gpu_encoders as encoders
        import bench_gpu_parts as parts

        sizes = (encoders.TINY if arguments.tiny else encoders.SHAPES)[shape]
        self.parts, self.shape, self.arguments, self.device, self.rate = parts, shape, arguments, device, rate
        flags = ["--attn_implementation", arguments.attention] if arguments.attention else []
        self.encoder = encoders.build(shape, sizes, device, arguments.lora, flags)
        self.trained = [p for p in self.encoder.model.parameters() if p.requires_grad]
        self.weights = [parameter.detach().cpu().clone() for parameter in self.trained]
        self.trials: dict[str, float] = {}

    def run(self, record: Any, batch_sizes: Sequence[int]) -> None:
        """Make the parts that the record lacks."""
        agreement = record.part("float32", self.agreement)
        print(f"\n{self.shape}: float32 losses agree to {agreement['largest_loss_difference']:.1e}", flush=True)
        for rows in batch_sizes:
            record.part(f"batch_{rows}", partial(self.measure, rows))

    # -- one run ------------------------------------------------------------------------------------------------------

    def train(
        self, variant: dict[str, Any], rows: int, steps: int, seconds: float = 0.0, mixed: bool = True
    ) -> dict[str, Any]:
        """Train from the first weights: one smaller step that is not timed, then `steps` or as many as fill
        `seconds`.
        """
        import torch

        model, training = self.encoder.model, self.encoder.training
        with torch.no_grad():
            for parameter, value in zip(self.trained, self.weights, strict=True):
                parameter.copy_(value)
        model.train()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        step = self.make(variant)
        settings = {"lr": training.learning_rate, "weight_decay": training.weight_decay, "fused": True}
        optimizer = torch.optim.AdamW(self.trained, **settings)
        losses, tokens, operations, number, started = [], 0, 0.0, 0, 0.0
        while number <= steps or (time.perf_counter() - started < seconds):
            size = rows if number else min(rows, self.arguments.trial_rows)
            batch = self.parts.make_batch(size, self.encoder, seed=number)
            if number == 1:
                self.parts.synchronise(self.device)
                started = time.perf_counter()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
                loss = step(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.trained, training.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach())
            if number:
                tokens += batch.tokens
                operations += self.parts.useful_operations(batch, self.encoder)
                self.parts.synchronise(self.device)
            number += 1
        counted = number - 1
        return {
            "seconds": (time.perf_counter() - started) / counted,
            "losses": [float(loss) for loss in losses],
            "tokens": tokens / counted,
            "operations": operations / counted,
            "peak_gib": torch.cuda.max_memory_allocated() / GIB if self.device.type == "cuda" else None,
        }

    def make(self, variant: dict[str, Any]) -> Any:
        """The variant's step."""
        settings = {name: value for name, value in variant.items() if name != "side"}
        side = self.parts.our_step if variant["side"] == "ours" else self.parts.their_step
        return side(self.encoder, self.device, **settings)

    # -- comparison ---------------------------------------------------------------------------------------------------

    def agreement(self) -> dict[str, float]:
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
        losses = {name: self.train(variant, rows, steps, mixed=False)["losses"] for name, variant in variants.items()}
        return {"largest_loss_difference": require_equal(losses)}

    def variants(self, rows: int) -> dict[str, dict[str, Any]]:
        """What is compared at a batch size; settings that are open are tried on a smaller batch."""
        cached = rows > self.arguments.plain_limit
        trial_rows = min(rows, self.arguments.trial_rows)
        budget = self.budget() if cached else None
        ours = [{"side": "ours", "chunk_tokens": tokens, "budget": budget} for tokens in self.arguments.chunk_tokens]
        found = {"ours": self.quickest(ours, trial_rows)}
        if cached:
            found["ours, nothing kept"] = {**found["ours"], "budget": 0.0}
        if not (cached and self.arguments.skip_default):
            found[DEFAULT] = {"side": "theirs", "cached": cached}
        tuned = [{"side": "theirs", "cached": False, "similarity": "dot_score"}]
        if cached:
            tried = [self.arguments.tuned] if self.arguments.tuned else TUNED
            tuned = [{"side": "theirs", "cached": True, **settings} for settings in tried]
        found["sentence-transformers, tuned"] = self.quickest(tuned, trial_rows)
        return found

    def quickest(self, variants: list[dict[str, Any]], rows: int) -> dict[str, Any]:
        """The variant with the shortest step; one that runs out of memory is out."""
        import torch

        if len(variants) == 1:
            return variants[0]
        times = {}
        for variant in variants:
            name = json.dumps({"rows": rows, **variant})
            try:
                times[name] = self.trials.get(name) or self.train(variant, rows, steps=2)["seconds"]
            except torch.OutOfMemoryError:
                times[name] = float("inf")
        self.trials.update(times)
        return variants[min(range(len(variants)), key=lambda i: list(times.values())[i])]

    def budget(self) -> float:
        """Bytes of activations that ours keeps, as the trainer chooses them: half of what is free."""
        import torch

        gc.collect()
        if self.device.type != "cuda":
            return float(GIB)
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info()[0] / 2

    def measure(self, rows: int) -> dict[str, Any]:
        """Times, memory and rates at one batch size, of the variants that fit into memory."""
        import torch

        variants = self.variants(rows)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in variants}
        too_large = set()

        def timed(name: str) -> float:
            if name in too_large:
                return float("inf")
            with PeakMemory() as memory:
                try:
                    done = self.train(variants[name], rows, steps=1, seconds=self.arguments.seconds)
                except torch.OutOfMemoryError:
                    too_large.add(name)
                    return float("inf")
            if done["peak_gib"] is None:
                done["peak_gib"] = memory.extra / 1024
            runs[name].append(done)
            return done["seconds"]

        times = interleaved({name: partial(timed, name) for name in variants}, self.arguments.repeats)
        fitting = {name: of for name, of in runs.items() if name not in too_large}
        losses = {name: of[0]["losses"] for name, of in fitting.items()}
        difference = self.difference([of for name, of in losses.items() if name != DEFAULT])
        results = {name: self.parts.rates(rows, times[name], of, self.rate) for name, of in fitting.items()}
        self.report(rows, difference, results)
        described = {
            name: {"settings": variants[name], **results.get(name, {"out_of_memory": True})} for name in variants
        }
        found = {"rows": rows, "bf16_loss_difference": difference, "counts": difference <= BF16_TOLERANCE}
        if DEFAULT in losses:
            found["bf16_loss_difference_of_default"] = self.difference(list(losses.values()))
        return {**found, "variants": described}

    def difference(self, losses: Sequence[Sequence[float]]) -> float:
        """Largest difference of the losses of the first steps; 0 where only one variant fits into memory."""
        if not losses:
            return 0.0
        steps = min(self.arguments.agreement_steps + 1, *map(len, losses))
        return max(max(step) - min(step) for step in zip(*(each[:steps] for each in losses), strict=True))

    def report(self, rows: int, difference: float, results: dict[str, dict[str, Any]]) -> None:
        """Print the table of a batch size."""
        own = results["ours"]["seconds"]["median"] if "ours" in results else float("nan")
        remark = "" if difference <= BF16_TOLERANCE else f", more than {BF16_TOLERANCE}: THESE TIMES DO NOT COUNT"
        print(f"\n{self.shape}, batch {rows:,}: bf16 losses agree to {difference:.1e}{remark}")
        table = [["", "s/step", "min", "max", "pairs/s", "tokens/s", "share of the rate", "peak GiB", "times ours"]]
        for name, each in results.items():
            rate = [each[key] for key in ("pairs_per_second", "tokens_per_second", "share_of_matrix_rate", "peak_gib")]
            table.append([name, *each["seconds"].values(), *rate, each["seconds"]["median"] / own])
        print_table(table)


if __name__ == "__main__":
    main()
