"""Model cards made of the files of a model's folder: weights, results, training mix; every figure names its file."""

from hf_hybrid.publishing.cards.write import CardOptions, write_model_card

__all__ = ["CardOptions", "write_model_card"]
