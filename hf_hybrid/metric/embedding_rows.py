"""From vectors: the queries as rows, the pool as keywords, for a column of `evaluate` cannot have another length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.metric.query_facts import check_choice, check_cutoff, check_language_tag, query_facts, relevant_ids

if TYPE_CHECKING:
    import torch

    from hf_hybrid.evaluation.measured import Evaluation


def evaluate_embedding_rows(
    query_id: Sequence[str],
    query_language: Sequence[str],
    embedding: Sequence[Sequence[float]],
    *,
    candidate_ids: Sequence[str],
    candidate_embeddings: Any,
    candidate_languages: Sequence[str],
    relevance: Mapping[str, Sequence[str] | Mapping[str, float]],
    similarity: str = "cosine",
    k: int = 10,
    ties: str = "expected",
    clusters: Mapping[str, Any] | None = None,
    max_memory_mb: float = 256,
) -> tuple[Evaluation, list[str]]:
    """Search the pool exactly and measure everything; Q rows, one per query, and N candidates.

    Args:
        query_id: ``[Q]`` distinct names.
        query_language: ``[Q]`` tags.
        embedding: float ``[Q, d]``.
        candidate_ids: ``[N]`` distinct names.
        candidate_embeddings: float ``[N, d]``: an array, a tensor or lists.
        candidate_languages: ``[N]`` tags, in the order of ``candidate_ids``.
        relevance: query id -> ids of all relevant candidates, or candidate id -> grade: above 0 is relevant.
        similarity: ``cosine`` or ``dot``.
        k: cutoff of recall, nDCG and of the languages at the top.
        ties: ``expected``: mean over the orders of equal scores; ``trec``: by candidate id, descending, as trec_eval
            does.
        clusters: query id -> cluster, for tests over clusters.
        max_memory_mb: bound on the memory for scores, in MiB.

    Returns:
        All measures; no notes.

    Raises:
        InputError: names the query or candidate.

    Example:
        >>> evaluation, _ = evaluate_embedding_rows(
        ...     ["q1"], ["de"], [[1.0, 0.0]], candidate_ids=["d1", "e1"], candidate_embeddings=[[0.0, 1.0], [1.0,
            1.0]],
        ...     candidate_languages=["de", "en"], relevance={"q1": ["d1"]})
        >>> evaluation.mul
        0.5
    """
    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.evaluation.evaluate import evaluate_embeddings

    k = check_cutoff(k)
    check_choice("similarity", similarity, ("cosine", "dot"))
    check_choice("ties", ties, ("expected", "trec"))
    number = _candidate_numbers(candidate_ids, candidate_languages)
    languages = tuple(sorted({*candidate_languages, *query_language}))
    facts = query_facts(query_id, query_language, languages, len(number), clusters)
    wanted = relevant_ids(query_id, relevance, number)
    queries = _query_vectors(query_id, embedding, similarity)
    candidates = _vectors("candidate_embeddings", candidate_embeddings, similarity)
    if len(candidates) != len(number):
        raise InputError(
            f"candidate_embeddings has {len(candidates)} rows for {len(number)} candidate_ids: give one vector per "
            "id, in their order"
        )
    if candidates.shape[1] != queries.shape[1]:
        raise InputError(
            f"query embeddings have {queries.shape[1]} dimensions, candidate_embeddings {candidates.shape[1]}: use "
            "one encoder"
        )
    code = {tag: index for index, tag in enumerate(languages)}
    benchmark = Benchmark(
        name=facts.name,
        languages=languages,
        query_ids=facts.query_ids,
        queries=facts.query_ids,  # there are no texts here, and nothing reads them
        query_languages=facts.query_languages,
        query_examples=np.arange(facts.num_queries),
        candidate_ids=list(number),
        candidates=list(number),
        candidate_languages=np.array([code[tag] for tag in candidate_languages]),
        relevance_offsets=np.concatenate([[0], np.cumsum([len(ids) for ids in wanted])]),
        relevance_candidates=np.array([number[name] for name in chain.from_iterable(wanted)]),
        clusters=facts.clusters,
        data_sha256="not computed",
    )
    return evaluate_embeddings(queries, candidates, benchmark, ties=ties, k=k, max_memory_mb=max_memory_mb), []


def _candidate_numbers(candidate_ids: Sequence[str], candidate_languages: Sequence[str]) -> dict[str, int]:
    for name, values in (("candidate_ids", candidate_ids), ("candidate_languages", candidate_languages)):
        if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__len__") or not len(values):
            raise InputError(
                f"{name} must be a list of strings with one entry per candidate, got {type(values).__name__}"
            )
    if len(candidate_ids) != len(candidate_languages):
        raise InputError(
            f"there are {len(candidate_ids)} candidate_ids and {len(candidate_languages)} candidate_languages: give "
            "each one language"
        )
    number: dict[str, int] = {}
    for candidate, language in zip(candidate_ids, candidate_languages, strict=True):
        if not isinstance(candidate, str) or not candidate.strip():
            raise InputError(f"candidate_ids: expected strings that are not empty, got {candidate!r}")
        check_language_tag(candidate, language)
        if candidate in number:
            raise InputError(f"candidate {candidate!r} occurs twice in candidate_ids: make ids unique")
        number[candidate] = len(number)
    return number


def _query_vectors(query_ids: Sequence[str], rows: Sequence[Sequence[float]], similarity: str) -> torch.Tensor:
    for query, row in zip(query_ids, rows, strict=True):
        if len(row) != len(rows[0]) or not len(row):
            raise InputError(
                f"the embedding of query {query!r} has {len(row)} dimensions, that of {query_ids[0]!r} "
                f"{len(rows[0])}: use one encoder"
            )
    return _vectors("embedding", rows, similarity)


def _vectors(name: str, values: Any, similarity: str) -> torch.Tensor:
    """float32 ``[n, d]`` on the CPU, of unit length for cosine similarity."""
    import torch
    from torch.nn.functional import normalize

    if not isinstance(values, torch.Tensor):
        try:
            values = np.asarray(values, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{name} must be numbers of shape [n, d]: rows differ in length or are no numbers"
            ) from error
        values = torch.from_numpy(values)
    if values.ndim != 2:
        raise InputError(f"{name} must have the shape [n, d], got {list(values.shape)}")
    values = values.detach().to("cpu", torch.float32)
    return normalize(values, dim=1) if similarity == "cosine" else values
