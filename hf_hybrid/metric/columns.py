"""The columns of each configuration, and checks that name the first row that does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError

# configuration -> column -> what a row holds
COLUMNS: dict[str, dict[str, str]] = {
    "ranks": {
        "query_id": "string",
        "query_language": "string",
        "candidate_languages": "strings",
        "pool_ranks": "integers",
        "language_ranks": "integers",
    },
    "top_k": {"query_id": "string", "query_language": "string", "candidate_ids": "strings", "scores": "numbers"},
    "embeddings": {"query_id": "string", "query_language": "string", "embedding": "numbers"},
}
_WORDS = {
    "string": "a string that is not empty",
    "strings": "a list of strings",
    "integers": "a list of integers",
    "numbers": "a list of numbers",
}
_DTYPE_KINDS = {"integers": "iu", "numbers": "iuf"}


def check_columns(config: str, columns: Mapping[str, Any]) -> None:
    """Check a batch of rows before it is stored.

    Args:
        config: ``ranks``, ``top_k`` or ``embeddings``.
        columns: column name -> one value per row.

    Raises:
        InputError: a column is missing or unknown, columns differ in length, or a value is of the wrong kind; names
            it.

    Example:
        >>> check_columns("embeddings", {"query_id": ["q1"], "query_language": ["de"], "embedding": [[0.1, 0.2]]})
    """
    expected = COLUMNS[config]
    missing = [name for name in expected if columns.get(name) is None]
    unknown = [name for name in columns if name not in expected and columns[name] is not None]
    if missing or unknown:
        problem = f"column {missing[0]!r} is missing" if missing else f"column {unknown[0]!r} is not known"
        raise InputError(f"{problem}: configuration {config!r} takes the columns {', '.join(expected)}")
    lengths = {name: _length(name, columns[name]) for name in expected}
    first = next(iter(expected))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise InputError(
                f"column {name!r} has {length} rows, {first!r} {lengths[first]}: give every query a value in each "
                "column"
            )
    for name, kind in expected.items():
        for row, value in enumerate(columns[name]):
            if not _is(kind, value):
                raise InputError(f"column {name!r}, row {row}: expected {_WORDS[kind]}, got {_short(value)}")


def _length(name: str, column: Any) -> int:
    if isinstance(column, str | bytes | Mapping) or not hasattr(column, "__len__"):
        raise InputError(f"column {name!r} must hold one value per query, got {_short(column)}")
    return len(column)


def _is(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str) and bool(value.strip())
    # Lists, arrays of numpy and tensors.
    if isinstance(value, str | bytes) or not (isinstance(value, Sequence) or hasattr(value, "__array__")):
        return False
    if kind == "strings":
        return all(isinstance(item, str) for item in value)
    if len(value) == 0:
        return True
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError):  # ragged, or a tensor on another device
        return False
    return array.ndim == 1 and array.dtype.kind in _DTYPE_KINDS[kind]


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
