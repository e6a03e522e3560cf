"""Exact ranks of the relevant candidates, without ever holding a ranking or the queries x candidates scores.

mAP, recall, nDCG and rank distance need only where the relevant candidates stand: how many candidates score higher.
For a block of queries

1. one matrix product gives the block's scores against the whole pool, its columns grouped by candidate language;
2. the scores of the block's relevant candidates are read from that same product: another product of another shape may
   differ in the last bit, and an own score would then not equal itself;
3. each language's columns are sorted in place, and a binary search places every relevant score in every language. The
   counts of the candidate's own language are its rank in the L x L cells, their sum over languages its rank in the
   multilingual pool, and the two sides of the search tell ties. The ends of the sorted columns give the languages of
   the top k at almost no cost.

Sorting floats without indices is vectorised in numpy and costs less than the product; sorting with indices, or
comparing the pool with each relevant score, costs several times more. Memory is a few times one block of scores,
whatever the number of queries.

Equal scores are counted, not ordered, so nothing depends on the order of the input. Candidates with identical vectors
get identical scores: a matrix product alone does not promise that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from tqdm.auto import tqdm

from hf_hybrid.engines.first_rank import is_first_rank
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.score_blocks import ScoreBlock, duplicate_rows
from hf_hybrid.retrieval.similarity import check_similarity, similarity_scores

# From 256 to 1,024 queries the evaluation of XQuAD-R got a fifth faster; more gained nothing.
_LARGEST_BLOCK = 1024


@dataclass(frozen=True)
class RelevantRanks:
    """Where the relevant candidates of Q queries stand. ``nnz`` entries, one for each (query, relevant candidate).

    Attributes:
        offsets: int64 ``[Q + 1]``, the entries of query q are ``offsets[q]:offsets[q + 1]``.
        languages: int64 ``[nnz]``, language of the entry's candidate.
        pool_higher: int64 ``[nnz]``, candidates of all languages scored strictly higher (or placed before it by
            ``tie_order``).
        pool_tied: int64 ``[nnz]``, other candidates of all languages with the same score (0 where ``tie_order``
            decided).
        language_higher: int64 ``[nnz]``, the same among the candidates of the entry's language only.
        language_tied: int64 ``[nnz]``.
        pool_sizes: int64 ``[L]``, candidates of each language.
        top_k: number of places behind ``top_counts``.
        top_counts: float64 ``[Q, L]``, candidates of each language among the first ``top_k`` of all languages; where
            the last place is shared, the expected number over tied orders.
        top_exposure: float64 ``[Q, D, L]`` or None: for each of D given sets of weights of the first ``top_k`` places,
            the weight that falls to each language, expected over tied orders.
    """

    offsets: np.ndarray
    languages: np.ndarray
    pool_higher: np.ndarray
    pool_tied: np.ndarray
    language_higher: np.ndarray
    language_tied: np.ndarray
    pool_sizes: np.ndarray
    top_k: int
    top_counts: np.ndarray
    top_exposure: np.ndarray | None = None

    @property
    def num_queries(self) -> int:
        """Number of queries, Q."""
        return len(self.offsets) - 1

    def by_language(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Split every query's entries by candidate language.

        Returns:
            ``(offsets, higher, tied)`` of Q x L rankings; ranking ``q * L + l`` is query q in the sub-pool of language
            l.
        """
        num_languages = len(self.pool_sizes)
        query = np.repeat(np.arange(self.num_queries), np.diff(self.offsets))
        cell = query * num_languages + self.languages
        order = np.argsort(cell, kind="stable")
        counts = np.bincount(cell, minlength=self.num_queries * num_languages)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return offsets, self.language_higher[order], self.language_tied[order]


@dataclass(frozen=True)
class Pool:
    """What is known of queries and candidates besides their vectors.

    Attributes:
        relevance_offsets: int64 ``[Q + 1]``, with ``relevance_candidates`` the relevant candidates of each query
            (CSR).
        relevance_candidates: int64 ``[nnz]``, indices of candidates.
        candidate_languages: int ``[N]``, index of each candidate's language.
        num_languages: L.
        tie_order: int64 ``[N]`` or None: among equal scores the candidate with the smaller number comes first. None
            leaves ties to the metrics, which take the mean over tied orders.
        query_names: names for error messages; None numbers the queries.
        candidate_names: likewise for candidates.
    """

    relevance_offsets: np.ndarray
    relevance_candidates: np.ndarray
    candidate_languages: np.ndarray
    num_languages: int
    tie_order: np.ndarray | None = None
    query_names: Sequence[str] | None = field(default=None, repr=False)
    candidate_names: Sequence[str] | None = field(default=None, repr=False)


def trec_order(candidate_ids: Sequence[str]) -> np.ndarray:
    """Order of equal scores in trec_eval and pytrec_eval: by document id, descending. For `Pool.tie_order`.

    Example:
        >>> trec_order(["a", "c", "b"]).tolist()
        [2, 0, 1]
    """
    order = sorted(range(len(candidate_ids)), key=lambda index: candidate_ids[index].encode(), reverse=True)
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    return position


def relevant_ranks(
    queries: torch.Tensor,
    candidates: torch.Tensor,
    pool: Pool,
    *,
    top_k: int = 10,
    max_memory_mb: float = 256,
    show_progress: bool = False,
    place_weights: np.ndarray | None = None,
    similarity: str = "dot",
) -> RelevantRanks:
    """Rank the relevant candidates of every query by the similarity of their vectors.

    Args:
        queries: float32 ``[Q, d]``; L2-normalised vectors make the score the cosine similarity.
        candidates: float32 ``[N, d]`` on the same device.
        pool: relevance and languages.
        top_k: places whose languages are counted.
        max_memory_mb: bound on the memory for scores, in MiB (at least one query at a time against the whole pool).
            The candidate vectors are copied once more where the pool is not grouped by language.
        show_progress: show a progress bar.
        place_weights: float64 ``[D, top_k]``: D sets of weights of the first places, summed by language into
            ``top_exposure``.
        similarity: of `hf_hybrid.retrieval.similarity`; ``dot`` is the cosine where the vectors are L2-normalised.

    Returns:
        Counts for every (query, relevant candidate), in the pool of all languages and in that of the candidate's
        language.

    Raises:
        InputError: a vector or a score is not finite; names the query and the candidate.

    Example:
        >>> pool = Pool(np.array([0, 1]), np.array([1]), np.array([0, 0, 0]), num_languages=1)
        >>> vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
        >>> relevant_ranks(torch.tensor([[1.0, 0.0]]), vectors, pool).pool_higher.tolist()
        [2]
    """
    check_similarity(similarity)
    _check_vectors(queries, pool.query_names, "query")
    _check_vectors(candidates, pool.candidate_names, "candidate")
    if queries.shape[1] != candidates.shape[1]:
        raise ValueError(f"queries have {queries.shape[1]} dimensions, candidates {candidates.shape[1]}")
    order = np.argsort(pool.candidate_languages, kind="stable")
    in_order = (np.diff(order) == 1).all()
    columns = candidates if in_order else candidates[torch.from_numpy(order).to(candidates.device)]
    duplicates, originals = duplicate_rows(columns)

    def fill(start: int, stop: int, scores: torch.Tensor) -> None:
        similarity_scores(queries[start:stop], columns, similarity, out=scores)
        if len(duplicates):
            scores[:, duplicates] = scores[:, originals]

    return _rank(fill, len(queries), order, pool, queries.device, top_k, max_memory_mb, show_progress, place_weights)


def relevant_ranks_from_scores(
    scores: torch.Tensor,
    pool: Pool,
    *,
    top_k: int = 10,
    max_memory_mb: float = 256,
    place_weights: np.ndarray | None = None,
) -> RelevantRanks:
    """Rank the relevant candidates from given scores: float32 ``[Q, N]``. Otherwise as `relevant_ranks`.

    Example:
        >>> pool = Pool(np.array([0, 1]), np.array([1]), np.array([0, 0, 0]), num_languages=1)
        >>> ranks = relevant_ranks_from_scores(torch.tensor([[0.9, 0.5, 0.5]]), pool)
        >>> ranks.pool_higher.tolist(), ranks.pool_tied.tolist()
        ([1], [1])
    """
    order = np.argsort(pool.candidate_languages, kind="stable")
    columns = torch.from_numpy(order).to(scores.device)

    def fill(start: int, stop: int, block: torch.Tensor) -> None:
        block.copy_(scores[start:stop][:, columns])

    return _rank(fill, len(scores), order, pool, scores.device, top_k, max_memory_mb, False, place_weights)


def _rank(
    fill: Callable[[int, int, torch.Tensor], None],
    num_queries: int,
    order: np.ndarray,
    pool: Pool,
    device: torch.device,
    top_k: int,
    max_memory_mb: float,
    show_progress: bool,
    place_weights: np.ndarray | None,
) -> RelevantRanks:
    """Walk over blocks of queries. ``fill(start, stop, out)`` writes the scores of a block, columns in ``order``."""
    offsets = np.asarray(pool.relevance_offsets, dtype=np.int64)
    relevant = np.asarray(pool.relevance_candidates, dtype=np.int64)
    _check_pool(pool, offsets, relevant, num_queries, len(order), top_k)
    if place_weights is not None and (place_weights.ndim != 2 or place_weights.shape[1] != top_k):
        raise ValueError(f"place_weights must be [D, {top_k}], got {place_weights.shape}")
    column_of_candidate = np.empty(len(order), dtype=np.int64)
    column_of_candidate[order] = np.arange(len(order))
    columns = column_of_candidate[relevant]
    languages = np.asarray(pool.candidate_languages, dtype=np.int64)[relevant]
    pool_sizes = np.bincount(pool.candidate_languages, minlength=pool.num_languages)

    nnz = len(relevant)
    counts = np.zeros((4, nnz), dtype=np.int64)
    top_counts = np.zeros((num_queries, pool.num_languages))
    top_exposure = None
    if place_weights is not None:
        top_exposure = np.zeros((num_queries, len(place_weights), pool.num_languages))
    most_relevant = int(np.diff(offsets).max(initial=0))
    block_size = _block_size(len(order), (most_relevant + 1) * pool.num_languages, max_memory_mb)
    worker = ScoreBlock(
        block_size=min(block_size, max(num_queries, 1)),
        pool_sizes=pool_sizes,
        top_k=top_k,
        tie_order=None if pool.tie_order is None else np.asarray(pool.tie_order, dtype=np.int64)[order],
        device=device,
        place_weights=place_weights,
    )
    starts = range(0, num_queries, worker.block_size)
    for start in tqdm(starts, desc="Ranking", unit="block", disable=not (show_progress and is_first_rank())):
        stop = min(start + worker.block_size, num_queries)
        entries = slice(offsets[start], offsets[stop])
        scores = worker.scores[: stop - start]
        fill(start, stop, scores)
        finite = worker.rank(scores, offsets[start : stop + 1] - offsets[start], columns[entries], languages[entries])
        if not finite:
            _raise_not_finite(scores, start, order, pool)
        counts[:, entries] = worker.counts
        top_counts[start:stop] = worker.top_counts
        if top_exposure is not None:
            top_exposure[start:stop] = worker.top_exposure
    return RelevantRanks(
        offsets,
        languages,
        *counts,
        pool_sizes=pool_sizes,
        top_k=top_k,
        top_counts=top_counts,
        top_exposure=top_exposure,
    )


def _block_size(num_candidates: int, num_searches: int, max_memory_mb: float) -> int:
    """Queries per block, so that the scores, their sorted copy and the binary searches stay within the bound."""
    bytes_per_query = num_candidates * 4 * 2 + num_searches * 8 * 6
    return int(np.clip(max_memory_mb * 2**20 // bytes_per_query, 1, _LARGEST_BLOCK))


def _check_pool(
    pool: Pool, offsets: np.ndarray, relevant: np.ndarray, num_queries: int, num_candidates: int, top_k: int
) -> None:
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}")
    if num_candidates == 0:
        raise ValueError("the pool has no candidates")
    if (
        len(offsets) != num_queries + 1
        or offsets[0] != 0
        or (np.diff(offsets) < 0).any()
        or offsets[-1] != len(relevant)
    ):
        raise ValueError(
            f"relevance_offsets does not describe {num_queries} queries with {len(relevant)} relevant candidates"
        )
    if len(relevant) and (relevant.min() < 0 or relevant.max() >= num_candidates):
        raise ValueError(f"relevance_candidates names a candidate outside 0..{num_candidates - 1}")
    languages = np.asarray(pool.candidate_languages)
    if languages.min() < 0 or languages.max() >= pool.num_languages:
        raise ValueError(f"candidate_languages names a language outside 0..{pool.num_languages - 1}")
    if pool.tie_order is not None and len(pool.tie_order) != num_candidates:
        raise ValueError(f"tie_order has {len(pool.tie_order)} numbers for {num_candidates} candidates")


def _check_vectors(vectors: torch.Tensor, names: Sequence[str] | None, kind: str) -> None:
    if vectors.ndim != 2 or vectors.dtype != torch.float32:
        raise ValueError(f"{kind} vectors must be float32 of shape [n, d], got {vectors.dtype} {tuple(vectors.shape)}")
    # A sum is finite only where every term is, and needs no mask of the vectors' size; an overflowing sum is looked at
    # below.
    suspicious = torch.nonzero(~torch.isfinite(vectors.sum(dim=1))).flatten().tolist()
    for row in suspicious:
        if not torch.isfinite(vectors[row]).all():
            raise InputError(
                f"the vector of {kind} {_name(names, row)} is not finite: the encoder returned NaN or infinity; "
                "check its weights and precision (try float32)"
            )


def _raise_not_finite(scores: torch.Tensor, start: int, order: np.ndarray, pool: Pool) -> None:
    row, column = torch.nonzero(~torch.isfinite(scores))[0].tolist()
    query = _name(pool.query_names, start + row)
    candidate = _name(pool.candidate_names, int(order[column]))
    raise InputError(
        f"the score of query {query} and candidate {candidate} is {scores[row, column].item()}: scores must be "
        "finite; check the vectors or scores given"
    )


def _name(names: Sequence[str] | None, index: int) -> str:
    return f"number {index}" if names is None else repr(names[index])
