"""Rows of a transformer's word table, and of heads over the vocabulary, in a new order; its configuration follows."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from hf_hybrid.errors import InputError


def special_ids(config: PretrainedConfig) -> dict[str, int]:
    """Ids of tokens that a configuration names, those of the word table.

    Example:
        >>> from transformers import BertConfig
        >>> special_ids(BertConfig(pad_token_id=0, vocab_size=10))
        {'pad_token_id': 0}
    """
    found = {name: value for name, value in config.to_dict().items() if name.endswith("_token_id")}
    size = config.get_text_config().vocab_size
    return {name: value for name, value in found.items() if isinstance(value, int) and 0 <= value < size}


def padding_of_positions(model: PreTrainedModel) -> int | None:
    """Id of the padding token where positions are counted from it on, as RoBERTa does; None where they are not."""
    for module in model.modules():
        is_embeddings = isinstance(getattr(module, "position_embeddings", None), nn.Embedding)
        if is_embeddings and isinstance(getattr(module, "padding_idx", None), int):
            return module.padding_idx
    return None


def keep_rows(model: PreTrainedModel, order: np.ndarray) -> None:
    """Keep the rows of some pieces, in place: of the word table, and of a head over the vocabulary, tied or not.

    Args:
        model: Any transformer with a word table.
        order: Old ids, in the order of the new ones.

    Raises:
        InputError: The table has fewer rows than the tokenizer has pieces, or a special token would be lost.
    """
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    size = table.num_embeddings
    if order.max(initial=-1) >= size:
        raise InputError(f"model: its tokenizer has more pieces than the {size:,} rows of its word table")
    new = {int(old): number for number, old in enumerate(order)}
    special = special_ids(model.config)
    if lost := [name for name, old in special.items() if old not in new]:
        raise InputError(f"model: {', '.join(lost)} of its configuration would be lost; keep these pieces")
    rest = np.setdiff1d(np.arange(size), order)
    rows = torch.from_numpy(np.concatenate([order, rest]).astype(np.int64))
    with torch.no_grad():
        of_rows = {table.weight}
        if head is not None:
            of_rows |= {parameter for parameter in (head.weight, head.bias) if parameter is not None}
            # RoBERTa's head keeps the bias twice.
            of_rows |= {each for name, each in model.named_parameters() if name.endswith("lm_head.bias")}
        for parameter in of_rows:
            parameter.copy_(parameter[rows])
    # Rows at the end are cut off, the configuration's size is set and heads are tied again.
    model.resize_token_embeddings(len(order), mean_resizing=False)
    for name, old in special.items():
        setattr(model.config, name, new[old])
    if table.padding_idx is not None or "pad_token_id" in special:
        model.get_input_embeddings().padding_idx = new.get(special.get("pad_token_id"))
