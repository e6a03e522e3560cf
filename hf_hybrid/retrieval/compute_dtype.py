"""The numbers that an encoder computes in: float32, or 16-bit ones, which GPUs and some CPUs multiply faster.

An encoder that was cast is still the one that was loaded: vectors that it makes are those of the same weights, and may
be searched by it in other numbers. Ranks stay exact for the vectors as they are.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch

from hf_hybrid.encoders.models import is_static
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.provenance import remember_weights

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

COMPUTE_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def check_compute_dtype(name: str) -> torch.dtype:
    """The type of a name.

    Raises:
        InputError: Another name.
    """
    if name not in COMPUTE_DTYPES:
        raise InputError(f"compute_dtype: {name!r} is none of {', '.join(COMPUTE_DTYPES)}")
    return COMPUTE_DTYPES[name]


def compute_in(model: SentenceTransformer, name: str) -> None:
    """Let an encoder compute in such numbers; a static one, which only looks up and adds, keeps float32.

    Raises:
        InputError: An unknown name.

    Example:
        >>> compute_in(model, "bfloat16")  # doctest: +SKIP
    """
    dtype = check_compute_dtype(name)
    if name == compute_dtype_of(model):
        return
    if is_static(model):
        logger.warning("compute_dtype: a static encoder has no products that %s would make faster: float32", name)
        return
    remember_weights(model)
    model.to(dtype)


def compute_dtype_of(model: SentenceTransformer) -> str:
    """The name of the numbers that an encoder computes in.

    Example:
        >>> compute_dtype_of(SentenceTransformer("intfloat/multilingual-e5-small"))  # doctest: +SKIP
        'float32'
    """
    parameter = next(model.parameters(), None)
    return "float32" if parameter is None else str(parameter.dtype).removeprefix("torch.")
