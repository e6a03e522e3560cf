"""From given ranks of all relevant candidates: nothing of the candidates themselves is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.metric.query_facts import QueryFacts, check_cutoff, query_facts, unknown_means_are_nan

if TYPE_CHECKING:
    from hf_hybrid.evaluation.measured import Evaluation


def evaluate_rank_rows(
    query_id: Sequence[str],
    query_language: Sequence[str],
    candidate_languages: Sequence[Sequence[str]],
    pool_ranks: Sequence[Sequence[int]],
    language_ranks: Sequence[Sequence[int]],
    *,
    pool_sizes: Mapping[str, int],
    k: int = 10,
    clusters: Mapping[str, Any] | None = None,
) -> tuple[Evaluation, list[str]]:
    """Measure a run from where its relevant candidates stand in the full ranking; Q rows, one per query.

    Args:
        query_id: ``[Q]`` distinct names.
        query_language: ``[Q]`` tags.
        candidate_languages: ``[Q][R_q]``, language of each of the query's relevant candidates: all of them, in any
            order.
        pool_ranks: ``[Q][R_q]``, their ranks, from 1, in the pool of all languages. Ties must be resolved: no two
            ranks are equal.
        language_ranks: ``[Q][R_q]``, their ranks, from 1, among the candidates of their own language.
        pool_sizes: language -> number of candidates; its keys are the languages, those of queries included.
        k: cutoff of recall and nDCG.
        clusters: query id -> cluster, for tests over clusters.

    Returns:
        All measures but those of the languages at the top, which ranks of relevant candidates do not tell; notes on
        what is left out.

    Raises:
        InputError: ranks that cannot come from one ranking of such a pool; names the query.

    Example:
        >>> evaluation, _ = evaluate_rank_rows(
        ...     ["q1"], ["de"], [["de", "en"]], [[1, 4]], [[1, 2]], pool_sizes={"de": 5, "en": 5})
        >>> evaluation.mo, evaluation.cr, evaluation.mul
        (1.0, 0.5, 0.75)
    """
    from hf_hybrid.evaluation.evaluate import evaluate_ranks
    from hf_hybrid.retrieval.ranks import RelevantRanks

    k = check_cutoff(k)
    sizes = _checked_sizes(pool_sizes)
    facts = query_facts(query_id, query_language, tuple(sizes), sum(sizes.values()), clusters)
    code = {tag: number for number, tag in enumerate(sizes)}
    for row, query in enumerate(query_id):
        _check_lengths(query, candidate_languages[row], pool_ranks[row], language_ranks[row])
        absent = next((tag for tag in candidate_languages[row] if tag not in code), None)
        if absent is not None:
            raise InputError(f"query {query!r}: candidate language {absent!r} is not in pool_sizes: add it there")
    counts = [len(ranks) for ranks in pool_ranks]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    languages = np.array([code[tag] for tag in chain.from_iterable(candidate_languages)], dtype=np.int64)
    in_pool = np.fromiter(chain.from_iterable(pool_ranks), dtype=np.int64, count=int(offsets[-1]))
    in_language = np.fromiter(chain.from_iterable(language_ranks), dtype=np.int64, count=int(offsets[-1]))
    row_of_entry = np.repeat(np.arange(len(counts)), counts)
    _check_ranks(facts, np.array(list(sizes.values())), row_of_entry, languages, in_pool, in_language)

    unknown = np.zeros_like(in_pool)
    ranks = RelevantRanks(
        offsets=offsets,
        languages=languages,
        pool_higher=in_pool - 1,
        pool_tied=unknown,
        language_higher=in_language - 1,
        language_tied=unknown,
        pool_sizes=np.array(list(sizes.values())),
        top_k=k,
        top_counts=np.full((len(counts), len(sizes)), np.nan),
    )
    with unknown_means_are_nan():
        evaluation = evaluate_ranks(ranks, facts)
    return evaluation, [
        "language share, divergence and AWRF are left out: ranks of relevant candidates do not tell which languages "
        "are at the top"
    ]


def _checked_sizes(pool_sizes: Any) -> dict[str, int]:
    if not isinstance(pool_sizes, Mapping) or not pool_sizes:
        raise InputError(
            "pool_sizes must map every language to its number of candidates, like {'de': 1276, 'en': 1180}"
        )
    for tag, size in pool_sizes.items():
        if not isinstance(tag, str) or isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise InputError(
                f"pool_sizes[{tag!r}] is {size!r}: expected a language tag and a number of candidates, 0 or more"
            )
    return {tag: int(pool_sizes[tag]) for tag in sorted(pool_sizes)}


def _check_lengths(query: str, languages: Sequence[str], pool: Sequence[int], own: Sequence[int]) -> None:
    if not len(languages) == len(pool) == len(own):
        raise InputError(
            f"query {query!r} has {len(languages)} candidate_languages, {len(pool)} pool_ranks and {len(own)} "
            "language_ranks: give each relevant candidate all three"
        )
    if len(pool) == 0:
        raise InputError(f"query {query!r} has no relevant candidate: leave the query out")


def _check_ranks(
    facts: QueryFacts,
    sizes: np.ndarray,
    rows: np.ndarray,
    languages: np.ndarray,
    in_pool: np.ndarray,
    in_language: np.ndarray,
) -> None:
    total = facts.num_candidates

    def refuse(entry: int, problem: str) -> None:
        raise InputError(f"query {facts.query_ids[rows[entry]]!r}: {problem}")

    def first(mask: np.ndarray) -> int | None:
        return int(np.argmax(mask)) if mask.any() else None

    for name, ranks, limit in (
        ("pool rank", in_pool, np.full(len(rows), total)),
        ("language rank", in_language, sizes[languages]),
    ):
        entry = first((ranks < 1) | (ranks > limit))
        if entry is not None:
            refuse(entry, f"{name} {ranks[entry]} is not in 1..{limit[entry]}: ranks start at 1 and end with the pool")
    others_above = in_pool - in_language
    entry = first((others_above < 0) | (others_above > total - sizes[languages]))
    if entry is not None:
        refuse(
            entry,
            f"pool rank {in_pool[entry]} does not go with language rank {in_language[entry]}: "
            f"{others_above[entry]} of {total - sizes[languages[entry]]} candidates of other languages would stand "
            "above",
        )
    # Sorted by place in the pool, ranks rise, and so do those of each language.
    for name, ranks, segment in (
        ("pool ranks", in_pool, rows),
        ("language ranks", in_language, rows * len(sizes) + languages),
    ):
        order = np.lexsort((in_pool, segment))
        same = np.diff(segment[order]) == 0
        entry = first(same & (np.diff(ranks[order]) <= 0))
        if entry is not None:
            refuse(
                int(order[entry + 1]),
                f"{name} {ranks[order[entry]]} and {ranks[order[entry + 1]]} cannot both stand in one ranking: "
                "equal ranks must be resolved, and both kinds of rank must agree",
            )
