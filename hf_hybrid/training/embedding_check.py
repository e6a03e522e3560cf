"""Before training: does the trainer embed texts as the finished model will?

Training tokenises, pads and calls the encoder by itself, for speed. An encoder may hold modules that do more than that
on the way of `encode_query` and `encode_document`. So a few texts go both ways first, and vectors that differ stop the
run before it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sentence_transformers.base.modules import Router

from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.tokenised import Ragged, token_ids
from hf_hybrid.encoders.text_inputs import TextInput, text_inputs
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Greatest distance of the two vectors of a text, as a share of the vector's length.
TOLERANCE = 1e-3
TEXTS = (
    "short",
    "Ein Satz, mit Komma.",
    "東京は日本の首都です。",
    "İstanbul'da kaç kişi yaşıyor?",
    "A longer text, so that the others are padded. " * 4,
)


def check_embedding(model: SentenceTransformer) -> None:
    """Compare the trainer's vectors of a few texts with those of `encode_query` and `encode_document`.

    Raises:
        InputError: They differ; names the module that does what training does not.
    """
    was_training = model.training
    model.eval()
    try:
        for side, task, encode in zip(
            text_inputs(model), ("query", "document"), (model.encode_query, model.encode_document), strict=True
        ):
            features = _features(side)
            expected = encode(
                list(TEXTS),
                convert_to_tensor=True,
                show_progress_bar=False,
                normalize_embeddings=False,
                batch_size=len(TEXTS),
            ).float()
            with torch.inference_mode():
                found = model(_on(features, model.device))["sentence_embedding"].float()
            if _distance(found, expected) > TOLERANCE:
                raise InputError(
                    f"{_culprit(model, side, task, features)}: training embeds a {task} otherwise than "
                    f"`encode_{task}` with this module, so that the model would not be the one that was trained; use "
                    "an encoder without it"
                )
    finally:
        model.train(was_training)


def _features(side: TextInput) -> dict[str, Any]:
    """The trainer's features of the texts, in one chunk: each is padded as by `encode`, which matters where positions
    ignore padding.
    """
    found = token_ids(list(TEXTS), side)
    values = np.array([token for ids in found for token in ids], dtype=np.int32)
    lengths = np.array([len(ids) for ids in found], dtype=np.int64)
    collator = HybridCollator(side.layout)
    if side.is_static:
        return collator.chunks(Ragged(values, lengths))[0][0]
    return collator.padded(values, np.cumsum(lengths) - lengths, lengths, side.layout)


def _culprit(model: SentenceTransformer, side: TextInput, task: str, ours: dict[str, Any]) -> str:
    """The first module after which the two ways differ."""
    theirs = _on(model.preprocess(list(TEXTS), prompt=side.prompt or None, task=task), model.device)
    ours = _on(ours, model.device)
    with torch.inference_mode():
        for module in model:
            takes_task = isinstance(module, Router) or "task" in getattr(module, "forward_kwargs", ())
            ours, theirs = module(ours), module(theirs, **({"task": task} if takes_task else {}))
            if not all(_same(ours, theirs, name) for name in ("token_embeddings", "sentence_embedding")):
                return type(module).__name__
    # Something between the modules and the result: a dimension that `encode` cuts to, say.
    return "truncate_dim" if model.truncate_dim is not None else type(model).__name__


def _same(ours: dict[str, Any], theirs: dict[str, Any], name: str) -> bool:
    found, expected = ours.get(name), theirs.get(name)
    if found is None or expected is None or name == "sentence_embedding" or "attention_mask" not in theirs:
        return (found is None) == (expected is None) and (found is None or _distance(found, expected) <= TOLERANCE)
    mask = theirs["attention_mask"][..., None]
    return found.shape == expected.shape and _distance(found * mask, expected * mask) <= TOLERANCE


def _distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The greatest distance of two rows, as a share of the expected row's length; infinite where shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    found, expected = found.double().flatten(1), expected.double().flatten(1)
    share = (found - expected).norm(dim=1) / expected.norm(dim=1).clamp(min=1e-12)
    return float(share.nan_to_num(nan=float("inf")).max())


def _on(features: dict[str, Any], device: torch.device) -> dict[str, Any]:
    return {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in features.items()}
