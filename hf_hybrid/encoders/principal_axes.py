"""Turn a static encoder's vectors onto their principal axes, so that their first dimensions are the best ones to keep.

A static encoder is linear up to the last normalisation: multiplying its table by an orthogonal matrix turns every text
vector and changes no similarity. On the principal axes of typical texts' unit vectors the first `k` dimensions hold
the most that any `k` can (Eckart and Young), so that `truncate_dim` works without Matryoshka training.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from sentence_transformers import SentenceTransformer

from hf_hybrid.encoders.models import is_static
from hf_hybrid.errors import InputError


def turn_to_principal_axes(model: SentenceTransformer, texts: Sequence[str]) -> torch.Tensor:
    """Turn the table in place; similarities of whole vectors stay what they were.

    Args:
        model: A static encoder.
        texts: Typical texts, whose unit vectors say which directions matter. At least as many as dimensions.

    Returns:
        Float64 `[dimension]`: share of the mean squared length that lies along each axis, largest first.

    Raises:
        InputError: The model is no static encoder, or the texts are too few to know its axes.

    Example:
        >>> turn_to_principal_axes(model, texts)[:128].sum()  # doctest: +SKIP
        tensor(0.91, dtype=torch.float64)
    """
    if not is_static(model):
        raise InputError("principal axes: only the vectors of a static encoder can be turned without other changes")
    table = model[0].embedding.weight
    if len(texts) < table.shape[1]:
        raise InputError(f"principal axes: {len(texts)} texts for {table.shape[1]} dimensions; give more texts")
    vectors = torch.as_tensor(
        model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False), dtype=torch.float64
    )
    moments = vectors.T @ vectors / len(vectors)
    shares, axes = torch.linalg.eigh(moments)
    # Eigenvectors have no sign of their own: the largest component is made positive, so that every machine turns
    # alike.
    axes *= torch.sign(axes.gather(0, axes.abs().argmax(0, keepdim=True)))
    with torch.no_grad():
        table.copy_((table.double() @ axes.flip(1)).to(table.dtype))
    return shares.flip(0) / shares.sum()
