"""`step` and `static`: whole training steps of both trainers on the same batches, default and tuned.

With --model a checkpoint is trained as it is (its dropout set to 0, so that losses can agree), with --renditions on
data of one's own, with --precisions in float32 and under bf16 autocast, both trainers alike.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

from bench_training_common import (
    BF16_TOLERANCE,
    TOLERANCE,
    PeakMemory,
    in_child,
    interleaved,
    print_table,
    require_equal,
    summary,
)
from bench_training_data import SHARED, checkpoint, encoder, length_quantiles, own_pairs, question_pairs, texts_of
from bench_training_runs import Run, Work, ours, run, sentence_transformers

from hf_hybrid.data.tokenised import TokenisedPairs
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import PlanSettings

BATCHES = {"plain": 64, "cached": 1024, "static": 2048}
STEPS = {"plain": 20, "cached": 3, "static": 20}
GOALS = {"plain": 1.3, "cached": 1.5, "static": 2.0}
OURS = {"plain": {}, "cached": {"gradient_cache": True}, "static": {}}
# What a user of the other trainer can tune; the quickest in a trial is its tuned variant.
SORTED = {"cached": True, "presorted": True, "similarity": "dot_score"}
UNCACHED = [{"similarity": "dot_score", "workers": workers} for workers in (0, 1, 2)]
TUNED = {
    "plain": UNCACHED,
    "static": UNCACHED,
    "cached": [
        *({**SORTED, "mini_batch_size": size} for size in (32, 64, 128, 256)),
        *({**SORTED, "mini_batch_size": 256, "mini_batch_num_tokens": tokens} for tokens in (2048, 8192, 16384)),
        {**SORTED, "mini_batch_size": 64, "workers": 2},
    ],
}
TRAINERS = {"ours": ours, "sentence-transformers": sentence_transformers}


def add_arguments(parser: ArgumentParser, static: bool = False) -> None:
    """Flags of `step`, or of `static`."""
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--source", type=Path, default=SHARED, help="folder with qa_passages.parquet")
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4, help="layers of the transformer")
    parser.add_argument("--vocab_size", type=int, default=48_000 if static else 32_000)
    parser.add_argument("--batch_size", type=int, help="default: 64 plain, 1,024 cached, 2,048 static")
    parser.add_argument("--warmup", type=int, default=2, help="steps of a run that are not timed")
    parser.add_argument("--steps", type=int, help="timed steps of a run; default: 20 plain and static, 3 cached")
    parser.add_argument(
        "--candidates",
        type=json.loads,
        help=(
            "JSON list of settings of the other trainer, of which the quickest is its tuned variant; default: all of "
            "TUNED"
        ),
    )
    parser.add_argument("--memory", action="store_true", help="peak memory of every variant, each in a fresh process")
    parser.add_argument("--child", help="variant, as JSON, whose peak memory is wanted")
    if static:
        parser.set_defaults(kinds=["static"])
    else:
        parser.add_argument("--kinds", nargs="+", choices=("plain", "cached"), default=["plain", "cached"])
    parser.add_argument("--model", type=Path, help="checkpoint to train, instead of an encoder from scratch")
    parser.add_argument("--renditions", type=Path, help="its data: a file or folder as `hf-hybrid train` reads it")
    parser.add_argument("--renditions_config", help="configuration of --renditions")
    parser.add_argument("--languages", nargs="+", help="of --renditions (default: all)")
    parser.add_argument("--learning_rate", type=float, default=3e-4)
    parser.add_argument("--precisions", nargs="+", choices=("float32", "bf16"), default=["float32"])


def main(arguments: Namespace) -> dict[str, Any]:
    """Compare the trainers at each kind of step asked for."""
    if arguments.child:
        return peak_of(arguments)
    if arguments.precisions == ["float32"]:
        return {kind: compare(kind, arguments) for kind in arguments.kinds}
    return {
        kind: {precision: compare(kind, arguments, precision == "bf16") for precision in arguments.precisions}
        for kind in arguments.kinds
    }


def make_work(arguments: Namespace, kind: str, bf16: bool = False) -> tuple[Work, dict[str, Any]]:
    """Data, encoder and batches of a kind of step, and their description."""
    if arguments.renditions:
        data = own_pairs(arguments.renditions, arguments.renditions_config, arguments.languages)
    else:
        data = question_pairs(arguments.examples, arguments.source)
    if arguments.model:
        sizes = {"checkpoint": arguments.model.name, "dropout": 0.0}
    elif kind == "static":
        sizes = {"encoder": "static", "embedding_dimension": arguments.dimension}
    else:
        sizes = {"encoder": "transformer", "num_hidden_layers": arguments.layers, "hidden_size": arguments.dimension}
        sizes |= {"intermediate_size": 4 * arguments.dimension, "dropout": 0.0}
    if arguments.model:
        model = checkpoint(arguments.model)
    else:
        sizes["vocab_size"] = arguments.vocab_size
        model = encoder(texts_of(data.pairs), data.description["sha256"], **sizes)
    batch_size, steps = arguments.batch_size or BATCHES[kind], arguments.steps or STEPS[kind]
    work = Work.of(data.pairs, model, batch_size, arguments.warmup, steps, arguments.learning_rate, bf16)
    tokenised = TokenisedPairs(HybridBatchPlan(data.pairs, PlanSettings(**work.plan_arguments)), model)
    tokens = {side: length_quantiles(tokenised.lengths(side)) for side in ("query", "passage")}
    return work, {**data.description, "encoder": sizes, "tokens": tokens, "batch_size": batch_size, "steps": steps}


def compare(kind: str, arguments: Namespace, bf16: bool = False) -> dict[str, Any]:
    """Times and, if asked for, peak memory of our trainer and the other, default and tuned."""
    work, description = make_work(arguments, kind, bf16)
    losses: dict[str, list[float]] = {}

    def timed(name: str, trainer: str, settings: dict[str, Any]) -> Run:
        done = run(partial(TRAINERS[trainer], **settings), work)
        losses[name] = done.losses
        return done

    default = {"cached": kind == "cached"}
    trials = {}
    for each in [default, *(arguments.candidates or TUNED[kind])]:
        name = json.dumps(each)
        trials[name] = timed(name, "sentence-transformers", each)
    tuned = json.loads(min(trials, key=lambda name: trials[name].seconds))
    variants = {
        "ours": ("ours", OURS[kind]),
        "sentence-transformers, default": ("sentence-transformers", default),
        "sentence-transformers, tuned": ("sentence-transformers", tuned),
    }
    processor: dict[str, list[float]] = {name: [] for name in variants}

    def seconds(name: str) -> float:
        done = timed(name, *variants[name])
        processor[name].append(done.processor_seconds)
        return done.seconds

    times = interleaved({name: partial(seconds, name) for name in variants}, arguments.repeats)
    difference = require_equal(losses, BF16_TOLERANCE if bf16 else TOLERANCE)
    results = {name: {"seconds": summary(times[name])} for name in variants}
    for name, (trainer, settings) in variants.items():
        results[name] |= {"settings": settings, "processor_seconds": summary(processor[name])}
        if arguments.memory:
            results[name]["peak_mib"] = child_peak(arguments, kind, trainer, settings)
    report(f"{kind}, bf16" if bf16 else kind, results, difference, GOALS[kind])
    return {
        **description,
        "largest_loss_difference": difference,
        "losses": losses["ours"],
        "variants": results,
        "trials": {name: done.seconds for name, done in trials.items()},
        "goal": GOALS[kind],
    }


def report(title: str, results: dict[str, Any], difference: float, goal: float) -> None:
    """Print times and their ratios to ours."""
    own = results["ours"]["seconds"]["median"]
    print(f"\n{title} step: losses agree to {difference:.1e}; goal {goal} times the tuned other")
    rows = [["", "s/step", "min", "max", "processor s", "times ours", "peak MiB"]]
    for name, found in results.items():
        seconds = found["seconds"]
        processor = found["processor_seconds"]["median"]
        ratio = seconds["median"] / own
        rows.append([name, *seconds.values(), processor, ratio, found.get("peak_mib", "-")])
    print_table(rows)
    print("tuned:", json.dumps(results["sentence-transformers, tuned"]["settings"]))


def child_peak(arguments: Namespace, kind: str, trainer: str, settings: dict[str, Any]) -> float:
    """Peak memory of a variant above that of the loaded model and data, in a process of its own."""
    flags = ["source", "examples", "dimension", "layers", "vocab_size", "batch_size", "warmup", "steps"]
    given = [f"--{name}={getattr(arguments, name)}" for name in flags if getattr(arguments, name) is not None]
    command = "static" if kind == "static" else "step"
    variant = json.dumps({"kind": kind, "trainer": trainer, "settings": settings})
    threads = f"--threads={arguments.threads}"
    return in_child([command, threads, "--child", variant, *given])["peak_mib"]


def peak_of(arguments: Namespace) -> dict[str, float]:
    """What `child_peak` asks of the child."""
    variant = json.loads(arguments.child)
    work, _ = make_work(arguments, variant["kind"])
    with PeakMemory() as memory:
        run(partial(TRAINERS[variant["trainer"]], **variant["settings"]), work)
    return {"peak_mib": memory.extra}
