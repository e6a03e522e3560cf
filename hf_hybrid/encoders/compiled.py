"""Compiled encoders: the transformer is compiled in place, so that names, saving and wrapping stay as they are.

Padded chunks have a shape each: one graph takes them all, with shapes that it is told at run time. Packed chunks of
one shape (module `fixed_chunk`) have a graph for that shape, which may be a CUDA graph. Whatever else the encoder is
given then (texts of an evaluation, of another shape) runs as if nothing had been compiled.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from hf_hybrid.encoders.fixed_chunk import ChunkSize
from hf_hybrid.encoders.models import is_static

# Modes of `torch.compile` that record CUDA graphs.
GRAPH_MODES = ("reduce-overhead", "max-autotune")


def compile_encoder(model: SentenceTransformer, **kwargs: Any) -> bool:
    """Compile the transformer inside the model for chunks of any shape.

    Args:
        model: The encoder.
        kwargs: Of `torch.compile`; shapes are taken as dynamic unless told otherwise, as every chunk has its own.

    Returns:
        Whether there was something to compile: a static encoder is a single look-up.
    """
    if is_static(model):
        return False
    dynamic = kwargs.pop("dynamic", None)
    transformer = model.transformers_model
    # Not `transformer.compile()`: sentence-transformers calls `forward` itself, past what that compiles.
    transformer.forward = torch.compile(transformer.forward, **kwargs, dynamic=True if dynamic is None else dynamic)
    return True


def compile_packed(model: SentenceTransformer, size: ChunkSize, **kwargs: Any) -> None:
    """Compile the transformer inside the model for packed chunks of one size, as one graph.

    Args:
        model: An encoder that takes packed texts (`packed.take_packed`).
        size: Of its chunks.
        kwargs: Of `torch.compile`; shapes are fixed unless told otherwise.

    Example:
        >>> compile_packed(model, ChunkSize(4096, 96, 512), mode="reduce-overhead")  # doctest: +SKIP
    """
    dynamic = kwargs.pop("dynamic", None)
    transformer = model.transformers_model
    plain = transformer.forward
    compiled = torch.compile(plain, **kwargs, dynamic=bool(dynamic))

    @functools.wraps(plain)
    def forward(*args: Any, **features: Any) -> Any:
        return (compiled if torch.is_grad_enabled() and _is_of(size, features) else plain)(*args, **features)

    transformer.forward = forward


def keep_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Let the gradients that a step begins with be no memory of a CUDA graph, which its next replay overwrites.

    A backward pass through several chunks replays a graph several times and adds the gradients up; autograd takes the
    first one as it is. With these hooks it takes a copy.
    """
    for parameter in parameters:
        if parameter.requires_grad:
            parameter.register_hook(functools.partial(_copy_of_first, parameter))


def _copy_of_first(parameter: nn.Parameter, gradient: torch.Tensor) -> torch.Tensor | None:
    return gradient.clone() if parameter.grad is None else None


def _is_of(size: ChunkSize, features: dict[str, Any]) -> bool:
    ids, offsets = features.get("input_ids"), features.get("cu_seq_lens_q")
    if ids is None or offsets is None:
        return False
    shape = (ids.numel(), offsets.numel() - 1, features.get("max_length_q"))
    return shape == (size.tokens, size.segments, size.longest)
