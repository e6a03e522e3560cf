"""What is known of the queries of a run besides what was found for them, and the checks that every configuration
shares.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError


@dataclass(frozen=True)
class QueryFacts:
    """What `hf_hybrid.evaluation.evaluate.evaluate_ranks` needs to know of a benchmark: no texts, no candidates.

    Attributes:
        name: kept in results.
        languages: L tags.
        query_ids: Q distinct names.
        query_languages: int64 ``[Q]``, index into ``languages``.
        clusters: int64 ``[Q]``, queries that are not independent share a number.
        num_candidates: size of the pool, N.
    """

    name: str
    languages: tuple[str, ...]
    query_ids: Sequence[str] = field(repr=False)
    query_languages: np.ndarray = field(repr=False)
    clusters: np.ndarray = field(repr=False)
    num_candidates: int

    @property
    def num_queries(self) -> int:
        """Number of queries, Q."""
        return len(self.query_ids)


def query_facts(
    query_ids: Sequence[str],
    query_languages: Sequence[str],
    languages: Sequence[str],
    num_candidates: int,
    clusters: Mapping[str, Any] | None,
) -> QueryFacts:
    """Check and encode what is known of the queries.

    Args:
        query_ids: one per row, distinct.
        query_languages: one per row, each among ``languages``.
        languages: L tags.
        num_candidates: size of the pool.
        clusters: query id -> name of its cluster (paragraph); by default every query is one.

    Raises:
        InputError: no query, a repeated query, a language that is not there, or a query without a cluster.
    """
    if not query_ids:
        raise InputError("there are no queries: add rows before calling compute")
    seen: set[str] = set()
    code = {tag: number for number, tag in enumerate(languages)}
    for query, language in zip(query_ids, query_languages, strict=True):
        if query in seen:
            raise InputError(
                f"query {query!r} occurs twice: give every query one row (samplers that pad uneven shards repeat "
                "queries)"
            )
        seen.add(query)
        if language not in code:
            raise InputError(f"query {query!r}: language {language!r} is not among the languages {', '.join(code)}")
    return QueryFacts(
        name="hybrid_xlir_map",
        languages=tuple(languages),
        query_ids=query_ids,
        query_languages=np.array([code[language] for language in query_languages], dtype=np.int64),
        clusters=_cluster_numbers(query_ids, clusters),
        num_candidates=num_candidates,
    )


def check_cutoff(k: Any) -> int:
    """The cutoff of recall, nDCG and of the languages at the top.

    Raises:
        InputError: not an integer of at least 1.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise InputError(f"k must be an integer of at least 1, got {k!r}")
    return int(k)


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Check an option against its values.

    Raises:
        InputError: it has none of them.
    """
    if value not in choices:
        raise InputError(f"{name} is {value!r}: choose one of {', '.join(choices)}")


def relevant_ids(query_ids: Sequence[str], relevance: Any, known: Mapping[str, int]) -> list[list[str]]:
    """The relevant candidates of each query.

    Args:
        query_ids: Q names.
        relevance: query id -> ids of all relevant candidates, retrieved or not, or a mapping of judged candidates to
            grades, of which those above 0 are relevant, as for trec_eval's binary measures; queries without a row are
            not looked at.
        known: candidate id -> its number.

    Raises:
        InputError: a query has no relevant candidate, names one twice, or names one that is not in the pool.
    """
    if not isinstance(relevance, Mapping):
        raise InputError(
            f"relevance must map query ids to lists of candidate ids, got {type(relevance).__name__}: pass a dict"
        )
    found = []
    for query in query_ids:
        ids = relevance.get(query)
        if isinstance(ids, str):
            raise InputError(f"relevance of query {query!r} is a string: pass a list of candidate ids")
        ids = _of_grades(query, ids) if isinstance(ids, Mapping) else [] if ids is None else list(ids)
        if not ids:
            raise InputError(f"query {query!r} has no relevant candidate: add one to relevance or leave the query out")
        for candidate in ids:
            if candidate not in known:
                raise InputError(f"query {query!r}: relevant candidate {candidate!r} is not in the pool")
        if len(set(ids)) != len(ids):
            raise InputError(f"query {query!r} names a relevant candidate twice: name it once")
        found.append(ids)
    return found


def _of_grades(query: str, grades: Mapping[str, Any]) -> list[str]:
    """The candidates of a grade above 0."""
    for candidate, grade in grades.items():
        is_number = isinstance(grade, int | float | np.integer | np.floating | np.bool_)
        if not is_number or not np.isfinite(float(grade)):
            raise InputError(
                f"query {query!r}: the grade of candidate {candidate!r} is {grade!r}: give a number; above 0 is "
                "relevant"
            )
    return [candidate for candidate, grade in grades.items() if grade > 0]


def check_language_tag(candidate: str, language: Any) -> None:
    """Every candidate has a language.

    Raises:
        InputError: it has none.
    """
    if not isinstance(language, str) or not language.strip():
        raise InputError(f"candidate {candidate!r} has no language: got {language!r}")


@contextmanager
def unknown_means_are_nan() -> Iterator[None]:
    """Silence numpy where the languages at the top are unknown for every query: their means then do not exist
    either.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        yield


def _cluster_numbers(query_ids: Sequence[str], clusters: Mapping[str, Any] | None) -> np.ndarray:
    if clusters is None:
        return np.arange(len(query_ids))
    if not isinstance(clusters, Mapping):
        raise InputError(f"clusters must map query ids to cluster names, got {type(clusters).__name__}: pass a dict")
    absent = next((query for query in query_ids if query not in clusters), None)
    if absent is not None:
        raise InputError(f"query {absent!r} has no cluster: name one for every query or leave clusters out")
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(clusters[query], len(numbers)) for query in query_ids], dtype=np.int64)
