"""Which of a model's prompts goes before a query and before a passage, as sentence-transformers decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Names under which sentence-transformers looks for a prompt, in its own order; the first that exists counts, empty or
# not.
PROMPT_NAMES = {"query": ("query",), "passage": ("document", "passage", "corpus")}


def check_kind(kind: str) -> None:
    """Refuse what is neither a query nor a passage."""
    if kind not in PROMPT_NAMES:
        raise InputError(f"kind is {kind!r}: choose query or passage")


def saved_prompt(prompts: Mapping[str, str | None], kind: str, default_name: str | None = None) -> str | None:
    """The prompt saved with a model for a query or a passage, or None.

    Args:
        prompts: The model's, by name.
        kind: `query` or `passage`.
        default_name: Of the prompt that the model applies where none is named after the kind.

    Example:
        >>> saved_prompt({"passage": "Text: "}, "passage"), saved_prompt({"all": "Text: "}, "query", "all")
        ('Text: ', 'Text: ')
    """
    check_kind(kind)
    name = next((name for name in PROMPT_NAMES[kind] if name in prompts), default_name)
    return None if name is None else prompts.get(name)


def resolve_prompt(model: SentenceTransformer, kind: str, prompt: str | None = None) -> str | None:
    """The text before every query or passage: the given one, else the one saved with the model, else none."""
    return saved_prompt(model.prompts, kind, model.default_prompt_name) if prompt is None else prompt


def prompt_texts(model: SentenceTransformer) -> tuple[str, str]:
    """The texts that `encode_query` and `encode_document` put before a query and a passage ("" for none)."""
    return resolve_prompt(model, "query") or "", resolve_prompt(model, "passage") or ""
