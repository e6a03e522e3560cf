"""Losses: one InfoNCE core, a gradient-correct gather, and the module that training calls."""

from hf_hybrid.losses.contrastive import Candidates, contrastive_loss, info_nce
from hf_hybrid.losses.hybrid_loss import HybridContrastiveLoss

__all__ = ["Candidates", "HybridContrastiveLoss", "contrastive_loss", "info_nce"]
