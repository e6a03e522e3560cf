"""The best passages of a corpus on disk: exactly, block by block, in the memory of one block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tqdm.auto import tqdm

from hf_hybrid.engines.first_rank import is_first_rank
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode_sources import checked_id
from hf_hybrid.retrieval.shards import Shards
from hf_hybrid.retrieval.similarity import similarity_scores

_QUERIES_AT_ONCE = 1024


@dataclass(frozen=True)
class TopK:
    """The best k passages of Q queries, best first.

    Attributes:
        scores: float32 ``[Q, k]``, similarities; -inf where an index found fewer than k.
        rows: int64 ``[Q, k]``, rows of the corpus; -1 where an index found fewer than k.
    """

    scores: np.ndarray
    rows: np.ndarray

    @property
    def k(self) -> int:
        """Number of passages for each query."""
        return self.rows.shape[1]


def search_exactly(
    queries: torch.Tensor,
    shards: Shards,
    k: int,
    *,
    max_memory_mb: float = 256,
    device: str | torch.device = "cpu",
    show_progress: bool = False,
) -> TopK:
    """Score all passages and keep the best.

    Args:
        queries: float32 ``[Q, d]``, L2-normalised where the corpus is.
        shards: the corpus; its settings say by which similarity it is searched.
        k: passages for each query; all of them where the corpus has fewer.
        max_memory_mb: bound on a block of passages with its scores, in MiB; independent of the corpus.
        device: where the products are computed.
        show_progress: show a progress bar (first process only).

    Returns:
        The passages, equal scores in the corpus's order. Which of several passages with the very score of the last
        place is kept is left open.

    Raises:
        InputError: k below one, or queries of another dimension.

    Example:
        >>> search_exactly(queries, Shards.open("vectors"), k=10).rows.shape  # doctest: +SKIP
        (100, 10)
    """
    check_search(queries, shards, k)
    k = min(k, shards.num_rows)
    batches = queries.to(device).split(_QUERIES_AT_ONCE)
    best = [
        (torch.full((len(batch), k), -torch.inf, device=device), torch.full((len(batch), k), -1, device=device))
        for batch in batches
    ]
    rows = _block_rows(shards.dimension, min(len(queries), _QUERIES_AT_ONCE), max_memory_mb)
    bar = tqdm(
        total=shards.num_rows, desc="Searching", unit="passage", disable=not (show_progress and is_first_rank())
    )
    with torch.inference_mode(), bar:
        for first, vectors in shards.blocks(rows):
            vectors = vectors.to(device)
            for number, batch in enumerate(batches):
                best[number] = _merge(
                    *best[number], similarity_scores(batch, vectors, shards.settings.similarity), first
                )
            bar.update(len(vectors))
    scores = torch.cat([found for found, _ in best]).cpu().numpy()
    found_rows = torch.cat([found for _, found in best]).cpu().numpy()
    return _in_order(scores, found_rows)


def check_search(queries: torch.Tensor, shards: Shards, k: int) -> None:
    """Refuse what cannot be searched."""
    if k < 1:
        raise InputError(f"k must be at least 1, got {k}")
    if queries.ndim != 2 or queries.shape[1] != shards.dimension:
        raise InputError(
            f"queries of shape {tuple(queries.shape)} cannot be compared with vectors of dimension "
            f"{shards.dimension}: encode them with the model that encoded the corpus"
        )


def recall_against(found: TopK, exact: TopK) -> float:
    """Share of the exact best k that an index found: mean over queries of ``|found & exact| / k``.

    Example:
        >>> exact, found = (TopK(np.zeros((1, 2)), np.array([rows])) for rows in ([4, 7], [7, 9]))
        >>> recall_against(found, exact)
        0.5
    """
    if found.rows.shape != exact.rows.shape:
        raise ValueError(f"results of shapes {found.rows.shape} and {exact.rows.shape} cannot be compared")
    hits = [len(np.intersect1d(mine, theirs)) for mine, theirs in zip(found.rows, exact.rows, strict=True)]
    return float(np.mean(hits) / exact.k)


def trec_run(found: TopK, query_ids: Sequence[str], shards: Shards, tag: str = "hf_hybrid") -> list[str]:
    """Lines of a TREC run file: ``query Q0 passage rank score tag``.

    Raises:
        InputError: An id with white space, which would be two fields, or a passage that the vectors have twice; names
            it.
    """
    lines = []
    for query, rows, scores in zip(query_ids, found.rows, found.scores, strict=True):
        kept = rows >= 0
        names = [checked_id(name, f"vectors in {shards.folder}") for name in shards.ids(rows[kept])]
        checked_id(query, "the queries")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(
                f"the vectors in {shards.folder} have the passage {twice!r} twice; encode the corpus again with "
                "distinct ids"
            )
        lines += [
            f"{query} Q0 {name} {rank} {score:.6f} {tag}"
            for rank, (name, score) in enumerate(zip(names, scores[kept], strict=True), start=1)
        ]
    return lines


def _block_rows(dimension: int, num_queries: int, max_memory_mb: float) -> int:
    """Passages in a block: their float32 vectors (and a copy from another type), their scores and what top-k needs."""
    bytes_per_row = 4 * 2 * dimension + 4 * 3 * num_queries
    return max(int(max_memory_mb * 2**20 // bytes_per_row), 1)


def _merge(
    scores: torch.Tensor, rows: torch.Tensor, block: torch.Tensor, first: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Best k of those so far and a block's scores ``[Q, n]``."""
    k = scores.shape[1]
    top = torch.topk(block, min(k, block.shape[1]), dim=1)
    scores, rows = torch.cat([scores, top.values], dim=1), torch.cat([rows, top.indices + first], dim=1)
    best = torch.topk(scores, k, dim=1)
    return best.values, rows.gather(1, best.indices)


def _in_order(scores: np.ndarray, rows: np.ndarray) -> TopK:
    order = np.lexsort((rows, -scores), axis=1)
    return TopK(np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1))
