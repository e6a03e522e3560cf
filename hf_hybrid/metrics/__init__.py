"""Metrics as pure functions of the ranks of relevant candidates, and of answers; nothing here knows of models."""

from hf_hybrid.metrics.average_precision import average_precision
from hf_hybrid.metrics.bias import (
    LanguageShare,
    RankDistance,
    max_rank,
    own_language_share,
    rank_distance,
    summarise_rank_distance,
)
from hf_hybrid.metrics.cutoff import ndcg_at_k, recall_at_k, reciprocal_rank
from hf_hybrid.metrics.exposure import (
    TopLanguages,
    awrf,
    awrf_min_max,
    jensen_shannon_divergence,
    place_weights,
    top_languages,
)
from hf_hybrid.metrics.language_bias import LanguageBias, language_bias
from hf_hybrid.metrics.language_matrix import LanguageScores, language_scores, mean_by_language
from hf_hybrid.metrics.one_target import gold_rank_shift, one_target_average_precision, one_target_counts
from hf_hybrid.metrics.parallel_ranks import Friedman, cluster_blocks, friedman, within_query_ranks
from hf_hybrid.metrics.peer import Peer, peer
from hf_hybrid.metrics.tie_groups import TieGroups

__all__ = [
    "Friedman",
    "LanguageBias",
    "LanguageScores",
    "LanguageShare",
    "Peer",
    "RankDistance",
    "TieGroups",
    "TopLanguages",
    "average_precision",
    "awrf",
    "awrf_min_max",
    "cluster_blocks",
    "friedman",
    "gold_rank_shift",
    "jensen_shannon_divergence",
    "language_bias",
    "language_scores",
    "max_rank",
    "mean_by_language",
    "ndcg_at_k",
    "one_target_average_precision",
    "one_target_counts",
    "own_language_share",
    "peer",
    "place_weights",
    "rank_distance",
    "recall_at_k",
    "reciprocal_rank",
    "summarise_rank_distance",
    "top_languages",
    "within_query_ranks",
]
