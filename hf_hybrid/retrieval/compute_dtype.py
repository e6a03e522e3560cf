"""The numbers that an encoder computes in: float32, or 16-bit ones, which GPUs and some CPUs multiply faster.

An encoder that was cast is still the one that was loaded: vectors that it makes are those of the same weights, and may
be searched by it in other numbers. Ranks stay exact for the vectors as they are.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch

from hf_hybrid.encoders.models import is_static
from hf_hybrid.engines.precision import choose_precision
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.provenance import remember_weights

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

COMPUTE_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
AUTO = "auto"


def check_compute_dtype(name: str) -> None:
    """Refuse what is neither the name of a type nor `auto`.

    Raises:
        InputError: Another name.
    """
    if name not in (*COMPUTE_DTYPES, AUTO):
        raise InputError(f"compute_dtype: {name!r} is none of {', '.join(COMPUTE_DTYPES)}, {AUTO}")


def choose_compute_dtype(name: str, device: torch.device) -> torch.dtype:
    """The type to compute in on a device: `auto` is bfloat16 where the device multiplies it faster, else float32.

    A CPU without the units for it computes in bfloat16, too, if asked, and takes several times as long: a warning.

    Raises:
        InputError: An unknown name.

    Example:
        >>> choose_compute_dtype("float16", torch.device("cpu"))
        torch.float16
    """
    check_compute_dtype(name)
    if name not in (AUTO, "bfloat16"):
        return COMPUTE_DTYPES[name]
    on_gpu = device.type == "cuda"
    chosen = choose_precision(use_cpu=not on_gpu, gpu=device if on_gpu else None)
    fast = chosen.bf16 and device.type in ("cpu", "cuda")
    if name == AUTO:
        return torch.bfloat16 if fast else torch.float32
    if device.type == "cpu" and not fast:
        logger.warning(
            "compute_dtype: %s: bfloat16 takes several times as long as float32; auto chooses", chosen.reason
        )
    return torch.bfloat16


def compute_in(model: SentenceTransformer, name: str) -> None:
    """Let an encoder compute in such numbers (`auto`: what its device does fastest); a static one, which only looks
    up and adds, keeps float32.

    Raises:
        InputError: An unknown name.

    Example:
        >>> compute_in(model, "bfloat16")  # doctest: +SKIP
    """
    check_compute_dtype(name)
    if is_static(model):
        if name not in (AUTO, "float32"):
            logger.warning("compute_dtype: a static encoder has no products that %s would make faster: float32", name)
        return
    dtype = choose_compute_dtype(name, model.device)
    if str(dtype) == f"torch.{compute_dtype_of(model)}":
        return
    remember_weights(model)
    cast_weights(model, dtype)


def cast_weights(model: torch.nn.Module, dtype: torch.dtype) -> None:
    """Cast what a checkpoint stores, and nothing that a model computes when it is made: rotary embeddings' frequencies
    in 16 bits would turn late positions by the wrong angle. As `from_pretrained(dtype=...)` does.

    Example:
        >>> layer = torch.nn.Linear(2, 2)
        >>> cast_weights(layer, torch.bfloat16)
        >>> layer.weight.dtype
        torch.bfloat16
    """
    computed = [
        (module, name, buffer)
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
        if name in module._non_persistent_buffers_set
    ]
    model.to(dtype)
    for module, name, buffer in computed:
        module.register_buffer(name, buffer, persistent=False)


def compute_dtype_of(model: SentenceTransformer) -> str:
    """The name of the numbers that an encoder computes in.

    Example:
        >>> compute_dtype_of(SentenceTransformer("intfloat/multilingual-e5-small"))  # doctest: +SKIP
        'float32'
    """
    parameter = next(model.parameters(), None)
    return "float32" if parameter is None else str(parameter.dtype).removeprefix("torch.")
