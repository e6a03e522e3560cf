"""Gather rows of all ranks with exact gradients.

The backward pass sums the gradients that all ranks have for a rank's rows. Nothing is multiplied by the world size: DDP
averages parameter gradients over ranks, each rank's loss is the mean over its own queries, and so the gradient equals that
of one process on the whole global batch.
"""

from __future__ import annotations

import torch
import torch.distributed as dist


def world_size() -> int:
    """Number of ranks, 1 where no process group is set up."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's rank, 0 where no process group is set up."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows: torch.Tensor) -> torch.Tensor:
        ctx.count = len(rows)
        return gather_detached(rows)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        return gradient[rank() * ctx.count : (rank() + 1) * ctx.count]


def gather_detached(rows: torch.Tensor) -> torch.Tensor:
    """Rows of all ranks in rank order, `[W * n, ...]`, without a graph. Every rank must hold as many."""
    if world_size() == 1:
        return rows
    gathered = rows.new_empty((world_size() * len(rows), *rows.shape[1:]))
    dist.all_gather_into_tensor(gathered, rows.contiguous())
    return gathered


def gather(rows: torch.Tensor) -> torch.Tensor:
    """Rows of all ranks in rank order, `[W * n, ...]`, with exact gradients (module docstring)."""
    return rows if world_size() == 1 else _Gather.apply(rows)
