"""One, two and four real processes (gloo): loss and gradients equal those of one process on the whole global batch."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook

from hf_hybrid.errors import InputError
from hf_hybrid.losses import HybridContrastiveLoss

ROWS, WIDTH = 8, 6
# Keep all graphs; keep none; keep a few chunks' (a chunk's graph here is a few hundred bytes).
BUDGETS = {"plain": None, "cached": 0.0, "partly cached": 700.0}


class Encoder(torch.nn.Module):
    """Two layers with a nonlinearity, so that a wrong recomputation shows; counts its passes."""

    def __init__(self, dtype: torch.dtype = torch.float64):
        super().__init__()
        torch.manual_seed(1)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(WIDTH, 7, dtype=dtype), torch.nn.GELU(), torch.nn.Linear(7, 5, dtype=dtype)
        )
        self.passes = 0

    def forward(self, features):
        self.passes += 1
        return {"sentence_embedding": self.layers(features["input_ids"])}


def global_batch(negatives: int, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    sides = {"query": ROWS, "passage": ROWS, "negative": negatives * ROWS}
    texts = {s: torch.randn(n, WIDTH, dtype=torch.float64, generator=generator).to(dtype) for s, n in sides.items()}
    return {**texts, "example_ids": torch.arange(ROWS), "passage_ids": torch.arange(ROWS) // 2}


def local_inputs(batch: dict[str, torch.Tensor], rank: int, world_size: int, chunk: int = 3) -> dict:
    """A rank's rows as the collator gives them: texts in shuffled order, in chunks of a few rows."""
    share = {name: rows.chunk(world_size)[rank] if len(rows) else rows for name, rows in batch.items()}
    texts = torch.cat([share["query"], share["passage"], share["negative"]])
    order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(rank))
    positions = torch.empty_like(order).scatter_(0, order, torch.arange(len(order)))
    chunks = [{"input_ids": part} for part in texts[order].split(chunk)]
    ids = {name: share[name] for name in ("example_ids", "passage_ids")}
    return {"chunks": chunks, "positions": positions, **ids}


def loss_and_gradient(inputs: dict, negatives: int, symmetric: bool, budget, dtype, model=None):
    model = Encoder(dtype) if model is None else model
    mode = "in_batch+hard" if negatives else "in_batch"
    loss, _ = HybridContrastiveLoss(negatives=mode, symmetric=symmetric)(model, {**inputs, "cache_budget": budget})
    loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in model.parameters()])


def join(rank: int, world_size: int, port: int) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=world_size, timeout=timedelta(seconds=60))


def leave() -> None:
    """End this process once all are done: gloo's threads abort, rarely, an interpreter that shuts down while peers
    close.
    """
    dist.barrier()
    dist.destroy_process_group()
    os._exit(0)


CASES = [
    (negatives, symmetric, mode, dtype)
    for negatives, symmetric in ((0, False), (2, True))
    for mode in BUDGETS
    for dtype in (torch.float64, torch.float32)
]


def worker(rank: int, world_size: int, port: int, queue) -> None:
    join(rank, world_size, port)
    for negatives, symmetric, mode, dtype in CASES:
        reductions = []

        def count(state, bucket, reductions=reductions):
            reductions.append(bucket.index())
            return allreduce_hook(state, bucket)

        model = torch.nn.parallel.DistributedDataParallel(Encoder(dtype))
        model.register_comm_hook(None, count)
        # One rank cuts its texts into more chunks than the others: nothing may depend on their number.
        inputs = local_inputs(global_batch(negatives, dtype), rank, world_size, chunk=2 if rank else 3)
        loss, gradient = loss_and_gradient(inputs, negatives, symmetric, BUDGETS[mode], dtype, model)
        dist.all_reduce(loss)
        queue.put((rank, (loss / world_size).item(), gradient.tolist(), len(reductions), model.module.passes))
    leave()


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_equal_one_process(world_size, unused_port):
    context = mp.get_context("spawn")
    queue = context.SimpleQueue()
    processes = mp.spawn(worker, args=(world_size, unused_port, queue), nprocs=world_size, join=False)
    found: dict[int, list] = {rank: [] for rank in range(world_size)}
    for _ in range(world_size * len(CASES)):
        rank, *values = queue.get()
        found[rank].append(values)
    while not processes.join():
        pass
    for number, (negatives, symmetric, mode, dtype) in enumerate(CASES):
        inputs = local_inputs(global_batch(negatives, dtype), 0, 1, chunk=100)
        expected_loss, expected = loss_and_gradient(inputs, negatives, symmetric, None, dtype)
        tolerance = 1e-12 if dtype == torch.float64 else 1e-5
        for rank in range(world_size):
            loss, gradient, reductions, passes = found[rank][number]
            assert loss == pytest.approx(expected_loss.item(), abs=tolerance)
            torch.testing.assert_close(torch.tensor(gradient, dtype=dtype), expected, rtol=0, atol=tolerance)
            # One reduction of the one bucket, whatever the number of chunks; texts beyond the budget are embedded
            # twice.
            assert reductions == 1
            chunks = -(-((2 + negatives) * ROWS // world_size) // (2 if rank else 3))
            assert passes == {"plain": chunks, "cached": 2 * chunks}.get(mode, passes)
            if mode == "partly cached" and chunks > 3:
                assert chunks < passes < 2 * chunks


def uneven(rank: int, port: int, queue) -> None:
    join(rank, 2, port)
    inputs = local_inputs(global_batch(1 + rank), rank, 2)
    try:
        loss_and_gradient(inputs, 1, False, None, torch.float64)
        queue.put((rank, "no error"))
    except InputError as error:
        queue.put((rank, str(error)))
    leave()


def test_uneven_negatives_are_an_error_on_every_rank(unused_port):
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(uneven, args=(unused_port, queue), nprocs=2)
    messages = dict(queue.get() for _ in range(2))
    assert messages[0] == messages[1]
    assert "hard negatives of a row (1 on rank 0, 2 on rank 1): give every rank the same data" in messages[0]
