"""Losses: the protocol that training asks for, a batch's vectors over all ranks, one InfoNCE core, and the default
loss.
"""

from hf_hybrid.losses.batch import BatchVectors, RankVectors, embed
from hf_hybrid.losses.contrastive import Candidates, contrastive_loss, info_nce
from hf_hybrid.losses.hybrid_loss import HybridContrastiveLoss, batch_info_nce
from hf_hybrid.losses.parallel_ranking import ParallelRankingLoss
from hf_hybrid.losses.protocol import TrainingLoss
from hf_hybrid.losses.teacher import teacher_similarity

__all__ = [
    "BatchVectors",
    "Candidates",
    "HybridContrastiveLoss",
    "ParallelRankingLoss",
    "RankVectors",
    "TrainingLoss",
    "batch_info_nce",
    "contrastive_loss",
    "embed",
    "info_nce",
    "teacher_similarity",
]
