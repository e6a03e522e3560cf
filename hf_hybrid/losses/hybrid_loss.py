"""`HybridContrastiveLoss`: encode a rank's rows, gather the global batch, and call the InfoNCE core."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from hf_hybrid.errors import InputError
from hf_hybrid.losses.contrastive import NEGATIVES, Candidates, contrastive_loss
from hf_hybrid.losses.gather import gather, rank, require_same
from hf_hybrid.losses.gradient_cache import embed_chunks
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
        cache_budget: Bytes of activations to keep for the backward pass, the rest is made twice (module
            `gradient_cache`); `None` keeps all.
        similarity: `cosine`, or `dot` for vectors as they are; `scale` then is a factor on the dot product.
        teacher_weight: Weight of the distance to a teacher's vectors (module `teacher`), which the batch then carries; 0 for none.

    Raises:
        InputError: `negatives` needs hard negatives and the batch has none, the value is unknown, or the ranks'
            batches differ in shape (then on every rank).
    """

    def __init__(
        self,
        scale: float = 20.0,
        negatives: str = "in_batch",
        symmetric: bool = False,
        cache_budget: float | None = None,
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
                f"similarity: training compares by {' or '.join(SIMILARITIES)}, and this encoder by {similarity}, whose gradient "
                "has no direction where two vectors meet; give --similarity"
            )
        self.similarity = similarity
        self.scale, self.negatives, self.symmetric = scale, negatives, symmetric
        self.cache_budget, self.teacher_weight = cache_budget, teacher_weight
        self._calls = 0

    def forward(self, model: nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Loss of a collated batch, and what is logged about it.

        Args:
            model: The encoder, wrapped or not.
            inputs: As `HybridCollator` makes them.
        """
        texts = embed_batch(model, inputs, self.cache_budget, normalise=self.similarity == "cosine")
        rows = len(inputs["example_ids"])
        self._check_shapes(texts, rows)
        # Hard negatives lie row by row: a row's share of what is gathered is its passage, its negatives, its query.
        queries, passages, hard = texts[:rows], texts[rows : 2 * rows], texts[2 * rows :]
        hard = hard[:0] if self.negatives == "in_batch" else hard
        parts = [passages, *([hard.reshape(rows, -1)] if len(hard) else []), *([queries] if self.symmetric else [])]
        width = texts.shape[1]
        own_ids = torch.stack([inputs["example_ids"], inputs["passage_ids"]], dim=1)
        everything, ids = gather(torch.cat(parts, dim=1), own_ids)
        example_ids, passage_ids = ids[:, 0].contiguous(), ids[:, 1].contiguous()

        positives = torch.arange(rank() * rows, (rank() + 1) * rows, device=texts.device)
        row_ids = (positives, inputs["example_ids"], inputs["passage_ids"])
        hard_columns = len(hard) // rows * width
        candidates = _candidates(
            everything[:, :width],
            everything[:, width : width + hard_columns].reshape(-1, width),
            example_ids,
            passage_ids,
        )
        loss, positive, hardest = contrastive_loss(
            queries, candidates, *row_ids, self.scale, literal=self.negatives == "literal"
        )
        if self.symmetric:
            back = Candidates(everything[:, width + hard_columns :], example_ids, passage_ids)
            loss = (loss + contrastive_loss(passages, back, *row_ids, self.scale)[0]) / 2
        similarities = {"positive_similarity": positive, "hardest_negative_similarity": hardest}
        if self.teacher_weight and (to_teacher := teacher_similarity(self._unit(texts), inputs)) is not None:
            loss = loss + self.teacher_weight * (1 - to_teacher)
            similarities["teacher_similarity"] = to_teacher.detach()
        return loss, similarities

    def _unit(self, texts: torch.Tensor) -> torch.Tensor:
        """The texts' vectors of unit length, which those for the cosine are already."""
        return texts if self.similarity == "cosine" else nn.functional.normalize(texts, dim=-1)

    def _check_shapes(self, texts: torch.Tensor, rows: int) -> None:
        negatives = len(texts) // rows - 2
        if self._calls % CHECK_SHAPES_EVERY == 0:
            settings = {"scale": self.scale, "negatives": NEGATIVES.index(self.negatives), "symmetric": self.symmetric}
            sizes = {"rows": rows, "hard negatives of a row": negatives, "dimension": texts.shape[1]}
            require_same({**sizes, "bytes of a number": texts.element_size(), **settings}, texts.device)
        self._calls += 1
        if self.negatives != "in_batch" and not negatives:
            raise InputError(
                f"negatives: '{self.negatives}' needs the column 'negatives' and num_negatives of at least 1"
            )


def embed_batch(
    model: nn.Module, inputs: dict[str, Any], cache_budget: float | None = None, normalise: bool = True
) -> torch.Tensor:
    """Embeddings `[texts, d]` of a collated batch, L2-normalised unless told otherwise: queries, passages, hard negatives."""
    embeddings = embed_chunks(model, inputs["chunks"], cache_budget)[inputs["positions"]]
    return nn.functional.normalize(embeddings, dim=-1) if normalise else embeddings


def _candidates(
    positives: torch.Tensor, hard: torch.Tensor, example_ids: torch.Tensor, passage_ids: torch.Tensor
) -> Candidates:
    if not len(hard):
        return Candidates(positives, example_ids, passage_ids)
    none = example_ids.new_full((len(hard),), -1)
    return Candidates(
        torch.cat([positives, hard]), torch.cat([example_ids, none]), torch.cat([passage_ids, none]), hard=len(hard)
    )
