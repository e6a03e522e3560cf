"""`loss`: the loss alone, from embeddings to the gradients of embeddings, at several batch sizes: time and peak
memory.

Ours is `contrastive_loss` as the trainer calls it. The other is `MultipleNegativesRankingLoss` (the whole matrix) and
its cached sister's loss stage at `mini_batch_size` 32 (default) and larger (tuned: the quickest), each also with
`dot_score` on the vectors, which are unit already. Gradients must be equal before a time counts.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from bench_training_common import PeakMemory, in_child, interleaved, print_table, summary
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.util import cos_sim, dot_score
from torch import nn

from hf_hybrid.losses import Candidates, contrastive_loss

SIMILARITIES = {"cos_sim": cos_sim, "dot_score": dot_score}
SIZES = (32, 128, 512, 1024)
GOAL = 3.0
# Gradients in units of the largest: float32 sums of thousands of terms in another order.
CLOSE = 2e-5
FLOOR, FLOOR_ROWS = "the three products alone", 256
Variant = dict[str, Any]
DEFAULT: Variant = {"loss": "cached", "size": 32, "similarity": "cos_sim"}


def add_arguments(parser: ArgumentParser) -> None:
    """Flags of `loss`."""
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[1024, 4096, 16384])
    parser.add_argument("--hard", type=int, nargs="+", default=[0, 4], help="hard negatives of a row")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--whole_limit", type=float, default=4.0, help="GiB; larger whole matrices are left out")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"of the other's variants try the default and mini-batches of {SIZES[-1]:,} with dot_score only",
    )
    parser.add_argument("--no_default", action="store_true", help="leave out the other's default, which takes longest")
    parser.add_argument("--no_memory", action="store_true", help="leave out peak memory")
    parser.add_argument("--child", help="variant, as JSON, whose peak memory is wanted")


def main(arguments: Namespace) -> dict[str, Any]:
    """Compare at each batch size and number of hard negatives."""
    if arguments.child:
        return peak_of(json.loads(arguments.child), arguments.dimension)
    results, rows = [], [["B", "hard", "variant", "seconds", "min", "max", "times ours", "peak MiB", "times ours"]]
    for batch_size in arguments.batch_sizes:
        for hard in arguments.hard:
            found = compare(batch_size, hard, arguments)
            results.append(found)
            print(f"B {batch_size:,}, {hard} hard: done", flush=True)
            own = found["variants"]["ours"]
            for name, variant in found["variants"].items():
                seconds = variant["seconds"]
                ratio = seconds["median"] / own["seconds"]["median"]
                peak = variant.get("peak_mib", float("nan"))
                more = peak / own.get("peak_mib", float("nan"))
                rows.append([f"{batch_size:,}", hard, name, *seconds.values(), ratio, peak, more])
            floor = found["seconds_of_the_products_alone"]
            ratio = floor["median"] / own["seconds"]["median"]
            rows.append([f"{batch_size:,}", hard, FLOOR, *floor.values(), ratio, "-", "-"])
    print(f"goal: {GOAL} times the tuned other; a tenth of its memory at 16,384")
    print_table(rows)
    return {"goal": GOAL, "sizes": results}


def compare(batch_size: int, hard: int, arguments: Namespace) -> dict[str, Any]:
    """Times and peak memory at one size."""
    embeddings = make_embeddings(batch_size, hard, arguments.dimension)
    ours = prepared({"loss": "ours"}, embeddings)
    seconds(ours, embeddings)
    expected = tangential(embeddings)
    worst, trials = 0.0, {}
    for candidate in candidates(batch_size, hard, arguments.whole_limit, arguments.quick):
        if candidate == DEFAULT and arguments.no_default:
            continue
        trials[json.dumps(candidate)] = seconds(prepared(candidate, embeddings), embeddings)
        worst = max(worst, largest_difference(embeddings, expected))
        if not worst <= CLOSE:
            raise SystemExit(f"gradients of {candidate} differ from ours by {worst:.1e} of the largest")
    cached = {name: time for name, time in trials.items() if json.loads(name)["loss"] == "cached"}
    whole = {name: time for name, time in trials.items() if json.loads(name)["loss"] == "whole"}
    chosen = {
        "ours": {"loss": "ours"},
        **({} if arguments.no_default else {"cached, default": DEFAULT}),
        "cached, tuned": json.loads(min(cached, key=cached.get)),
    }
    if whole:
        chosen["whole matrix, tuned"] = json.loads(min(whole, key=whole.get))
    calls = {name: partial(seconds, prepared(variant, embeddings), embeddings) for name, variant in chosen.items()}
    calls[FLOOR] = partial(seconds, partial(three_products, embeddings), embeddings)
    times = interleaved(calls, arguments.repeats)
    variants = {name: {"settings": chosen[name], "seconds": summary(times[name])} for name in chosen}
    if not arguments.no_memory:
        for name, variant in chosen.items():
            variants[name]["peak_mib"] = child_peak(variant, batch_size, hard, arguments)
    products = 6 * batch_size * batch_size * (1 + hard) * arguments.dimension
    return {
        "batch_size": batch_size,
        "hard": hard,
        "largest_gradient_difference": worst,
        "floating_point_operations": products,
        "seconds_of_the_products_alone": summary(times[FLOOR]),
        "variants": variants,
        "trials": trials,
    }


def make_embeddings(batch_size: int, hard: int, dimension: int) -> list[torch.Tensor]:
    """Unit queries, positives as near as in training, and hard negatives, each `[batch_size, dimension]`."""
    generator = torch.Generator().manual_seed(0)
    meaning = torch.randn(batch_size, dimension, generator=generator)
    columns = [meaning + 1.5 * torch.randn(batch_size, dimension, generator=generator) for _ in range(2)]
    columns += [torch.randn(batch_size, dimension, generator=generator) + 0.3 * meaning for _ in range(hard)]
    return [nn.functional.normalize(column, dim=1).requires_grad_() for column in columns]


def candidates(batch_size: int, hard: int, whole_limit: float, quick: bool = False) -> list[Variant]:
    """The other's variants at a size; the default is the first."""
    sizes = [size for size in SIZES if size <= batch_size] or [SIZES[0]]
    found: list[Variant] = [
        {"loss": "cached", "size": size, "similarity": similarity} for similarity in SIMILARITIES for size in sizes
    ]
    if quick:
        return [found[0], found[-1]]
    # Logits, their softmax and gradients: several matrices of this size are alive at once.
    if batch_size * batch_size * (1 + hard) * 4 <= whole_limit * 2**30:
        found += [{"loss": "whole", "similarity": similarity} for similarity in SIMILARITIES]
    return found


def prepared(variant: Variant, embeddings: list[torch.Tensor]) -> Callable[[], None]:
    """The variant as a function that leaves the gradients in the embeddings."""
    if variant["loss"] == "ours":
        return partial(our_loss, embeddings)
    similarity = SIMILARITIES[variant["similarity"]]
    if variant["loss"] == "whole":
        loss = MultipleNegativesRankingLoss(nn.Module(), similarity_fct=similarity)
        return lambda: loss.compute_loss_from_embeddings(embeddings, None).backward()
    # Its constructor asks for the model's modules; the loss stage does not.
    loss = CachedMultipleNegativesRankingLoss(
        nn.Sequential(nn.Identity()), similarity_fct=similarity, mini_batch_size=variant["size"]
    )
    columns = [list(part.split(variant["size"])) for part in embeddings]
    return lambda: their_cached_stage(loss, columns, embeddings)


def their_cached_stage(loss: nn.Module, columns: list[list[torch.Tensor]], embeddings: list[torch.Tensor]) -> None:
    """The second step of its cached loss: mini-batches of detached embeddings in, their gradients out."""
    leaves = [[part.detach().requires_grad_() for part in column] for column in columns]
    loss.calculate_loss(leaves, with_backward=True)
    for part, column in zip(embeddings, leaves, strict=True):
        part.grad = column[0].grad if len(column) == 1 else torch.cat([leaf.grad for leaf in column])


def our_loss(embeddings: list[torch.Tensor]) -> None:
    """Loss and gradients as the trainer makes them: hard negatives are candidates without an id."""
    queries, passages, *hard = embeddings
    ids = torch.arange(len(queries))
    if not hard:
        candidates = Candidates(passages, ids, ids)
    else:
        none = ids.new_full((len(hard) * len(queries),), -1)
        with_none = torch.cat([ids, none])
        candidates = Candidates(torch.cat([passages, *hard]), with_none, with_none, hard=len(none))
    contrastive_loss(queries, candidates, ids, ids, ids)[0].backward()


def three_products(embeddings: list[torch.Tensor]) -> None:
    """The products that no exact loss can do without, of scores and of both gradients, tile by tile: the least
    time.
    """
    queries, candidates = embeddings[0].detach(), torch.cat(embeddings[1:]).detach()
    gradient = torch.zeros_like(candidates)
    for rows in queries.split(FLOOR_ROWS):
        scores = rows @ candidates.T
        torch.mm(scores, candidates)
        gradient.addmm_(scores.T, rows)


def seconds(function: Callable[[], None], embeddings: list[torch.Tensor]) -> float:
    """Time of a call, from no gradients."""
    for part in embeddings:
        part.grad = None
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def largest_difference(embeddings: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """Of the gradients, in units of the largest of each part."""
    pairs = zip(tangential(embeddings), expected, strict=True)
    return max(float((got - want).abs().max() / want.abs().max()) for got, want in pairs)


def tangential(embeddings: list[torch.Tensor]) -> list[torch.Tensor]:
    """Gradients without their part along the embeddings, which `cos_sim` takes out here and normalising takes out
    later.
    """
    with torch.no_grad():
        return [part.grad - (part.grad * part).sum(dim=1, keepdim=True) * part for part in embeddings]


def child_peak(variant: Variant, batch_size: int, hard: int, arguments: Namespace) -> float:
    """Peak memory above the embeddings, in a process of its own."""
    asked = json.dumps({"variant": variant, "batch_size": batch_size, "hard": hard})
    flags = [f"--threads={arguments.threads}", f"--dimension={arguments.dimension}"]
    return in_child(["loss", *flags, "--child", asked])["peak_mib"]


def peak_of(asked: dict[str, Any], dimension: int) -> dict[str, float]:
    """What `child_peak` asks of the child; a small call first, so that libraries are not counted."""
    small = make_embeddings(64, asked["hard"], dimension)
    prepared(asked["variant"], small)()
    embeddings = make_embeddings(asked["batch_size"], asked["hard"], dimension)
    call = prepared(asked["variant"], embeddings)
    with PeakMemory() as memory:
        call()
    return {"peak_mib": memory.extra}
