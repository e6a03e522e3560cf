"""One call from rows and keywords to the dictionary that the `evaluate` metric returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.metric.columns import COLUMNS
from hf_hybrid.metric.embedding_rows import evaluate_embedding_rows
from hf_hybrid.metric.rank_rows import evaluate_rank_rows
from hf_hybrid.metric.top_k_rows import evaluate_top_k_rows

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ranks": evaluate_rank_rows,
    "top_k": evaluate_top_k_rows,
    "embeddings": evaluate_embedding_rows,
}


def compute_metric(config: str, columns: Mapping[str, Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Measure rows of one configuration.

    Args:
        config: ``ranks``, ``top_k`` or ``embeddings``: which function of this package is called.
        columns: its rows.
        keywords: its keyword arguments.

    Returns:
        JSON types only. The figures of `hf_hybrid.evaluation.measured.Evaluation.summary` by name, and: ``languages``
        (L tags), ``matrix`` (mAP, L x L, query language by candidate language, None where a cell does not exist),
        ``per_language`` (language -> figures), ``measures`` (measure -> cells and pool), ``language_share``, ``bias``,
        ``num_queries``, ``notes`` (what is left out, and why).

    Raises:
        InputError: a keyword is missing or unknown, or what the configuration's function raises.

    Example:
        >>> columns = {"query_id": ["q1"], "query_language": ["de"], "candidate_languages": [["de", "en"]],
        ...            "pool_ranks": [[1, 4]], "language_ranks": [[1, 2]]}
        >>> compute_metric("ranks", columns, {"pool_sizes": {"de": 5, "en": 5}})["mul_map"]
        0.75
    """
    function = _FUNCTIONS[config]
    _check_keywords(config, function, keywords)
    evaluation, notes = function(**{name: columns[name] for name in COLUMNS[config]}, **keywords)
    record = evaluation.record()
    return {
        **record["summary"],
        "languages": list(evaluation.languages),
        "matrix": record["measures"]["map"]["cells"],
        **{name: record[name] for name in ("per_language", "measures", "language_share", "bias")},
        "num_queries": len(columns["query_id"]),
        "notes": notes,
    }


def _check_keywords(config: str, function: Callable[..., Any], keywords: Mapping[str, Any]) -> None:
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    unknown = next((name for name in keywords if name not in parameters), None)
    if unknown is not None:
        raise InputError(
            f"keyword {unknown!r} is not known: configuration {config!r} takes the keywords {', '.join(parameters)}"
        )
    required = [name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty]
    missing = next((name for name in required if name not in keywords), None)
    if missing is not None:
        raise InputError(
            f"keyword {missing!r} is missing: configuration {config!r} needs "
            f"compute({', '.join(f'{name}=...' for name in required)})"
        )
