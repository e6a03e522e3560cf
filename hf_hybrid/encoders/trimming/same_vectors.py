"""A look at whether a trimmed encoder gives the vectors it gave before: of some texts all of whose pieces are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np


def first_texts(
    batches: Iterable[tuple[str, Sequence[str]]], sample: dict[str, list[str]], number: int = 20
) -> Iterator[tuple[str, Sequence[str]]]:
    """Hand batches on, and put the first texts of each language into `sample`.

    Example:
        >>> sample = {}
        >>> list(first_texts([("de", ["eins", "zwei"])], sample, number=1)), sample
        ([('de', ['eins', 'zwei'])], {'de': ['eins']})
    """
    for language, texts in batches:
        taken = sample.setdefault(language, [])
        taken.extend(texts[: number - len(taken)])
        yield language, texts


def texts_of_kept_pieces(tokenizer: Any, texts: Sequence[str], kept: np.ndarray, unknown: int | None) -> list[str]:
    """Those texts all of whose pieces are kept and known.

    Args:
        tokenizer: The whole `tokenizers.Tokenizer`.
        texts: Any.
        kept: bool `[vocabulary]`.
        unknown: Id of the unknown token, where there is one.
    """
    usable = kept.copy()
    if unknown is not None:
        usable[unknown] = False
    encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return [text for text, encoding in zip(texts, encodings, strict=True) if usable[encoding.ids].all()]


def greatest_difference(before: np.ndarray, after: np.ndarray) -> float:
    """Greatest difference of a component of two tables of vectors; 0.0 without any.

    Example:
        >>> greatest_difference(np.zeros((1, 2)), np.array([[0.0, -0.5]]))
        0.5
    """
    return float(np.abs(before - after).max(initial=0.0))
