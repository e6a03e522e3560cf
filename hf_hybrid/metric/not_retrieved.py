"""Measures of a run in which some relevant candidates were not retrieved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hf_hybrid.evaluation.measured import Evaluation, kept_values, measured_values
from hf_hybrid.metrics import (
    LanguageBias,
    LanguageScores,
    Peer,
    RankDistance,
    TieGroups,
    language_scores,
    own_language_share,
    top_languages,
)

if TYPE_CHECKING:
    from hf_hybrid.metric.query_facts import QueryFacts
    from hf_hybrid.retrieval.ranks import RelevantRanks


def evaluate_found(ranks: RelevantRanks, facts: QueryFacts, wanted: np.ndarray) -> tuple[Evaluation, str]:
    """Measure what can be measured where relevant candidates are missing.

    Args:
        ranks: of the relevant candidates that were retrieved.
        facts: the queries.
        wanted: int64 ``[Q, L]``, number of *all* relevant candidates of each query in each language.

    Returns:
        Average precision, recall, reciprocal rank and nDCG with missing candidates as not found, and the languages at
        the top; a note that names what is left out, which is NaN.
    """
    k, num_languages = ranks.top_k, len(facts.languages)
    # A group's terms are those of the candidates found; the denominators count all.
    in_pool = replace(
        TieGroups.from_ranks(ranks.offsets, ranks.pool_higher, ranks.pool_tied), num_relevant=wanted.sum(axis=1)
    )
    by_language = replace(TieGroups.from_ranks(*ranks.by_language()), num_relevant=wanted.ravel())
    values = measured_values(by_language, in_pool, num_languages, k)
    languages = facts.query_languages
    evaluation = Evaluation(
        benchmark=facts.name,
        languages=facts.languages,
        measures={name: language_scores(*pair, languages) for name, pair in values.items()},
        rank_distance=_no_distance(num_languages),
        language_share=own_language_share(ranks.top_counts, languages, ranks.pool_sizes, k),
        bias=_bias_of_top(ranks, languages),
        per_query=kept_values(values, k),
        seconds={},
        settings={"k": k},
    )
    found, total = len(ranks.languages), int(wanted.sum())
    note = (
        f"{found:,} of {total:,} relevant candidates are listed; the others count as not found, so these are lower "
        "bounds, and rank distance, Max@R, one-target average precision, rank shift, Kendall's W and PEER, which need "
        "all ranks, are left out"
    )
    return evaluation, note


def _bias_of_top(ranks: RelevantRanks, query_languages: np.ndarray) -> LanguageBias:
    num_languages = len(ranks.pool_sizes)
    absent = LanguageScores(np.full((num_languages, num_languages), np.nan), np.full(num_languages, np.nan))
    reason = "not all relevant candidates were retrieved"
    return LanguageBias(
        top=top_languages(ranks.top_counts, ranks.top_exposure, query_languages, ranks.pool_sizes, ranks.top_k),
        one_target=absent,
        rank_shift=absent,
        friedman=(None,) * num_languages,
        friedman_clusters=(None,) * num_languages,
        friedman_reason=reason,
        peer=Peer(None, 0, reason, np.full(len(query_languages), np.nan)),
        max_rank=_no_distance(num_languages),
        per_query={},
    )


def _no_distance(num_languages: int) -> RankDistance:
    return RankDistance(np.nan, np.nan, np.nan, np.full(num_languages, np.nan))
