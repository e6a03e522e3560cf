"""An own check of dataset, model and Space cards, without a network: `hf-hybrid lint`."""

from .card import Finding
from .lint import lint_cards, lint_folder

__all__ = ["Finding", "lint_cards", "lint_folder"]
