"""Memory told in advance: what a step's activations will take, what is free, and how many chunks' graphs to keep.

The bytes that a token's activations take are measured on small passes. With the gradient cache that decides how many
chunks are kept and how many are embedded twice; without it, a step that cannot fit is said before it fails, with the
flags that help.

What the backward pass makes again comes on top of what is kept: of an encoder with checkpointed layers one layer at a
time, and where not all chunks are kept the chunk whose turn it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import psutil
import torch
from torch import nn

from hf_hybrid.losses.gradient_cache import GIB

# For other processes on a GPU, fragments, and the loss's own tiles.
MARGIN = 0.1
# AdamW's two moments and a gradient, 4 bytes each.
BYTES_A_WEIGHT = 12


@dataclass(frozen=True)
class MemoryPlan:
    """What a step needs and has, in bytes on this rank.

    Attributes:
        bytes_a_token: Of activations kept for the backward pass.
        tokens: Of a step, padding included.
        free: For activations: less what gradients, the optimiser and a margin will take.
        chunk: Tokens of the largest chunk.
        layer_bytes_a_token: Of the activations of one checkpointed layer, while the backward pass makes it again.
    """

    bytes_a_token: float
    tokens: int
    free: float
    chunk: int = 0
    layer_bytes_a_token: float = 0.0

    @property
    def needed(self) -> float:
        """For the activations of all chunks at once."""
        return self.bytes_a_token * self.tokens

    @property
    def room(self) -> float:
        """Bytes for what is kept, less what is made again beside it.

        Example:
            >>> MemoryPlan(10, 100, free=1500, chunk=50, layer_bytes_a_token=4).room
            1300
            >>> MemoryPlan(10, 100, free=1100, chunk=50, layer_bytes_a_token=4).room
            400
        """
        room = max(self.free - self.layer_bytes_a_token * self.chunk, 0.0)
        return room if self.needed <= room else max(room - self.bytes_a_token * self.chunk, 0.0)

    @property
    def kept(self) -> float:
        """Share of a step's chunks that can be kept, the others embedded twice."""
        return 1.0 if not self.needed else min(1.0, self.room / self.needed)

    def __str__(self) -> str:
        """For the log.

        Example:
            >>> str(MemoryPlan(230_000, 57_000, 40 * GIB))
            'activations take 225 KiB a token, 12.2 GiB for a step of 57,000 tokens; 40.0 GiB are free for them'
        """
        layer = self.layer_bytes_a_token * self.chunk / GIB
        again = f", {layer:.1f} GiB more for the layer that is made again" if layer else ""
        return (
            f"activations take {self.bytes_a_token / 1024:.0f} KiB a token, {self.needed / GIB:.1f} GiB for a step of "
            f"{self.tokens:,} tokens{again}; {max(self.free, 0) / GIB:.1f} GiB are free for them"
        )


def plan_memory(
    bytes_a_token: float,
    tokens: int,
    device: torch.device,
    parameters: Iterable[nn.Parameter],
    chunk: int = 0,
    layer_bytes_a_token: float = 0.0,
) -> MemoryPlan:
    """The plan for a device as it is now, before gradients and the optimiser's state are allocated.

    Args:
        bytes_a_token: As measured.
        tokens: The most that a step of this rank is expected to hold.
        device: Of this rank.
        parameters: What is trained.
        chunk, layer_bytes_a_token: See `MemoryPlan`.
    """
    reserved = BYTES_A_WEIGHT * sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
    return MemoryPlan(bytes_a_token, tokens, free_memory(device) - reserved, chunk, layer_bytes_a_token)


def free_memory(device: torch.device) -> float:
    """Bytes that this rank may take: on a GPU all that is free but a margin, on a CPU its share of half of what is
    available.
    """
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return free - MARGIN * total
    return psutil.virtual_memory().available / 2 / int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
