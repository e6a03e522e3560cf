"""`HybridContrastiveLoss`: encode a rank's rows, gather the global batch, and call the InfoNCE core."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from hf_hybrid.errors import InputError
from hf_hybrid.losses.contrastive import NEGATIVES, Candidates, contrastive_loss
from hf_hybrid.losses.gather import gather, gather_detached, rank


class HybridContrastiveLoss(nn.Module):
    """InfoNCE of the local queries against the passages of all ranks (and back, if symmetric).

    Args:
        scale: Factor on the cosine; the paper gives none (module `contrastive`).
        negatives: `in_batch`, `in_batch+hard` or `literal`.
        symmetric: Average with the passage-to-query loss. The paper's loss has one direction.

    Raises:
        InputError: `negatives` needs hard negatives and the batch has none, or the value is unknown.
    """

    def __init__(self, scale: float = 20.0, negatives: str = "in_batch", symmetric: bool = False):
        super().__init__()
        if negatives not in NEGATIVES:
            raise InputError(f"negatives: unknown value '{negatives}'; choose one of {', '.join(NEGATIVES)}")
        if scale <= 0:
            raise InputError(f"scale: must be positive, got {scale}")
        self.scale, self.negatives, self.symmetric = scale, negatives, symmetric

    def forward(self, model: nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Loss of a collated batch, and what is logged about it.

        Args:
            model: The encoder, wrapped or not.
            inputs: As `HybridCollator` makes them.
        """
        queries, passages = embed(model, inputs["query"]), embed(model, inputs["passage"])
        hard = self._hard_negatives(model, inputs)
        examples, passage_ids = gather_detached(inputs["example_ids"]), gather_detached(inputs["passage_ids"])
        local = slice(rank() * len(queries), (rank() + 1) * len(queries))
        positives = torch.arange(local.start, local.stop, device=queries.device)
        candidates = _candidates(gather(passages), hard, examples, passage_ids)
        ids = (positives, inputs["example_ids"], inputs["passage_ids"])
        loss, positive, hardest = contrastive_loss(
            queries, candidates, *ids, self.scale, literal=self.negatives == "literal"
        )
        if self.symmetric:
            back = _candidates(gather(queries), None, examples, passage_ids)
            loss = (loss + contrastive_loss(passages, back, *ids, self.scale)[0]) / 2
        return loss, {"positive_similarity": positive, "hardest_negative_similarity": hardest}

    def _hard_negatives(self, model: nn.Module, inputs: dict[str, Any]) -> torch.Tensor | None:
        if self.negatives == "in_batch":
            return None
        if "negative" not in inputs:
            raise InputError(
                f"negatives: '{self.negatives}' needs the column 'negatives' and num_negatives of at least 1"
            )
        return gather(embed(model, inputs["negative"]))


def embed(model: nn.Module, features: dict[str, torch.Tensor]) -> torch.Tensor:
    """L2-normalised sentence embeddings `[rows, d]` of tokenised features."""
    return nn.functional.normalize(model(dict(features))["sentence_embedding"], dim=-1)


def _candidates(
    positives: torch.Tensor, hard: torch.Tensor | None, example_ids: torch.Tensor, passage_ids: torch.Tensor
) -> Candidates:
    if hard is None:
        return Candidates(positives, example_ids, passage_ids)
    none = example_ids.new_full((len(hard),), -1)
    return Candidates(
        torch.cat([positives, hard]), torch.cat([example_ids, none]), torch.cat([passage_ids, none]), hard=len(hard)
    )
