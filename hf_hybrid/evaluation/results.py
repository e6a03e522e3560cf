"""The results file: what was measured, on what, with what. Every published number comes from one.

JSON, one schema (`SCHEMA_VERSION`). A field without a value is null; NaN never occurs (a cell that does not exist is null).

    schema_version  1
    created         ISO time, UTC
    model           {name, revision}: as the user named it
    benchmark       {name, languages, queries, candidates, queries_per_language, candidates_per_language, data_sha256, settings}
    settings        {ties, k, batch_size, query_prompt, passage_prompt, max_seq_length, dimension, similarity}
    seed            of the run that made the model, where known
    summary         figure -> value (`Evaluation.summary`)
    measures        measure -> {cells: L x L, query language by candidate language, pool: L}
    per_language    language -> {figure: value}
    language_share  {k, top: L x L}: mean share of each language among the top k
    bias            {one_target, mlrs, mean_ranks: L x L, query language by candidate language; peer: {value, queries, reason};
                    friedman: {reason, tests: language -> {kendall_w, chi2, p_value, blocks, p_value_of_clusters, clusters}}}
    seconds         {encode, rank, metrics}
    versions        {package: version}
    hardware        {machine, cpus, accelerator}
    per_query       null, or {file, sha256}: a table beside this file with one row per query, see `hf_hybrid.evaluation.query_values`

Further fields are kept as they are; files written before there was `bias` lack it and are read.
"""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import check_output, write_json

if TYPE_CHECKING:
    import pyarrow as pa

    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.evaluation.measured import Evaluation

SCHEMA_VERSION = 1
_PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers", "datasets", "accelerate", "numpy")
# field -> its JSON type; a trailing "?" allows null
_FIELDS = {
    "schema_version": "int",
    "created": "str",
    "model": "dict",
    "benchmark": "dict",
    "settings": "dict",
    "seed": "int?",
    "summary": "dict",
    "measures": "dict",
    "per_language": "dict",
    "language_share": "dict",
    "bias": "dict?",
    "seconds": "dict",
    "versions": "dict",
    "hardware": "dict",
    "per_query": "dict?",
}
_ADDED_LATER = {"bias"}
_TYPES: dict[str, type] = {"int": int, "str": str, "dict": dict}


def build_results(
    evaluation: Evaluation,
    benchmark: Benchmark,
    model_name: str,
    model_revision: str | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Make the content of a results file.

    Args:
        evaluation: what was measured.
        benchmark: on what.
        model_name: the model as the user named it: a Hub name, or the path as given (it is not made absolute).
        model_revision: its revision, where it has one.
        seed: seed of the run that made the model, where known.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"name": model_name, "revision": model_revision},
        "benchmark": benchmark.describe(),
        "settings": dict(evaluation.settings),
        "seed": seed,
        **{
            key: value
            for key, value in evaluation_record(evaluation).items()
            if key not in ("benchmark", "languages", "settings")
        },
        "versions": versions(),
        "hardware": hardware(),
        "per_query": None,
    }


def evaluation_record(evaluation: Evaluation) -> dict[str, Any]:
    """The measured values alone, as JSON types."""
    return {
        "benchmark": evaluation.benchmark,
        "languages": list(evaluation.languages),
        "settings": dict(evaluation.settings),
        "summary": evaluation.summary(),
        "measures": {
            name: {"cells": _numbers(scores.cells), "pool": _numbers(scores.pool)}
            for name, scores in evaluation.measures.items()
        },
        "per_language": evaluation.per_language(),
        "language_share": {
            "k": evaluation.language_share.k,
            "top": _numbers(evaluation.language_share.top_by_language),
        },
        "bias": _bias_record(evaluation),
        "seconds": {name: round(value, 3) for name, value in evaluation.seconds.items()},
    }


def _bias_record(evaluation: Evaluation) -> dict[str, Any]:
    bias = evaluation.bias
    tests = {}
    for tag, test, clusters in zip(evaluation.languages, bias.friedman, bias.friedman_clusters, strict=True):
        if test is not None:
            of_test = {name: getattr(test, name) for name in ("kendall_w", "chi2", "p_value", "blocks")}
            of_clusters = (None, None) if clusters is None else (clusters.p_value, clusters.blocks)
            tests[tag] = {**of_test, "p_value_of_clusters": of_clusters[0], "clusters": of_clusters[1]}
    return {
        "one_target": _numbers(bias.one_target.cells),
        "mlrs": _numbers(bias.rank_shift.cells),
        "mean_ranks": _numbers(bias.mean_ranks),
        "peer": {"value": bias.peer.value, "queries": bias.peer.queries, "reason": bias.peer.reason},
        "friedman": {"reason": bias.friedman_reason, "tests": tests},
    }


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of those that a result can depend on."""
    from hf_hybrid import __version__

    found = {"python": platform.python_version(), "hf_hybrid": __version__}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """What the figures in seconds were measured on; no names of machines or users."""
    import torch

    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"machine": platform.machine(), "cpus": os.cpu_count(), "accelerator": accelerator}


def write_results(
    path: str | Path, results: Mapping[str, Any], overwrite: bool = False, queries: pa.Table | None = None
) -> Path:
    """Write a results file, and beside it the table of values per query.

    Args:
        path: the JSON file; its folder is made.
        results: from `build_results`.
        overwrite: replace existing files.
        queries: from `hf_hybrid.evaluation.query_values.query_table`; written as ``<name>.per_query.parquet`` and named in the results. Without it
            the results cannot be compared by `hf-hybrid compare`.

    Returns:
        The path.

    Raises:
        InputError: a file exists, or the results do not follow the schema.
    """
    path = Path(path)
    _validate(results, str(path))
    check_output(path, overwrite)
    if queries is not None:
        from hf_hybrid.evaluation.query_values import query_path, write_query_table

        # The table first: results that name it are only there once it is.
        digest = write_query_table(query_path(path), queries, overwrite)
        results = {**results, "per_query": {"file": query_path(path).name, "sha256": digest}}
    return write_json(path, results, overwrite)


def read_results(path: str | Path) -> dict[str, Any]:
    """Read and check a results file.

    Raises:
        InputError: no such file, not JSON, another schema, or a field that is missing or of the wrong type; names it.
    """
    path = Path(path)
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read results file {path}: {error.strerror or error}; check the path") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): run the evaluation again") from error
    _validate(results, str(path))
    return results


def _numbers(values: np.ndarray) -> list:
    """Nested lists; NaN, a value that does not exist, becomes None."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [None if math.isnan(value) else float(value) for value in values]


def _validate(results: Any, where: str) -> None:
    if not isinstance(results, Mapping):
        raise InputError(f"{where} holds no results: the top level must be an object")
    version = results.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{where}: schema_version is {version!r}, this version reads {SCHEMA_VERSION}; evaluate again"
        )
    for name, kind in _FIELDS.items():
        if name not in results and name in _ADDED_LATER:
            continue
        if name not in results:
            raise InputError(f"{where}: field {name!r} is missing; evaluate again")
        value = results[name]
        if value is None and kind.endswith("?"):
            continue
        if not isinstance(value, _TYPES[kind.rstrip("?")]) or isinstance(value, bool):
            raise InputError(f"{where}: field {name!r} must be {kind.rstrip('?')}, got {type(value).__name__}")
    _validate_nested(results, where)


def _validate_nested(results: Mapping[str, Any], where: str) -> None:
    if not isinstance(results["model"].get("name"), str):
        raise InputError(f"{where}: field 'model.name' must be a string")
    languages = results["benchmark"].get("languages")
    if not isinstance(languages, list) or not languages:
        raise InputError(f"{where}: field 'benchmark.languages' must be a list of language tags")
    for key in ("name", "data_sha256"):
        if not isinstance(results["benchmark"].get(key), str):
            raise InputError(f"{where}: field 'benchmark.{key}' must be a string")
    for name, value in results["summary"].items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise InputError(f"{where}: field 'summary.{name}' must be a finite number, got {value!r}")
    for name, scores in results["measures"].items():
        cells = scores.get("cells") if isinstance(scores, dict) else None
        if not isinstance(cells, list) or np.shape(cells) != (len(languages), len(languages)):
            raise InputError(
                f"{where}: field 'measures.{name}.cells' must be {len(languages)} x {len(languages)} numbers"
            )
        if np.shape(scores.get("pool")) != (len(languages),):
            raise InputError(f"{where}: field 'measures.{name}.pool' must be {len(languages)} numbers")
