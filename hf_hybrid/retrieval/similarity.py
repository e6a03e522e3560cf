"""How vectors are compared: by the similarity that the encoder names, the higher the closer.

`cosine` is the product of unit vectors, so vectors are normalised as they are made, and from then on it and `dot` are
one. Distances are negated: `euclidean` is -|q - c|, `manhattan` the negated sum of absolute differences, as in
sentence-transformers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
# Candidates whose distances are made at a time, in float64.
_COLUMNS = 4096


def similarity_of(model: SentenceTransformer, override: str | None = None) -> str:
    """The given similarity, else the encoder's own.

    Raises:
        InputError: An unknown one.
    """
    return check_similarity(override if override is not None else model.similarity_fn_name)


def check_similarity(name: str) -> str:
    """Refuse an unknown similarity."""
    if name not in SIMILARITIES:
        raise InputError(f"similarity is {name!r}: choose one of {', '.join(SIMILARITIES)}")
    return name


def similarity_scores(
    queries: torch.Tensor, candidates: torch.Tensor, similarity: str = "dot", out: torch.Tensor | None = None
) -> torch.Tensor:
    """Similarity of every query and candidate.

    Args:
        queries: float32 ``[Q, d]``, for `cosine` of unit length.
        candidates: float32 ``[N, d]``, likewise.
        similarity: one of `SIMILARITIES`.
        out: float32 ``[Q, N]`` to write into.

    Returns:
        float32 ``[Q, N]``.

    Example:
        >>> similarity_scores(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 0.0], [3.0, 4.0]]), "euclidean").tolist()
        [[-5.0, -0.0]]
    """
    if similarity in ("cosine", "dot"):
        return torch.mm(queries, candidates.T, out=out)
    if out is None:
        out = queries.new_empty((len(queries), len(candidates)))
    for start in range(0, len(candidates), _COLUMNS):
        some = candidates[start : start + _COLUMNS]
        distance = torch.cdist(queries, some, p=1.0) if similarity == "manhattan" else _euclidean(queries, some)
        out[:, start : start + _COLUMNS] = -distance
    return out


def _euclidean(queries: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    # In float32 the terms of this sum would cancel: the distance of equal vectors would be a thousandth of their
    # length.
    queries, candidates = queries.double(), candidates.double()
    squares = torch.addmm((candidates**2).sum(dim=1), queries, candidates.T, alpha=-2)
    return squares.add_((queries**2).sum(dim=1, keepdim=True)).clamp_(min=0).sqrt_()
