"""`ParallelRankingLoss`: parallel queries should rank the passages alike (LaKDA, arXiv 2509.06195).

``(1 - w) * L + w * KL(p_b || p_a)``: L is the default loss, ``p_x`` the softmax over the passages of the global batch
of the similarity of the query in language x; b is the same question in another language. As published, by what could
be read of it: the mixture with the weight w, and the direction of the divergence. Ours: the passages are those of the
batch, b is any other language that the example has, both sides get gradients, and the similarity is scaled as in L:
a cosine as it comes ranks a thousand passages all but evenly, and its divergence does nothing at any weight
(`docs/studies/methods.md`). A row whose question is in one language adds 0.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from hf_hybrid.errors import InputError
from hf_hybrid.losses.batch import embed
from hf_hybrid.losses.hybrid_loss import HybridContrastiveLoss


class ParallelRankingLoss(HybridContrastiveLoss):
    """The default loss and the divergence of the rankings of parallel queries.

    Args:
        parallel_weight: The weight w, from 0 to 1.
        ranking_scale: Factor on the similarity in the divergence; by default the loss's `scale`.
        contrastive: Arguments of `HybridContrastiveLoss`.

    Raises:
        InputError: The weight is not between 0 and 1.
    """

    def __init__(self, parallel_weight: float, ranking_scale: float | None = None, **contrastive: Any):
        super().__init__(**contrastive)
        if not 0 <= parallel_weight <= 1:
            raise InputError(f"parallel_weight: must lie in [0, 1], got {parallel_weight}")
        self.parallel_weight = parallel_weight
        self.ranking_scale = self.scale if ranking_scale is None else ranking_scale

    def settings(self) -> dict[str, Any]:
        """The default loss's, weight and scale."""
        return {
            **super().settings(),
            "parallel_weight": self.parallel_weight,
            "ranking_scale": self.ranking_scale,
        }

    def forward(self, model: nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """See `HybridContrastiveLoss.forward`; the batch carries parallel queries.

        Raises:
            InputError: It carries none.
        """
        own = embed(model, inputs, normalise=self.similarity == "cosine")
        if own.parallel is None:
            raise InputError("parallel_weight: the batch has no parallel queries; set it in the training arguments")
        loss, scalars, whole = self.contrast(own, inputs)
        divergence = ranking_divergence(own.queries, own.parallel, whole.passages, self.ranking_scale)
        loss = (1 - self.parallel_weight) * loss + self.parallel_weight * divergence
        return loss, {**scalars, "ranking_divergence": divergence.detach()}


def ranking_divergence(
    queries: torch.Tensor, parallel: torch.Tensor, passages: torch.Tensor, scale: float = 1.0
) -> torch.Tensor:
    """Mean over the rows of ``KL(p_parallel || p_query)`` over the passages.

    Args:
        queries, parallel: `[n, d]`.
        passages: `[G, d]`.
        scale: Factor on the products.

    Example:
        >>> eye = torch.eye(2)
        >>> round(ranking_divergence(eye[:1], eye[1:], eye).item(), 4)  # (e - 1) / (e + 1)
        0.4621
    """
    with torch.autocast(queries.device.type, enabled=False):
        of_query = torch.log_softmax(scale * queries @ passages.T, dim=1)
        of_parallel = torch.log_softmax(scale * parallel @ passages.T, dim=1)
        return nn.functional.kl_div(of_query, of_parallel, reduction="batchmean", log_target=True)
