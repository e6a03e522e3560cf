"""From the first candidates of every query with their scores: what an index or a search engine returns.

A relevant candidate that is not listed counts as not found, as in trec_eval: it adds nothing to average precision,
recall and nDCG, whose denominators still count it. Where every relevant candidate is listed, these are the values of
the full ranking; otherwise they are lower bounds, and measures that need each relevant candidate's rank (rank distance
and the like) are left out.

Within a language the ranking is the list without the other languages: the ranks of those listed are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.metric.not_retrieved import evaluate_found
from hf_hybrid.metric.query_facts import (
    QueryFacts,
    check_choice,
    check_cutoff,
    check_language_tag,
    query_facts,
    relevant_ids,
    unknown_means_are_nan,
)
from hf_hybrid.metrics import place_weights

if TYPE_CHECKING:
    from hf_hybrid.evaluation.measured import Evaluation
    from hf_hybrid.retrieval.ranks import RelevantRanks


def evaluate_top_k_rows(
    query_id: Sequence[str],
    query_language: Sequence[str],
    candidate_ids: Sequence[Sequence[str]],
    scores: Sequence[Sequence[float]],
    *,
    candidate_languages: Mapping[str, str],
    relevance: Mapping[str, Sequence[str] | Mapping[str, float]],
    pool_sizes: Mapping[str, int] | None = None,
    k: int = 10,
    ties: str = "expected",
    clusters: Mapping[str, Any] | None = None,
) -> tuple[Evaluation, list[str]]:
    """Measure a run that lists the first candidates of the pool of all languages; Q rows, one per query.

    Args:
        query_id: ``[Q]`` distinct names.
        query_language: ``[Q]`` tags.
        candidate_ids: ``[Q][K_q]``, in any order: the scores order them.
        scores: ``[Q][K_q]``, finite, higher is better.
        candidate_languages: candidate id -> language, for at least the listed and the relevant candidates.
        relevance: query id -> ids of *all* relevant candidates, listed or not: their number is the denominator; or
            candidate id -> grade: above 0 is relevant.
        pool_sizes: language -> number of candidates in the pool; by default those of ``candidate_languages``, which
            must then hold the whole pool.
        k: cutoff of recall, nDCG and of the languages at the top.
        ties: ``expected``: mean over the orders of equal scores; ``trec``: by candidate id, descending, as trec_eval
            does.
        clusters: query id -> cluster, for tests over clusters.

    Returns:
        The measures; notes on what is left out.

    Raises:
        InputError: names the query and the candidate.

    Example:
        >>> evaluation, notes = evaluate_top_k_rows(
        ...     ["q1"], ["de"], [["d1", "e1"]], [[0.9, 0.8]],
        ...     candidate_languages={"d1": "de", "d2": "de", "e1": "en"}, relevance={"q1": ["d1", "d2"]}, k=2)
        >>> evaluation.mul  # one of two found, at the top
        0.5
    """
    k = check_cutoff(k)
    check_choice("ties", ties, ("expected", "trec"))
    languages, sizes = _languages(query_language, candidate_languages, pool_sizes)
    facts = query_facts(query_id, query_language, languages, int(sizes.sum()), clusters)
    run = _Run.of(facts, candidate_ids, scores, candidate_languages, ties)
    wanted = relevant_ids(query_id, relevance, run.number)
    ranks, found_counts, wanted_cells = run.relevant_ranks(facts, wanted, sizes, k)
    short = int(np.isnan(ranks.top_counts[:, 0]).sum())
    notes = (
        [f"{short:,} queries list fewer than {k} candidates and are left out of the languages at the top"]
        if short
        else []
    )
    with unknown_means_are_nan():
        if (found_counts == wanted_cells.sum(axis=1)).all():
            from hf_hybrid.evaluation.evaluate import evaluate_ranks

            return evaluate_ranks(ranks, facts), notes
        evaluation, left_out = evaluate_found(ranks, facts, wanted_cells)
    return evaluation, [left_out, *notes]


def _languages(
    query_language: Sequence[str], candidate_languages: Any, pool_sizes: Mapping[str, int] | None
) -> tuple[tuple[str, ...], np.ndarray]:
    if not isinstance(candidate_languages, Mapping) or not candidate_languages:
        raise InputError("candidate_languages must map candidate ids to languages: pass a dict that is not empty")
    listed: dict[str, int] = {}
    for candidate, tag in candidate_languages.items():
        check_language_tag(candidate, tag)
        listed[tag] = listed.get(tag, 0) + 1
    sizes = dict(listed if pool_sizes is None else pool_sizes)
    for tag, number in listed.items():
        if sizes.get(tag, 0) < number:
            raise InputError(
                f"pool_sizes has {sizes.get(tag, 0)} candidates of {tag!r}, candidate_languages {number}: give the "
                "size of the whole pool"
            )
    tags = tuple(sorted(set(sizes) | set(query_language)))
    return tags, np.array([sizes.get(tag, 0) for tag in tags], dtype=np.int64)


@dataclass(frozen=True)
class _Run:
    """The listed candidates of all queries, sorted by query and then from the first place down.

    Attributes:
        number: candidate id -> number.
        language_of_number: int64.
        rows, candidates, places: int64 ``[n]``, query, candidate and place from 0 of each listed candidate.
        groups: int64 ``[n]``, equal for candidates of a query that share a score.
        higher, tied, language_higher, language_tied: int64 ``[n]``, listed candidates above and beside it.
    """

    number: dict[str, int]
    language_of_number: np.ndarray
    rows: np.ndarray
    candidates: np.ndarray
    places: np.ndarray
    groups: np.ndarray
    higher: np.ndarray
    tied: np.ndarray
    language_higher: np.ndarray
    language_tied: np.ndarray

    @classmethod
    def of(
        cls,
        facts: QueryFacts,
        candidate_ids: Sequence[Sequence[str]],
        scores: Sequence[Sequence[float]],
        candidate_languages: Mapping[str, str],
        ties: str,
    ) -> _Run:
        number = {candidate: index for index, candidate in enumerate(candidate_languages)}
        code = {tag: index for index, tag in enumerate(facts.languages)}
        language_of_number = np.array([code[tag] for tag in candidate_languages.values()], dtype=np.int64)
        counts = _checked_counts(facts, candidate_ids, scores, number)
        rows = np.repeat(np.arange(facts.num_queries), counts)
        candidates = np.array([number[candidate] for candidate in chain.from_iterable(candidate_ids)], dtype=np.int64)
        values = np.fromiter(chain.from_iterable(scores), dtype=np.float64, count=len(rows))
        names = list(number)
        _check_listed(facts, rows, candidates, values, names)

        if ties == "trec":
            from hf_hybrid.retrieval.ranks import trec_order

            order = np.lexsort((trec_order(names)[candidates], -values, rows))
            values = -np.arange(len(values), dtype=np.float64)  # nothing is tied any more
        else:
            order = np.lexsort((-values, rows))
            values = values[order]
        rows, candidates = rows[order], candidates[order]
        groups = np.cumsum((np.diff(rows, prepend=-1) != 0) | (np.diff(values, prepend=np.inf) != 0)) - 1
        higher, tied = _places(rows, groups)
        # Within a language: the same order without the other languages.
        cells = rows * len(facts.languages) + language_of_number[candidates]
        by_cell = np.argsort(cells, kind="stable")
        inside = np.stack(_places(cells[by_cell], groups[by_cell]))[:, np.argsort(by_cell)]
        starts = np.cumsum(counts) - counts
        places = np.arange(len(rows)) - starts[rows]
        return cls(number, language_of_number, rows, candidates, places, groups, higher, tied, *inside)

    def relevant_ranks(
        self, facts: QueryFacts, wanted: list[list[str]], sizes: np.ndarray, k: int
    ) -> tuple[RelevantRanks, np.ndarray, np.ndarray]:
        """Ranks of the relevant candidates that are listed, their number per query ``[Q]``, and all relevant ones
        ``[Q, L]``.
        """
        from hf_hybrid.retrieval.ranks import RelevantRanks

        num_languages = len(sizes)
        wanted_counts = [len(ids) for ids in wanted]
        wanted_rows = np.repeat(np.arange(len(wanted)), wanted_counts)
        wanted_numbers = np.array([self.number[name] for name in chain.from_iterable(wanted)], dtype=np.int64)
        listed_keys = self.rows * len(self.number) + self.candidates
        entries = np.flatnonzero(np.isin(listed_keys, wanted_rows * len(self.number) + wanted_numbers))
        found_counts = np.bincount(self.rows[entries], minlength=len(wanted))
        cells = wanted_rows * num_languages + self.language_of_number[wanted_numbers]
        wanted_cells = np.bincount(cells, minlength=len(wanted) * num_languages).reshape(len(wanted), num_languages)
        of_top = self._weight_by_language(np.vstack([np.ones(k), place_weights(k)]), len(wanted), sizes)
        ranks = RelevantRanks(
            offsets=np.concatenate([[0], np.cumsum(found_counts)]),
            languages=self.language_of_number[self.candidates[entries]],
            pool_higher=self.higher[entries],
            pool_tied=self.tied[entries],
            language_higher=self.language_higher[entries],
            language_tied=self.language_tied[entries],
            pool_sizes=sizes,
            top_k=k,
            top_counts=of_top[:, 0],
            top_exposure=of_top[:, 1:],
        )
        return ranks, found_counts, wanted_cells

    def _weight_by_language(self, weights: np.ndarray, num_queries: int, sizes: np.ndarray) -> np.ndarray:
        """Weight of the first places that falls to each language, float64 ``[Q, D, L]``; NaN where fewer places are
        listed.

        Places that share a score share the mean of their weights.
        """
        k = weights.shape[1]
        group_sizes = np.bincount(self.groups)
        cells = self.rows * len(sizes) + self.language_of_number[self.candidates]
        found = np.empty((num_queries, len(weights), len(sizes)))
        for index, weight in enumerate(weights):
            of_place = np.append(weight, 0.0)[np.minimum(self.places, k)]
            mean = (np.bincount(self.groups, weights=of_place) / group_sizes)[self.groups]
            found[:, index] = np.bincount(cells, weights=mean, minlength=num_queries * len(sizes)).reshape(
                num_queries, -1
            )
        found[np.bincount(self.rows, minlength=num_queries) < min(k, int(sizes.sum()))] = np.nan
        return found


def _places(segments: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Candidates above and beside each, int64 ``[n]`` twice, where segments and their groups lie together in order."""
    index = np.arange(len(segments))
    new_segment = np.diff(segments, prepend=-1) != 0
    new_group = new_segment | (np.diff(groups, prepend=-1) != 0)
    group_starts = np.flatnonzero(new_group)
    group = np.cumsum(new_group) - 1
    segment_start = np.flatnonzero(new_segment)[np.cumsum(new_segment) - 1]
    size = np.diff(group_starts, append=len(index))
    return group_starts[group] - segment_start, size[group] - 1


def _checked_counts(
    facts: QueryFacts,
    candidate_ids: Sequence[Sequence[str]],
    scores: Sequence[Sequence[float]],
    number: Mapping[str, int],
) -> list[int]:
    counts = []
    for query, ids, values in zip(facts.query_ids, candidate_ids, scores, strict=True):
        if len(ids) != len(values):
            raise InputError(
                f"query {query!r} has {len(ids)} candidate_ids and {len(values)} scores: give each a score"
            )
        absent = next((candidate for candidate in ids if candidate not in number), None)
        if absent is not None:
            raise InputError(
                f"query {query!r}: candidate {absent!r} is not in the pool: add it to candidate_languages or correct "
                "the id"
            )
        counts.append(len(ids))
    return counts


def _check_listed(
    facts: QueryFacts, rows: np.ndarray, candidates: np.ndarray, scores: np.ndarray, names: Sequence[str]
) -> None:
    def refuse(mask: np.ndarray, say: Callable[[int], str]) -> None:
        if mask.any():
            entry = int(np.argmax(mask))
            raise InputError(f"query {facts.query_ids[rows[entry]]!r}: {say(entry)}")

    refuse(
        ~np.isfinite(scores),
        lambda entry: f"the score of candidate {names[candidates[entry]]!r} is {scores[entry]}: scores must be finite",
    )
    order = np.lexsort((candidates, rows))
    repeated = np.zeros(len(rows), dtype=bool)
    repeated[order[1:]] = (np.diff(rows[order]) == 0) & (np.diff(candidates[order]) == 0)
    refuse(repeated, lambda entry: f"candidate {names[candidates[entry]]!r} is listed twice: list it once")
