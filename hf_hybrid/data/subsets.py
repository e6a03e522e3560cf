"""Nested parts of a training set: a larger number of examples keeps those of a smaller one, in every language."""

from __future__ import annotations

import hashlib

import numpy as np

from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.errors import InputError


def nested_examples(pairs: ParallelPairs, count: int, seed: int = 0) -> ParallelPairs:
    """Keep so many examples of every language, the first in an order of the ids that is drawn by hashing.

    The order depends on the ids and the seed alone: not on the rows' order, the other examples, or how many are kept.
    It is one for all languages, so that the languages share as many examples as they can.

    Args:
        pairs: The renditions.
        count: Examples of a language; all of them where it has fewer.
        seed: Of the order.

    Raises:
        InputError: The number is below 1.

    Example:
        >>> pairs = ParallelPairs.load(embedded_dataset_path(), split="dev")    # doctest: +SKIP
        >>> nested_examples(pairs, 100).cell_size("de", "de")                   # doctest: +SKIP
        100
    """
    if count < 1:
        raise InputError(f"max_train_examples: {count} is below 1; give a number of examples of each language")
    place = np.empty(pairs.num_examples, dtype=np.int64)
    digests = [hashlib.sha256(f"{seed}\0{name}".encode()).digest() for name in pairs.example_ids]
    place[sorted(range(len(digests)), key=digests.__getitem__)] = np.arange(len(digests))
    kept = np.zeros(len(pairs), dtype=bool)
    for language in range(len(pairs.languages)):
        rows = np.flatnonzero(pairs.language_of_row == language)
        order = np.argsort(place[pairs.example_of_row[rows]], kind="stable")
        kept[rows[order[:count]]] = True
    return pairs if kept.all() else ParallelPairs(pairs.dataset.select(np.flatnonzero(kept)), pairs.name)
