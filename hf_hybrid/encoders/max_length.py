"""How many tokens of a text an encoder reads."""

from __future__ import annotations

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from hf_hybrid.encoders.text_inputs import input_modules
from hf_hybrid.errors import InputError

DEFAULT_LENGTH = 256


def set_max_length(model: SentenceTransformer, wanted: int | None) -> None:
    """Let that many tokens of a text count, the rest is cut off.

    Args:
        model: Changed in place.
        wanted: Tokens, the special ones included; None leaves a transformer its own number, as far as its positions
            reach, and a static encoder without limit.

    Raises:
        InputError: The positions do not reach so far.
    """
    for module in input_modules(model):
        if isinstance(module, StaticEmbedding):
            # Unlimited by default: a static encoder has no positions. The limit is stored in tokenizer.json.
            if wanted is not None:
                module.tokenizer.enable_truncation(wanted)
            continue
        if not isinstance(module, Transformer):
            continue
        limit = _position_limit(module)
        if wanted is not None and limit is not None and wanted > limit:
            raise InputError(
                f"max_seq_length: {wanted} is above the checkpoint's limit of {limit} tokens; give {limit} or less"
            )
        own = module.max_seq_length or DEFAULT_LENGTH
        # A tokenizer without a limit says 10^30.
        module.max_seq_length = wanted or min(own, limit or (own if own < 1_000_000 else DEFAULT_LENGTH))


def _position_limit(transformer: torch.nn.Module) -> int | None:
    """Return how many tokens the learned positions allow, less RoBERTa's offset, or None where there are none."""
    for module in transformer.modules():
        positions = getattr(module, "position_embeddings", None) or getattr(module, "wpe", None)
        if isinstance(positions, torch.nn.Embedding):
            # RoBERTa-like embeddings know their padding index, and count positions from the one after it.
            padding = getattr(module, "padding_idx", None)
            return positions.num_embeddings - (padding + 1 if isinstance(padding, int) else 0)
    return None
