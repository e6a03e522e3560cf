"""Gather rows of all ranks with exact gradients, in one collective forward and one backward.

The backward pass sums the gradients that all ranks have for a rank's rows. Nothing is multiplied by the world size:
DDP averages parameter gradients over ranks, each rank's loss is the mean over its own queries, and so the gradient
equals that of one process on the whole global batch.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist

from hf_hybrid.errors import InputError

# torch 2.13 gave both a new name and deprecated the one that earlier versions know.
_all_gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
_reduce_scatter = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor


def world_size() -> int:
    """Number of ranks, 1 where no process group is set up."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's rank, 0 where no process group is set up."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.count = len(rows)
        # Bytes travel as they are: embeddings of any precision and 64-bit ids share one collective.
        parts = [part.contiguous().view(torch.uint8) for part in (rows, ids)]
        width = parts[0].shape[1]
        packed = torch.cat(parts, dim=1)
        everything = packed.new_empty((world_size() * len(packed), packed.shape[1]))
        _all_gather(everything, packed)
        gathered = everything[:, :width].contiguous().view(rows.dtype)
        gathered_ids = everything[:, width:].contiguous().view(ids.dtype)
        ctx.mark_non_differentiable(gathered_ids)
        return gathered, gathered_ids

    @staticmethod
    def backward(ctx, gradient: torch.Tensor, _: Any) -> tuple[torch.Tensor, None]:
        own = gradient.new_empty((ctx.count, *gradient.shape[1:]))
        _reduce_scatter(own, gradient.contiguous())
        return own, None


def gather(rows: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings and ids of all ranks in rank order, the embeddings with exact gradients (module docstring).

    Args:
        rows: `[n, d]`; every rank must hold as many, of one width and type (`require_same` checks it).
        ids: int64 `[n, k]`.

    Returns:
        `[W * n, d]` and `[W * n, k]`.
    """
    return (rows, ids) if world_size() == 1 else _Gather.apply(rows, ids)


def require_same(values: dict[str, float | int], device: torch.device) -> None:
    """Check that all ranks have the same values, in one collective that works also where they have not.

    Raises:
        InputError: They differ, on every rank; names what differs and what each rank has.
    """
    if world_size() == 1:
        return
    own = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    everything = own.new_empty(world_size() * len(own))
    _all_gather(everything, own)
    table = everything.view(world_size(), -1).cpu()
    different = [
        f"{name} ({', '.join(f'{value:g} on rank {r}' for r, value in enumerate(table[:, column].tolist()))})"
        for column, name in enumerate(values)
        if (table[:, column] != table[0, column]).any()
    ]
    if different:
        raise InputError(
            f"the ranks' batches differ in {'; '.join(different)}: give every rank the same data and the same "
            "arguments"
        )
