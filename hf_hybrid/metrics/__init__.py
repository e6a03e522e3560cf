"""Metrics as pure functions of the ranks of relevant candidates; nothing here knows of models or texts."""

from .average_precision import average_precision
from .bias import (
    LanguageShare,
    RankDistance,
    own_language_share,
    rank_distance,
    summarise_rank_distance,
)
from .cutoff import ndcg_at_k, recall_at_k, reciprocal_rank
from .language_matrix import LanguageScores, language_scores, mean_by_language
from .tie_groups import TieGroups

__all__ = [
    "LanguageScores",
    "LanguageShare",
    "RankDistance",
    "TieGroups",
    "average_precision",
    "language_scores",
    "mean_by_language",
    "ndcg_at_k",
    "own_language_share",
    "rank_distance",
    "recall_at_k",
    "reciprocal_rank",
    "summarise_rank_distance",
]
