"""Out of memory, said in terms of the flags that change how much is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from hf_hybrid.errors import InputError, first_line

if TYPE_CHECKING:
    from hf_hybrid.arguments import HybridTrainingArguments

# What torch's allocators say in a plain RuntimeError.
PHRASES = (
    *("DefaultCPUAllocator", "out of memory", "bad_alloc", "Cannot allocate memory", "ALLOC_FAILED"),
    # cuDNN attention that gets no workspace, seen on an H100 that several runs shared.
    "mha_graph.execute",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of a device or the machine, was not enough."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError | OSError) and any(phrase in str(error) for phrase in PHRASES)


@contextmanager
def explain_out_of_memory(args: HybridTrainingArguments, static: bool) -> Iterator[None]:
    """Turn a lack of memory in the block into an error that names the flags to change.

    Args:
        args: Their present values are named, and what they already switch on is not advised.
        static: The encoder has no layers, so that nothing can be gained on activations.

    Raises:
        InputError: Memory was not enough.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise InputError(
            f"out of memory on {args.device} ({first_line(error)}): {'; '.join(advice(args, static))}"
        ) from error


def advice(args: HybridTrainingArguments, static: bool = False) -> list[str]:
    """What to change, the change that costs least first.

    Example:
        >>> advice(HybridTrainingArguments("out", global_batch_size=64), static=True)    # doctest: +SKIP
        ['lower --global_batch_size (64)']
    """
    tips = []
    if not static:
        if not args.gradient_cache:
            tips.append("add --gradient_cache, which gives the same gradients")
        elif args.gradient_cache_memory != 0:
            kept = "what is free" if args.gradient_cache_memory is None else f"{args.gradient_cache_memory:g}"
            tips.append(f"lower --gradient_cache_memory ({kept}; GiB)")
        tips.append(f"lower --chunk_tokens ({args.chunk_tokens:,})")
        if not args.bf16 and not args.fp16 and args.device.type == "cuda":
            tips.append("add --bf16")
        if not args.gradient_checkpointing:
            tips.append("add --gradient_checkpointing")
        limit = "the encoder's own limit" if args.max_tokens is None else f"{args.max_tokens:,}"
        tips.append(f"lower --max_tokens ({limit})")
    return [*tips, f"lower --global_batch_size ({args.global_batch_size:,})"]
