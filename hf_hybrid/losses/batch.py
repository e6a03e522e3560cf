"""What a loss works on: a rank's rows with their vectors, and those of the whole global batch.

`embed` gives the rank's rows, `of_all_ranks` the rows of all ranks, with exact gradients (module `gather`). Engines
average gradients over ranks. So a loss is that of the global batch if each rank returns either a mean over its own
rows, scored against all, or a number that follows from the rows of all ranks and is the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from hf_hybrid.losses.gather import gather, rank
from hf_hybrid.losses.gradient_cache import embed_chunks


@dataclass(frozen=True)
class BatchVectors:
    """Rows of a batch with their vectors.

    Attributes:
        queries, passages: `[n, d]`, L2-normalised unless `embed` was told otherwise, float32 or float64, whatever
            precision the encoder works in.
        negatives: `[n, k, d]`, the hard negatives of each row; `k` is 0 where the data have none.
        example_ids, passage_ids: int64 `[n]`. Rows that share either are no negatives of each other.
        query_languages, passage_languages: int64 `[n]`, positions in the training set's `languages`; -1 where unknown.
    """

    queries: torch.Tensor
    passages: torch.Tensor
    negatives: torch.Tensor
    example_ids: torch.Tensor
    passage_ids: torch.Tensor
    query_languages: torch.Tensor
    passage_languages: torch.Tensor


@dataclass(frozen=True)
class RankVectors(BatchVectors):
    """A rank's rows of the global batch.

    Attributes:
        texts: `[(2 + k) * n, d]`, all of the rank's vectors in the encoder's precision: queries, then passages, then
            hard negatives row by row; what `teacher_similarity` takes. Parallel queries come after them.
        parallel: `[n, d]`, of each row the same question in another language, its own where there is none; None where
            the batch has none (`parallel_weight`).
    """

    texts: torch.Tensor
    parallel: torch.Tensor | None = None

    @property
    def rows_of_all(self) -> torch.Tensor:
        """int64 `[n]`: where in the global batch the rank's rows are."""
        rows = len(self.queries)
        return torch.arange(rank() * rows, (rank() + 1) * rows, device=self.texts.device)

    def of_all_ranks(self, queries: bool = True, negatives: bool = True) -> BatchVectors:
        """The global batch, rank after rank, with exact gradients, in one collective. Every rank must call it as
        often.

        Args:
            queries: Gather the queries, too. Where nothing needs them, leave them out: `queries` is then `[0, d]`.
            negatives: Gather the hard negatives, too; left out, `negatives` is `[n, 0, d]`.
        """
        rows, width = len(self.queries), self.texts.shape[1]
        # A row's share of what is gathered is its passage, its hard negatives, its query.
        hard = self.negatives.flatten(1) if negatives else self.negatives.new_empty(rows, 0)
        parts = [self.passages, hard, *([self.queries] if queries else [])]
        ids = [self.example_ids, self.passage_ids, self.query_languages, self.passage_languages]
        everything, ids_of_all = gather(torch.cat(parts, dim=1).to(self.texts.dtype), torch.stack(ids, dim=1))
        of_query = width + hard.shape[1]
        return BatchVectors(
            _raised(everything[:, of_query:] if queries else everything[:0, :width]),
            _raised(everything[:, :width]),
            _raised(everything[:, width:of_query].reshape(len(everything), -1, width)),
            *(column.contiguous() for column in ids_of_all.unbind(1)),
        )


def embed(model: nn.Module, inputs: dict[str, Any], normalise: bool = True) -> RankVectors:
    """Embed a collated batch: this rank's rows with their vectors, by gradient caching where the run asks for it.

    Args:
        model: The encoder as the loss is given it, wrapped by an engine or not. Call this once a step: the wrapper's
            forward pass runs here.
        inputs: The batch as the loss is given it (`HybridCollator`; the trainer adds `cache_budget`).
        normalise: Give vectors length one, as the cosine wants them; for another similarity take them as they are.
    """
    texts = embed_batch(model, inputs, normalise)
    example_ids, passage_ids = inputs["example_ids"], inputs["passage_ids"]
    rows = len(example_ids)
    sides = (inputs.get(f"{side}_languages") for side in ("query", "passage"))
    languages = [
        torch.full_like(example_ids, -1) if codes is None else torch.as_tensor(codes).to(example_ids)
        for codes in sides
    ]
    end = len(texts) - rows if inputs.get("parallel_queries") else len(texts)
    return RankVectors(
        _raised(texts[:rows]),
        _raised(texts[rows : 2 * rows]),
        _raised(texts[2 * rows : end].reshape(rows, -1, texts.shape[1])),
        example_ids,
        passage_ids,
        *languages,
        texts=texts,
        parallel=_raised(texts[end:]) if end < len(texts) else None,
    )


def embed_batch(model: nn.Module, inputs: dict[str, Any], normalise: bool = True) -> torch.Tensor:
    """Embeddings `[texts, d]` of a collated batch, L2-normalised unless told otherwise: queries, then passages, then
    hard negatives, then parallel queries.

    `inputs["cache_budget"]` is the bytes of activations to keep for the backward pass, the rest is made twice (module
    `gradient_cache`); without it all are kept.
    """
    embeddings = embed_chunks(model, inputs["chunks"], inputs.get("cache_budget"))[inputs["positions"]]
    return nn.functional.normalize(embeddings, dim=-1) if normalise else embeddings


def _raised(vectors: torch.Tensor) -> torch.Tensor:
    """Mixed precision is for the encoder: halves become float32."""
    return vectors if vectors.dtype == torch.float64 else vectors.float()
