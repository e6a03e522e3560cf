"""The vectors of a transformer's pieces, left as they are in training.

Half of a small multilingual model, and most of what an optimiser would have to keep of it. Frozen, it gets no gradient
and is none of the optimiser's parameters; checkpoints have it all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sentence_transformers.base.modules import Transformer
from torch import nn

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
    modules = input_modules(model)
    if not all(isinstance(module, Transformer) for module in modules):
        kinds = ", ".join(sorted({type(module).__name__ for module in modules if not isinstance(module, Transformer)}))
        raise InputError(
            f"freeze_word_table: this encoder reads texts by {kinds}, and a static encoder is nothing but its word "
            "table; leave it out"
        )
    for table in _tables(model):
        table.weight.requires_grad_(False)
    numbers = sum(table.weight.numel() for table in _tables(model))
    logger.info("The word table stays as it is: %.1f M parameters", numbers / 1e6)


def has_frozen_word_table(model: SentenceTransformer) -> bool:
    """Whether there is a transformer, and the vectors of its pieces are not trained."""
    tables = list(_tables(model))
    return bool(tables) and not any(table.weight.requires_grad for table in tables)


def _tables(model: SentenceTransformer) -> Iterator[nn.Embedding]:
    for module in input_modules(model):
        if isinstance(module, Transformer):
            yield module.auto_model.get_input_embeddings()
