"""Model cards made of the files of a model's folder: weights, results, training mix; every figure names its file."""

from .write import CardOptions, write_model_card

__all__ = ["CardOptions", "write_model_card"]
