"""The one InfoNCE core: loss and exact gradients, tile by tile, never holding queries x candidates.

Paper, Eq. 1: `L = sum_i -log( e^{s(q_i, d_i)} / (e^{s(q_i, d_i)} + sum_j e^{s(q_i, d_j^-)}) )`. Read literally, the
other queries' positives are not negatives and there is no temperature (with 100 rows and cosine scores the loss could
then not fall below 2.67). Ours is a declared departure: `scale` multiplies the cosine (default 20), the mean is taken
over rows, and `negatives` chooses the candidates: `in_batch` (all positives of the global batch), `in_batch+hard` (and
the hard negatives), or `literal` (own positive and the hard negatives only).

False negatives are masked by id: two rows that share an example id or a passage id are a translation of the positive,
or another question about the same paragraph, and never each other's negatives.

The gradient of a tile's rows follows from its own softmax, so one pass over tiles gives the loss and both gradients:
`dL/dlogits = softmax(logits) - onehot`. Training calls the core through autograd (`contrastive_loss`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hf_hybrid.engines.onednn import add_product, product

NEGATIVES = ("in_batch", "in_batch+hard", "literal")
# Logits held at a time. A GPU wants few large products, a CPU rows that its caches still hold between the passes.
TILE_ELEMENTS = {"cpu": 1 << 23, "default": 1 << 26}
CPU_TILE_ROWS = 256


@dataclass(frozen=True)
class Candidates:
    """What queries are scored against.

    Attributes:
        embeddings: `[n, d]`, L2-normalised: positives of the global batch, then hard negatives.
        example_ids, passage_ids: int64 `[n]`; -1 for hard negatives, which are never masked.
        hard: Number of hard negatives at the end.
    """

    embeddings: torch.Tensor
    example_ids: torch.Tensor
    passage_ids: torch.Tensor
    hard: int = 0


@dataclass(frozen=True)
class LossAndGradients:
    """Result of the core.

    Attributes:
        loss: Mean over the local queries.
        query_gradient: `[m, d]`; candidate_gradient: `[n, d]`.
        positive_similarity: Mean cosine of queries and their positives.
        hardest_negative_similarity: Mean over queries of the largest unmasked negative's cosine; NaN without
            negatives.
    """

    loss: torch.Tensor
    query_gradient: torch.Tensor
    candidate_gradient: torch.Tensor
    positive_similarity: torch.Tensor
    hardest_negative_similarity: torch.Tensor


@torch.no_grad()
def info_nce(
    queries: torch.Tensor,
    candidates: Candidates,
    positives: torch.Tensor,
    example_ids: torch.Tensor,
    passage_ids: torch.Tensor,
    scale: float = 20.0,
    literal: bool = False,
    tile_elements: int | None = None,
) -> LossAndGradients:
    """InfoNCE of `queries` against `candidates`, with gradients with respect to both.

    Args:
        queries: `[m, d]`, L2-normalised.
        candidates: See `Candidates`.
        positives: int64 `[m]`, index of each query's positive among the candidates.
        example_ids, passage_ids: int64 `[m]`, of the queries.
        scale: Factor on the cosine (inverse temperature).
        literal: Leave the other queries' positives out (paper's Eq. 1 as printed).
        tile_elements: Most logits held at a time, if at least one row's; default: what suits the device.

    Returns:
        Loss, gradients and similarity statistics; float32 or float64 as the queries are (halves are raised to
        float32).

    Example:
        >>> q = torch.eye(2); ids = torch.arange(2)
        >>> round(info_nce(q, Candidates(q, ids, ids), ids, ids, ids, scale=1.0).loss.item(), 4)   # log(1 + e^-1)
        0.3133
    """
    # Mixed precision is for the encoder: logits at scale 20 in bfloat16 would be off by whole percents.
    with torch.autocast(queries.device.type, enabled=False):
        return _info_nce(queries, candidates, positives, example_ids, passage_ids, scale, literal, tile_elements)


def _info_nce(
    queries: torch.Tensor,
    candidates: Candidates,
    positives: torch.Tensor,
    example_ids: torch.Tensor,
    passage_ids: torch.Tensor,
    scale: float,
    literal: bool,
    tile_elements: int | None,
) -> LossAndGradients:
    dtype = torch.float64 if queries.dtype == torch.float64 else torch.float32
    q, c = queries.to(dtype), candidates.embeddings.to(dtype)
    m, n = len(q), len(c)
    query_gradient, candidate_gradient = torch.empty_like(q), torch.zeros_like(c)
    loss, positive_sum, hardest_sum = (q.new_zeros(()) for _ in range(3))
    masked_candidates = _may_collide(candidates)
    rows_per_tile = _rows_per_tile(n, q.device, tile_elements)
    for start in range(0, m, rows_per_tile):
        rows = slice(start, min(start + rows_per_tile, m))
        own = positives[rows, None]
        logits = product(q[rows] * scale, c)
        positive = logits.gather(1, own)
        if literal or masked_candidates:
            logits.masked_fill_(_mask(candidates, example_ids[rows], passage_ids[rows], literal), -torch.inf)
        hardest = logits.scatter_(1, own, -torch.inf).amax(dim=1, keepdim=True)
        largest = torch.maximum(hardest, positive)
        # Softmax in place of the logits; the normaliser follows from the largest logit and what became of it.
        softmax = torch.softmax(logits.scatter_(1, own, positive), dim=1, out=logits)
        loss += (largest - positive).sum() - softmax.amax(dim=1).log().sum()
        positive_sum += positive.sum()
        hardest_sum += hardest.sum()
        residual = softmax.scatter_add_(1, own, softmax.new_full(own.shape, -1.0))
        query_gradient[rows] = product(residual, c.T)
        add_product(candidate_gradient, residual, q[rows])
    factor = scale / m
    hardest = hardest_sum / (m * scale)
    return LossAndGradients(
        loss / m,
        query_gradient.mul_(factor).to(queries.dtype),
        candidate_gradient.mul_(factor).to(candidates.embeddings.dtype),
        positive_sum / (m * scale),
        torch.where(hardest.isfinite(), hardest, torch.nan),
    )


def _rows_per_tile(candidates: int, device: torch.device, tile_elements: int | None) -> int:
    most = tile_elements or TILE_ELEMENTS.get(device.type, TILE_ELEMENTS["default"])
    rows = max(1, most // max(candidates, 1))
    return min(rows, CPU_TILE_ROWS) if device.type == "cpu" else rows


def _may_collide(candidates: Candidates) -> bool:
    """Whether any two candidates share an example or passage id; distinct ids need no mask."""
    for ids in (candidates.example_ids, candidates.passage_ids):
        real = ids[: len(ids) - candidates.hard]
        if len(torch.unique(real)) < len(real):
            return True
    return False


def _mask(candidates: Candidates, example_ids: torch.Tensor, passage_ids: torch.Tensor, literal: bool) -> torch.Tensor:
    """Which candidates are not negatives of which queries, bool `[rows, n]`; the caller unmasks the own positive."""
    mask = example_ids[:, None] == candidates.example_ids[None, :]
    mask |= passage_ids[:, None] == candidates.passage_ids[None, :]
    if literal:
        mask[:, : mask.shape[1] - candidates.hard] = True
    return mask


class _InfoNCE(torch.autograd.Function):
    """Autograd over the core: gradients are made with the loss, the backward pass only scales them, in place and
    once.
    """

    @staticmethod
    def forward(
        ctx, queries, embeddings, candidates, positives, example_ids, passage_ids, scale, literal, tile_elements
    ):
        detached = Candidates(embeddings.detach(), candidates.example_ids, candidates.passage_ids, candidates.hard)
        result = info_nce(
            queries.detach(), detached, positives, example_ids, passage_ids, scale, literal, tile_elements
        )
        ctx.gradients = (result.query_gradient, result.candidate_gradient)
        ctx.mark_non_differentiable(result.positive_similarity, result.hardest_negative_similarity)
        return result.loss, result.positive_similarity, result.hardest_negative_similarity

    @staticmethod
    def backward(ctx, loss_gradient, *_):
        if ctx.gradients is None:
            raise RuntimeError("the gradients of the contrastive loss were handed out already: call it again")
        (query_gradient, candidate_gradient), ctx.gradients = ctx.gradients, None
        return (
            query_gradient.mul_(loss_gradient.to(query_gradient.dtype)),
            candidate_gradient.mul_(loss_gradient.to(candidate_gradient.dtype)),
            *[None] * 7,
        )


def contrastive_loss(
    queries: torch.Tensor,
    candidates: Candidates,
    positives: torch.Tensor,
    example_ids: torch.Tensor,
    passage_ids: torch.Tensor,
    scale: float = 20.0,
    literal: bool = False,
    tile_elements: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`info_nce` for autograd: `(loss, positive similarity, hardest negative similarity)`; see there for arguments."""
    return _InfoNCE.apply(
        queries, candidates.embeddings, candidates, positives, example_ids, passage_ids, scale, literal, tile_elements
    )
