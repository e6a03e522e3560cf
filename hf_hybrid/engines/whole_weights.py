"""Whole weights of an encoder that an engine keeps in pieces (FSDP2, DeepSpeed ZeRO-3), for saving and measuring.

A sharded encoder cannot be saved or called by one process. So a skeleton, the encoder without memory for its weights,
is kept from before it was sharded; where a whole encoder is wanted, all ranks gather the weights one by one, and the
first rank puts them into a copy of the skeleton, which is an ordinary encoder again.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn
from transformers.integrations import deepspeed as deepspeed_settings

Model = TypeVar("Model", bound=nn.Module)


@contextmanager
def whole_loading() -> Iterator[None]:
    """Load weights whole on every rank; the engine cuts them when training begins.

    With ZeRO-3, transformers would cut them while it reads them, whatever accelerate's `zero3_init_flag` says: an
    encoder in pieces could neither be completed nor measured before training, and it would be saved under legacy names
    (5.23).
    """
    reference = deepspeed_settings._hf_deepspeed_config_weak_ref
    settings = None if reference is None else reference()
    deepspeed_settings.unset_hf_deepspeed_config()
    try:
        yield
    finally:
        if settings is not None:
            deepspeed_settings.set_hf_deepspeed_config(settings)


def skeleton(model: Model) -> Model:
    """A copy of a model whose parameters have shapes but no memory; buffers are copied.

    Example:
        >>> skeleton(nn.Linear(2, 3)).weight.device
        device(type='meta')
    """
    memo = {id(parameter): _weightless(parameter) for parameter in model.parameters()}
    # sentence-transformers' notes for a model card lead to the trainer and all that it holds.
    if (notes := getattr(model, "model_card_data", None)) is not None:
        memo[id(notes)] = notes
    return copy.deepcopy(model, memo)


def gather_weights(model: nn.Module, keep: bool) -> dict[str, torch.Tensor]:
    """The parameters of a sharded model, whole and on the CPU; a collective of all ranks.

    Args:
        model: The model that the engine has sharded in place.
        keep: Whether this rank wants them; on other ranks the result is empty.
    """
    whole: dict[str, torch.Tensor] = {}
    for name, parameter in model.named_parameters():
        # One at a time: no rank ever needs room for more than its shards and one parameter.
        weight = _gather(parameter)
        if keep:
            whole[name] = weight.cpu()
    return whole


def with_weights(empty: Model, weights: dict[str, torch.Tensor]) -> Model:
    """A copy of a skeleton with weights by name; parameters that share memory in the skeleton share it in the copy.

    Raises:
        KeyError: A weight is missing.
    """
    filled = {id(p): nn.Parameter(weights[name], p.requires_grad) for name, p in empty.named_parameters()}
    if (notes := getattr(empty, "model_card_data", None)) is not None:
        filled[id(notes)] = notes
    return copy.deepcopy(empty, filled)


def _weightless(parameter: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(torch.empty_like(parameter, device="meta"), parameter.requires_grad)


def _gather(parameter: nn.Parameter) -> torch.Tensor:
    if hasattr(parameter, "full_tensor"):
        return parameter.detach().full_tensor()
    if hasattr(parameter, "ds_id"):
        import deepspeed

        with deepspeed.zero.GatheredParameters([parameter]):
            return parameter.detach().clone()
    return parameter.detach().clone()
