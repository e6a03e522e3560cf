"""Parts of a transformer that are left as they are in training: the vectors of pieces, or all up to a layer.

The word table is half of a small multilingual model, and most of what an optimiser would have to keep of it. With the
lower half of the layers left alone, too, a step needs a third less arithmetic. What is frozen gets no gradient and is
none of the optimiser's parameters; checkpoints have it all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sentence_transformers.base.modules import Transformer
from torch import nn

from hf_hybrid.encoders.layers import layers_of
from hf_hybrid.encoders.text_inputs import input_modules
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)


def freeze_word_table(model: SentenceTransformer) -> None:
    """Train everything but the vectors of pieces, in place; positions are trained.

    Raises:
        InputError: The encoder has nothing else to train, or no such table.
    """
    _check_transformers(model, "freeze_word_table", "is nothing but its word table")
    for table in _tables(model):
        table.weight.requires_grad_(False)
    numbers = sum(table.weight.numel() for table in _tables(model))
    logger.info("The word table stays as it is: %.1f M parameters", numbers / 1e6)


def freeze_layers(model: SentenceTransformer, number: int) -> None:
    """Train the layers above the `number` lowest ones, in place; embeddings and positions stay as they are, too.

    Args:
        model: An encoder with a transformer in it; of several, each is frozen up to the same layer.
        number: How many of the lowest layers.

    Raises:
        InputError: The encoder has no layers, or none would be left to train.
    """
    _check_transformers(model, "freeze_layers", "has no layers")
    for module in input_modules(model):
        layers = layers_of(module.auto_model, "freeze_layers")[2]
        if number >= len(layers):
            raise InputError(f"freeze_layers: {number} of {len(layers)} layers leaves none to train; give fewer")
        for part in _parts_below(module.auto_model, layers, number):
            part.requires_grad_(False)
    frozen = sum(each.numel() for each in model.parameters() if not each.requires_grad)
    logger.info("The %d lowest layers and what is below stay as they are: %.1f M parameters", number, frozen / 1e6)


def has_frozen_word_table(model: SentenceTransformer) -> bool:
    """Whether there is a transformer, and the vectors of its pieces are not trained."""
    tables = list(_tables(model))
    return bool(tables) and not any(table.weight.requires_grad for table in tables)


def _check_transformers(model: SentenceTransformer, argument: str, lack: str) -> None:
    modules = input_modules(model)
    if not all(isinstance(module, Transformer) for module in modules):
        kinds = ", ".join(sorted({type(module).__name__ for module in modules if not isinstance(module, Transformer)}))
        raise InputError(f"{argument}: this encoder reads texts by {kinds}, and a static encoder {lack}; leave it out")


def _tables(model: SentenceTransformer) -> Iterator[nn.Embedding]:
    for module in input_modules(model):
        if isinstance(module, Transformer):
            yield module.auto_model.get_input_embeddings()


def _parts_below(transformer: nn.Module, layers: nn.ModuleList, number: int) -> Iterator[nn.Parameter]:
    """Parameters of the lowest layers and those that come before all layers: embeddings, positions, their norm."""
    of_layers = {id(parameter) for parameter in layers.parameters()}
    for parameter in transformer.parameters():
        if id(parameter) in of_layers:
            break
        yield parameter
    for layer in layers[:number]:
        yield from layer.parameters()
