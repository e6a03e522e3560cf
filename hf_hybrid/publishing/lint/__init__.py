"""An own check of dataset, model and Space cards, without a network: `hf-hybrid lint`."""

from hf_hybrid.publishing.lint.card import Finding
from hf_hybrid.publishing.lint.lint import lint_cards, lint_folder

__all__ = ["Finding", "lint_cards", "lint_folder"]
