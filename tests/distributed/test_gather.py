"""Two and four real processes (gloo): loss and gradients equal those of one process on the whole global batch."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from hf_hybrid.losses import HybridContrastiveLoss

ROWS, WIDTH = 8, 6


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.layer = torch.nn.Linear(WIDTH, 5, dtype=torch.float64)

    def forward(self, features):
        return {"sentence_embedding": self.layer(features["input_ids"])}


def global_batch(negatives: bool) -> dict:
    generator = torch.Generator().manual_seed(3)
    inputs = {
        side: {"input_ids": torch.randn(rows, WIDTH, dtype=torch.float64, generator=generator)}
        for side, rows in (("query", ROWS), ("passage", ROWS), ("negative", 2 * ROWS))
        if negatives or side != "negative"
    }
    return {**inputs, "example_ids": torch.arange(ROWS), "passage_ids": torch.arange(ROWS) // 2}


def local_part(inputs: dict, rank: int, world_size: int) -> dict:
    def cut(value):
        if isinstance(value, dict):
            return {key: cut(inner) for key, inner in value.items()}
        share = len(value) // world_size
        return value[rank * share : (rank + 1) * share]

    return cut(inputs)


def loss_and_gradient(inputs: dict, negatives: bool, symmetric: bool, wrap=lambda model: model):
    model = wrap(Encoder())
    loss, _ = HybridContrastiveLoss(negatives="in_batch+hard" if negatives else "in_batch", symmetric=symmetric)(
        model, inputs
    )
    loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in model.parameters()])


def worker(rank: int, world_size: int, port: int, negatives: bool, symmetric: bool, queue) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=world_size, timeout=timedelta(seconds=60))
    wrap = torch.nn.parallel.DistributedDataParallel
    loss, gradient = loss_and_gradient(
        local_part(global_batch(negatives), rank, world_size), negatives, symmetric, wrap
    )
    dist.all_reduce(loss)
    queue.put((rank, (loss / world_size).item(), gradient.tolist()))
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.parametrize(("world_size", "negatives", "symmetric"), [(2, True, True), (4, False, False)])
def test_ranks_equal_one_process(world_size, negatives, symmetric, unused_port):
    expected_loss, expected_gradient = loss_and_gradient(global_batch(negatives), negatives, symmetric)
    context = mp.get_context("spawn")
    queue = context.SimpleQueue()
    mp.spawn(worker, args=(world_size, unused_port, negatives, symmetric, queue), nprocs=world_size)
    for _ in range(world_size):
        _, loss, gradient = queue.get()
        assert loss == pytest.approx(expected_loss.item(), abs=1e-12)
        torch.testing.assert_close(torch.tensor(gradient, dtype=torch.float64), expected_gradient, rtol=0, atol=1e-12)
