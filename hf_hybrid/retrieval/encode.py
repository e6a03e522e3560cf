"""Texts to vectors with any sentence-transformers model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.compute_dtype import check_compute_dtype, compute_in

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_BATCH_SIZE = 128


def load_encoder(
    name: str,
    revision: str | None = None,
    pooling: str | None = None,
    device: str | None = None,
    compute_dtype: str = "float32",
) -> SentenceTransformer:
    """Load an encoder to evaluate: a folder or a Hub name, of sentence-transformers or of plain transformers.

    A plain transformers model gets mean pooling. Weights are read from safetensors only and no code of the checkpoint
    is run. Prompts are those saved with the model: none are added.

    Args:
        name: local directory or Hub name.
        revision: branch, tag or commit of a Hub model.
        pooling: ``mean`` or ``cls`` instead of what the checkpoint says (plain transformers: instead of ``mean``).
        device: ``cpu``, ``cuda``, ...; by default this process's GPU where there is one.
        compute_dtype: what it computes in: ``float32``, ``float16``, ``bfloat16`` or ``auto``.

    Raises:
        InputError: the checkpoint cannot be found or loaded, has pickled weights only, or has no pooling to replace.

    Example:
        >>> load_encoder("intfloat/multilingual-e5-small", pooling="mean")  # doctest: +SKIP
    """
    check_compute_dtype(compute_dtype)
    from hf_hybrid.arguments import ModelArguments
    from hf_hybrid.encoders.checkpoints import find_checkpoint, load_checkpoint
    from hf_hybrid.encoders.models import set_pooling

    model = load_checkpoint(find_checkpoint(name, revision), name, ModelArguments())
    if pooling is not None:
        set_pooling(model, pooling)
    try:
        model.to(device or _own_device())
    except (RuntimeError, AssertionError) as error:  # torch's own ways to say that the device is not there
        raise InputError(
            f"device {device!r} cannot be used: {str(error).splitlines()[0]}; choose cpu or leave it out"
        ) from error
    compute_in(model, compute_dtype)
    return model.eval()


def _own_device() -> str:
    """This process's GPU where there is one: a launcher says which of the machine's it is."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
