"""Whether padding changes a text's vector: it does where positions are counted from the first column, padding or
not.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch
from sentence_transformers.base.modules import Transformer

from hf_hybrid.encoders.text_inputs import transformers_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

# Share of a token vector's length by which padding may move it: rounding is far below, shifted positions far above.
TOLERANCE = 1e-2
_TOKENS = 4
_PADDING = 8


def warn_of_padding(model: SentenceTransformer, name: str = "the encoder") -> None:
    """Warn where a text's vector depends on the texts beside it, since the tokenizer pads on the left and positions
    ignore padding.

    So does GPT-2 in transformers 5: it numbers the columns of a batch, whatever their mask. Models with relative or
    rotary positions are not concerned.
    """
    for module in transformers_of(model):
        pads_left = getattr(module.tokenizer, "padding_side", "right") == "left"
        if pads_left and module.module_output_name == "token_embeddings" and positions_ignore_padding(module):
            logger.warning(
                "%s pads on the left and its positions ignore padding, so that a text's vector depends on the texts "
                "beside it; set "
                '"padding_side": "right" in its tokenizer_config.json if it was trained so',
                name,
            )
            return


def positions_ignore_padding(module: Transformer) -> bool:
    """Whether left padding moves the vectors of tokens; tried on a few tokens."""
    device = next(module.parameters()).device
    tokens = torch.arange(1, 1 + _TOKENS, device=device)[None]
    padded = torch.nn.functional.pad(tokens, (_PADDING, 0))
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            alone, shifted = (
                module({"input_ids": ids, "attention_mask": (ids > 0).long()})["token_embeddings"][
                    :, -_TOKENS:
                ].float()
                for ids in (tokens, padded)
            )
    finally:
        module.train(was_training)
    return bool((alone - shifted).norm() > TOLERANCE * alone.norm())
