"""One encoder of the GPU benchmark: agreement of losses, trials of settings, then times and memory of all variants at
a batch size.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from bench_gpu_batches import Batch, make_batch
from bench_gpu_encoders import SHAPES, TINY, Encoder, build
from bench_gpu_parts import rates, synchronise, useful_operations
from bench_gpu_steps import Unavailable, as_it_comes, our_step, pass_cost, their_step
from bench_training_common import PeakMemory, interleaved, print_table, require_equal

from hf_hybrid.encoders.packed import why_padded
from hf_hybrid.training.out_of_memory import is_out_of_memory

GIB = 1 << 30
BF16_TOLERANCE = 1e-2
DEFAULT, TUNED = "sentence-transformers, default", "sentence-transformers, tuned"
PADDED, PACKED, COMPILED = "ours, padded", "ours, end to end", "ours, compiled"
TRIED = [
    *({"mini_batch_size": size, "presorted": True, "similarity": "dot_score"} for size in (64, 256, 1024)),
    {"mini_batch_size": 4096, "mini_batch_num_tokens": 65536, "presorted": True, "similarity": "dot_score"},
]
# In float32 and on a CPU texts end to end are kept apart by a mask of tokens x tokens.
MASKED_TOKENS = 4096
Variant = dict[str, Any]


class GpuBenchmark:
    """One encoder.

    Args:
        name: Of its shape.
        arguments: Of the command.
        device: Where it is trained.
        rate: Operations a second of a large product.
    """

    def __init__(self, name: str, arguments: argparse.Namespace, device: torch.device, rate: float):
        self.name, self.arguments, self.device, self.rate = name, arguments, device, rate
        self.encoder = self.new_encoder()
        self.attention = self.encoder.model[0].model.config._attn_implementation
        self.weights = [parameter.detach().cpu().clone() for parameter in _trained(self.encoder)]
        self.trials: dict[str, float] = {}
        self.compiled: tuple[str, Encoder] | None = None
        self.costs: dict[bool, int] = {}

    def new_encoder(self) -> Encoder:
        """The encoder with its first weights."""
        arguments = self.arguments
        shape = (TINY if arguments.tiny else SHAPES)[self.name]
        flags = ["--attn_implementation", arguments.attention] if arguments.attention else []
        return build(shape, self.device, arguments.lora, flags)

    # -- one run ------------------------------------------------------------------------------------------------------

    def train(
        self, variant: Variant, rows: int, lengths: str, steps: int, seconds: float = 0.0, mixed: bool = True
    ) -> dict[str, Any]:
        """Train from the first weights: one smaller step that is not timed (as large where one is compiled), then
        `steps` or as many as fill `seconds`.
        """
        encoder = self._encoder_of(variant, rows, lengths)
        trained = _trained(encoder)
        with torch.no_grad():
            for parameter, value in zip(trained, self.weights, strict=True):
                parameter.copy_(value)
                parameter.grad = None
        encoder.model.train()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        step = self._step(variant, encoder, rows, lengths)
        settings = {"lr": encoder.training.learning_rate, "weight_decay": encoder.training.weight_decay, "fused": True}
        optimizer = torch.optim.AdamW(trained, **settings)
        losses, tokens, operations, number, started = [], 0, 0.0, 0, 0.0
        # All variants begin alike, or their losses could not be compared.
        first = rows if self.arguments.compiled else min(rows, self.arguments.trial_rows)
        while number <= steps or (time.perf_counter() - started < seconds):
            batch = self.batch(rows if number else first, lengths, number)
            if number == 1:
                synchronise(self.device)
                started = time.perf_counter()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
                loss = step(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, encoder.training.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach().clone())
            if number:
                tokens += batch.tokens
                operations += useful_operations(batch, encoder)
                synchronise(self.device)
            number += 1
        counted = number - 1
        return {
            "seconds": (time.perf_counter() - started) / counted,
            "losses": [float(loss) for loss in losses],
            "tokens": tokens / counted,
            "operations": operations / counted,
            "peak_gib": torch.cuda.max_memory_allocated() / GIB if self.device.type == "cuda" else None,
        }

    def batch(self, rows: int, lengths: str, seed: int) -> Batch:
        """A batch of this encoder's ids."""
        return make_batch(rows, lengths, self.encoder.shape.vocabulary, self.encoder.max_tokens, seed)

    def _encoder_of(self, variant: Variant, rows: int, lengths: str) -> Encoder:
        if variant.get("layout") != "compiled":
            as_it_comes(self.encoder, self.attention)
            return self.encoder
        key = json.dumps([variant, rows, lengths])
        if self.compiled is None or self.compiled[0] != key:
            # One at a time; graphs of another shape go with theirs.
            self.compiled = None
            torch.compiler.reset()
            self.compiled = (key, self.new_encoder())
        return self.compiled[1]

    def _step(self, variant: Variant, encoder: Encoder, rows: int, lengths: str) -> Any:
        settings = {name: value for name, value in variant.items() if name != "side"}
        if variant["side"] == "theirs":
            return their_step(encoder, self.device, **settings)
        settings["sample"] = self.batch(rows, lengths, 1) if settings["layout"] == "compiled" else None
        return our_step(encoder, self.device, **settings)

    # -- variants -----------------------------------------------------------------------------------------------------

    def cost(self, packed: bool) -> int:
        """What a pass costs here, measured once, in tokens."""
        if packed not in self.costs:
            as_it_comes(self.encoder, self.attention)
            self.costs[packed] = pass_cost(self.encoder, self.device, packed, mixed=True).tokens
        return self.costs[packed]

    def ours(self, layout: str, chunk_tokens: int, budget: float | None, **settings: Any) -> Variant:
        """A variant of ours."""
        overhead = self.cost(layout != "padded")
        fixed = {"side": "ours", "layout": layout, "chunk_tokens": chunk_tokens, "budget": budget}
        return {**fixed, "overhead": overhead, **settings}

    def agreement(self) -> dict[str, float]:
        """Largest difference of the losses in float32: padded and end to end, plain and cached, default and tuned."""
        torch.backends.cuda.matmul.allow_tf32 = False
        tokens, rows, steps = self.arguments.chunk_tokens[0], *self._agreement_size()
        variants = {
            "ours": self.ours("padded", tokens, None),
            "ours, cached": self.ours("padded", tokens, 0.0),
            "theirs": {"side": "theirs", "cached": False},
            "theirs, cached": {"side": "theirs", "cached": True, **TRIED[0]},
        }
        if why_padded(self.encoder.model) is None:
            variants["ours, end to end"] = self.ours("packed", min(tokens, MASKED_TOKENS), None)
        lengths = self.arguments.lengths[0]
        losses = {
            name: self.train(variant, rows, lengths, steps, mixed=False)["losses"]
            for name, variant in variants.items()
        }
        return {"largest_loss_difference": require_equal(losses)}

    def _agreement_size(self) -> tuple[int, int]:
        return self.arguments.agreement_rows, self.arguments.agreement_steps

    def variants(self, rows: int, lengths: str) -> tuple[dict[str, Variant], dict[str, str]]:
        """What is compared at a batch size, and why others are not; settings that are open are tried on a smaller
        batch.
        """
        cached = rows > self.arguments.plain_limit
        quickest = partial(self.quickest, rows=min(rows, self.arguments.trial_rows), lengths=lengths)
        budget = self.budget() if cached else None
        found: dict[str, Variant] = {}
        skipped: dict[str, str] = {}
        for name, layout in ((PADDED, "padded"), (PACKED, "packed")):
            reason = why_padded(self.encoder.model) if layout == "packed" else None
            if reason:
                skipped[name] = reason
            else:
                found[name] = quickest([self.ours(layout, size, budget) for size in self.arguments.chunk_tokens])
        if self.arguments.compiled and PACKED in found:
            # A graph that is replayed for a chunk made again overwrites what others have kept: all or nothing.
            kept = {"budget": 0.0} if cached and self.arguments.mode else {}
            found[COMPILED] = {**found[PACKED], "layout": "compiled", "mode": self.arguments.mode, **kept}
        if not (cached and self.arguments.skip_default):
            found[DEFAULT] = {"side": "theirs", "cached": cached}
        tuned = [{"side": "theirs", "cached": False, "similarity": "dot_score"}]
        if cached:
            tried = [self.arguments.tuned] if self.arguments.tuned else TRIED
            tuned = [{"side": "theirs", "cached": True, **settings} for settings in tried]
        found[TUNED] = quickest(tuned)
        flat = {**found[TUNED], "flat": True}
        try:
            self.train(flat, self.arguments.agreement_rows, lengths, steps=1)
            found[f"{TUNED}, end to end"] = flat
        except Unavailable as unavailable:
            skipped[f"{TUNED}, end to end"] = str(unavailable)
        return found, skipped

    def quickest(self, variants: list[Variant], rows: int, lengths: str) -> Variant:
        """The variant with the shortest step; one that runs out of memory is out."""
        if len(variants) == 1:
            return variants[0]
        times = {}
        for variant in variants:
            name = json.dumps({"rows": rows, "lengths": lengths, **variant})
            try:
                times[name] = self.trials.get(name) or self.train(variant, rows, lengths, steps=2)["seconds"]
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                times[name] = float("inf")
        self.trials.update(times)
        return variants[min(range(len(variants)), key=lambda i: list(times.values())[i])]

    def budget(self) -> float:
        """Bytes of activations that ours keeps: half of what is free."""
        gc.collect()
        if self.device.type != "cuda":
            return float(GIB)
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info()[0] / 2

    # -- comparison ---------------------------------------------------------------------------------------------------

    def measure(self, rows: int, lengths: str) -> dict[str, Any]:
        """Times, memory and rates at one batch size, of the variants that run and fit into memory."""
        variants, skipped = self.variants(rows, lengths)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in variants}
        too_large = set()

        def timed(name: str) -> float:
            if name in too_large or name in skipped:
                return float("inf")
            with PeakMemory() as memory:
                try:
                    done = self.train(variants[name], rows, lengths, steps=1, seconds=self.arguments.seconds)
                except Exception as error:
                    if is_out_of_memory(error):
                        too_large.add(name)
                    elif name == COMPILED:
                        # What a compiler makes of an encoder depends on versions and devices; the others still count.
                        skipped[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
                    else:
                        raise
                    return float("inf")
            if done["peak_gib"] is None:
                done["peak_gib"] = memory.extra / 1024
            runs[name].append(done)
            return done["seconds"]

        times = interleaved({name: partial(timed, name) for name in variants}, self.arguments.repeats)
        fitting = {name: of for name, of in runs.items() if of and name not in too_large and name not in skipped}
        losses = {name: of[0]["losses"] for name, of in fitting.items()}
        difference = self.difference([of for name, of in losses.items() if name != DEFAULT])
        results = {name: rates(rows, times[name], of, self.rate) for name, of in fitting.items()}
        self.report(rows, lengths, difference, results, skipped)
        described = {
            name: {"settings": variants[name], **results.get(name, {"out_of_memory": name in too_large})}
            for name in variants
            if name not in skipped
        }
        found = {"rows": rows, "lengths": lengths, "bf16_loss_difference": difference}
        found |= {"counts": difference <= BF16_TOLERANCE, "pass_cost": {"padded": self.cost(False)}}
        if True in self.costs:
            found["pass_cost"]["end to end"] = self.costs[True]
        if DEFAULT in losses:
            found["bf16_loss_difference_of_default"] = self.difference(list(losses.values()))
        return {**found, "variants": described, "skipped": skipped}

    def difference(self, losses: Sequence[Sequence[float]]) -> float:
        """Largest difference of the losses of the first steps that began alike; 0 where only one variant ran."""
        if not losses:
            return 0.0
        steps = min(self.arguments.agreement_steps + 1, *map(len, losses))
        return max(max(step) - min(step) for step in zip(*(each[:steps] for each in losses), strict=True))

    def report(
        self,
        rows: int,
        lengths: str,
        difference: float,
        results: dict[str, dict[str, Any]],
        skipped: dict[str, str],
    ) -> None:
        """Print the table of a batch size."""
        own = results[PACKED if PACKED in results else PADDED]["seconds"]["median"] if results else float("nan")
        remark = "" if difference <= BF16_TOLERANCE else f", more than {BF16_TOLERANCE}: THESE TIMES DO NOT COUNT"
        print(f"\n{self.name}, {lengths}, batch {rows:,}: bf16 losses agree to {difference:.1e}{remark}")
        table = [["", "s/step", "min", "max", "pairs/s", "tokens/s", "share of the rate", "peak GiB", "times ours"]]
        for name, each in results.items():
            rate = [each[key] for key in ("pairs_per_second", "tokens_per_second", "share_of_matrix_rate", "peak_gib")]
            table.append([name, *each["seconds"].values(), *rate, each["seconds"]["median"] / own])
        print_table(table)
        for name, reason in skipped.items():
            print(f"not run: {name}: {reason}", flush=True)


def _trained(encoder: Encoder) -> list[torch.nn.Parameter]:
    return [parameter for parameter in encoder.model.parameters() if parameter.requires_grad]
