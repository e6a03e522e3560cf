"""`HybridContrastiveLoss`, what is trained with by default: InfoNCE over the global batch, and a teacher's target
beside it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from hf_hybrid.errors import InputError
from hf_hybrid.losses.batch import BatchVectors, RankVectors, embed
from hf_hybrid.losses.contrastive import NEGATIVES, Candidates, contrastive_loss
from hf_hybrid.losses.gather import require_same
from hf_hybrid.losses.teacher import teacher_similarity

# What the core's product can be: of unit vectors, or of vectors as they are.
SIMILARITIES = ("cosine", "dot")
# The shapes of all ranks are compared at the first batch and then every so many.
CHECK_SHAPES_EVERY = 50


class HybridContrastiveLoss(nn.Module):
    """InfoNCE of the local queries against the passages of all ranks (and back, if symmetric).

    Args:
        scale: Factor on the cosine; the paper gives none (module `contrastive`).
        negatives: `in_batch`, `in_batch+hard` or `literal`.
        symmetric: Average with the passage-to-query loss. The paper's loss has one direction.
        teacher_weight: Weight of the distance to a teacher's vectors (module `teacher`), which the batch then carries;
            0 for none.
        similarity: The encoder's: `cosine`, or `dot` for vectors as they are; `scale` then is a factor on the dot
            product.

    Raises:
        InputError: `negatives` needs hard negatives and the batch has none, the value is unknown, or the ranks'
            batches differ in shape (then on every rank).
    """

    def __init__(
        self,
        scale: float = 20.0,
        negatives: str = "in_batch",
        symmetric: bool = False,
        *,
        teacher_weight: float = 0.0,
        similarity: str = "cosine",
    ):
        super().__init__()
        if negatives not in NEGATIVES:
            raise InputError(f"negatives: unknown value '{negatives}'; choose one of {', '.join(NEGATIVES)}")
        if scale <= 0:
            raise InputError(f"scale: must be positive, got {scale}")
        if similarity not in SIMILARITIES:
            raise InputError(
                f"similarity: training compares by {' or '.join(SIMILARITIES)}, and this encoder by {similarity}, "
                "whose gradient has no direction where two vectors meet; give --similarity"
            )
        self.similarity = similarity
        self.scale, self.negatives, self.symmetric = scale, negatives, symmetric
        self.teacher_weight = teacher_weight
        self._calls = 0

    def settings(self) -> dict[str, Any]:
        """What a checkpoint's fingerprint holds. Scale, negatives, directions and similarity are compared with the
        run's other settings (`training.run_settings`), which older checkpoints lack.
        """
        return {"teacher_weight": self.teacher_weight} if self.teacher_weight else {}

    def forward(self, model: nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Loss of a collated batch, and what is logged about it.

        Args:
            model: The encoder, wrapped or not.
            inputs: As `HybridCollator` makes them.
        """
        return self.contrast(embed(model, inputs, normalise=self.similarity == "cosine"), inputs)[:2]

    def contrast(
        self, own: RankVectors, inputs: dict[str, Any]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor], BatchVectors]:
        """Loss of rows that are embedded already, what is logged, and the rows of all ranks."""
        self._check_shapes(own)
        whole = own.of_all_ranks(queries=self.symmetric, negatives=self.negatives != "in_batch")
        loss, similarities = batch_info_nce(own, whole, self.scale, self.negatives, self.symmetric)
        if self.teacher_weight and (to_teacher := teacher_similarity(self._unit(own.texts), inputs)) is not None:
            loss = loss + self.teacher_weight * (1 - to_teacher)
            similarities["teacher_similarity"] = to_teacher.detach()
        return loss, similarities, whole

    def _unit(self, texts: torch.Tensor) -> torch.Tensor:
        """The texts' vectors of unit length, which those for the cosine are already."""
        return texts if self.similarity == "cosine" else nn.functional.normalize(texts, dim=-1)

    def _check_shapes(self, own: RankVectors) -> None:
        negatives, texts = own.negatives.shape[1], own.texts
        if self._calls % CHECK_SHAPES_EVERY == 0:
            settings = {"scale": self.scale, "negatives": NEGATIVES.index(self.negatives), "symmetric": self.symmetric}
            sizes = {"rows": len(own.queries), "hard negatives of a row": negatives, "dimension": texts.shape[1]}
            require_same({**sizes, "bytes of a number": texts.element_size(), **settings}, texts.device)
        self._calls += 1
        if self.negatives != "in_batch" and not negatives:
            raise InputError(
                f"negatives: '{self.negatives}' needs the column 'negatives' and num_negatives of at least 1"
            )


def batch_info_nce(
    own: RankVectors,
    whole: BatchVectors,
    scale: float = 20.0,
    negatives: str = "in_batch",
    symmetric: bool = False,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """InfoNCE of a rank's queries against the passages of the global batch, false negatives masked by their ids.

    Args:
        own: The rank's rows.
        whole: The rows of all ranks, `own.of_all_ranks()`; with the queries if symmetric.
        scale, negatives, symmetric: See `HybridContrastiveLoss`.

    Returns:
        The mean over the rank's queries, and the mean similarity of positives and of each query's hardest negative.
    """
    row_ids = (own.rows_of_all, own.example_ids, own.passage_ids)
    hard = whole.negatives.flatten(0, 1)
    candidates = _candidates(
        whole.passages, hard[:0] if negatives == "in_batch" else hard, whole.example_ids, whole.passage_ids
    )
    loss, positive, hardest = contrastive_loss(
        own.queries, candidates, *row_ids, scale, literal=negatives == "literal"
    )
    if symmetric:
        back = Candidates(whole.queries, whole.example_ids, whole.passage_ids)
        loss = (loss + contrastive_loss(own.passages, back, *row_ids, scale)[0]) / 2
    return loss, {"positive_similarity": positive, "hardest_negative_similarity": hardest}


def _candidates(
    positives: torch.Tensor, hard: torch.Tensor, example_ids: torch.Tensor, passage_ids: torch.Tensor
) -> Candidates:
    if not len(hard):
        return Candidates(positives, example_ids, passage_ids)
    none = example_ids.new_full((len(hard),), -1)
    return Candidates(
        torch.cat([positives, hard]), torch.cat([example_ids, none]), torch.cat([passage_ids, none]), hard=len(hard)
    )
