"""The results file: what was measured, on what, with what. Every published number comes from one.

JSON, one schema (`SCHEMA_VERSION`), read and written by `Results`. A field without a value is null; NaN never occurs
(a cell that does not exist is null).

    schema_version  1
    created         ISO time, UTC
    model           {name, revision}: as the user named it
    benchmark       {name, languages, queries, candidates, queries_per_language, candidates_per_language, data_sha256,
                    settings}
    settings        {ties, k, batch_size, query_prompt, passage_prompt, max_seq_length, dimension, similarity,
                    compute_dtype}
    seed            of the run that made the model, where known
    summary         figure -> value (`Evaluation.summary`)
    measures        measure -> {cells: L x L, query language by candidate language, pool: L}
    per_language    language -> {figure: value}
    language_share  {k, top: L x L}: mean share of each language among the top k
    bias            {one_target, mlrs, mean_ranks: L x L, query language by candidate language; peer: {value, queries,
    reason};
                    friedman: {reason, tests: language -> {kendall_w, chi2, p_value, blocks, p_value_of_clusters,
                        clusters}}}
    seconds         {encode, rank, metrics}
    versions        {package: version}
    hardware        {machine, cpus, accelerator}
    reading         null, or of a reader behind the model {reader: {name, revision, weights_sha256, compute_dtype},
                    settings: {k, retriever_weight, max_length, stride, max_answer_tokens}, answers_sha256, pairs,
                    seconds}; its figures are in summary and per_language
    per_query       null, or {file, sha256}: a table beside this file with one row per query, see
    `hf_hybrid.evaluation.query_values`

Further fields are kept as they are; files written before there was `bias` lack it and are read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.provenance import hardware, versions
from hf_hybrid.evaluation.query_file import query_path, write_query_table
from hf_hybrid.evaluation.result_parts import (
    BenchmarkFacts,
    BiasCells,
    Hardware,
    MeasureCells,
    MeasureSettings,
    Model,
    Part,
    QueryFile,
    Reading,
    TopLanguages,
    misfit,
)
from hf_hybrid.output_files import check_output, write_json

if TYPE_CHECKING:
    import pyarrow as pa

    from hf_hybrid.benchmarks import Benchmark
    from hf_hybrid.benchmarks.corpus_benchmark import CorpusBenchmark
    from hf_hybrid.evaluation.corpus import CorpusEvaluation
    from hf_hybrid.evaluation.measured import Evaluation
    from hf_hybrid.evaluation.reading.evaluate import ReadingEvaluation

SCHEMA_VERSION = 1
_ADDED_LATER = {"bias", "reading"}
# What must agree where results are compared or averaged.
_SAME = {"benchmark": ("name", "data_sha256", "languages", "settings"), "settings": ("ties", "k")}


@dataclass(frozen=True, kw_only=True)
class Results(Part):
    """The content of a results file; the fields are those of the schema above.

    Example:
        >>> Results.load("results.json").summary["mul_map"]  # doctest: +SKIP
        0.5121
    """

    schema_version: int
    created: str
    model: Model
    benchmark: BenchmarkFacts
    settings: MeasureSettings
    seed: int | None
    summary: dict[str, float]
    measures: dict[str, MeasureCells]
    per_language: dict[str, dict[str, float]]
    language_share: TopLanguages
    bias: BiasCells | None = None
    seconds: dict[str, float]
    versions: dict[str, str]
    hardware: Hardware
    reading: Reading | None = None
    per_query: QueryFile | None = None
    _parts = {
        "model": Model,
        "benchmark": BenchmarkFacts,
        "settings": MeasureSettings,
        "language_share": TopLanguages,
        "bias": BiasCells,
        "hardware": Hardware,
        "reading": Reading,
        "per_query": QueryFile,
    }
    _parts_by_name = {"measures": MeasureCells}

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Read and check a results file.

        Raises:
            InputError: no such file, not JSON, another schema, or a field that is missing or of the wrong type; names
                it.
        """
        path = Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            # Half of a surrogate pair can be read, and then neither printed nor written.
            json.dumps(content, ensure_ascii=False).encode()
        except OSError as error:
            raise InputError(f"cannot read results file {path}: {error.strerror or error}; check the path") from error
        except ValueError as error:
            raise InputError(f"{path} is not valid JSON ({error}): run the evaluation again") from error
        return cls.checked(content, str(path))

    @classmethod
    def checked(cls, content: Any, where: str) -> Results:
        """Results of JSON that was read elsewhere.

        Args:
            content: the JSON.
            where: what to call it in errors.

        Raises:
            InputError: as `load`.
        """
        _validate(content, where)
        return cls.from_json(content)

    def save(self, path: str | Path, overwrite: bool = False, queries: pa.Table | None = None) -> Path:
        """Write a results file, and beside it the table of values per query.

        Args:
            path: the JSON file; its folder is made.
            overwrite: replace existing files.
            queries: from `hf_hybrid.evaluation.query_values.query_table`; written as ``<name>.per_query.parquet`` and
                named in the results. Without it the results cannot be compared by `hf-hybrid compare`.

        Returns:
            The path.

        Raises:
            InputError: a file exists, or the results do not follow the schema.
        """
        path, results = Path(path), self
        _validate(self.to_json(), str(path))
        check_output(path, overwrite)
        if queries is not None:
            # The table first: results that name it are only there once it is.
            digest = write_query_table(query_path(path), queries, overwrite)
            results = replace(self, per_query=QueryFile(query_path(path).name, digest))
        return write_json(path, results.to_json(), overwrite)

    def differs_from(self, other: Results) -> str | None:
        """Why values of two files must not be compared or averaged: what was measured differs; None where nothing
        does.
        """
        for part, keys in _SAME.items():
            for key in keys:
                here, there = (getattr(getattr(results, part), key) for results in (self, other))
                if here != there:
                    return f"{part}.{key} is {here!r} in the first and {there!r} in the second"
        if self.reading is not None and other.reading is not None:
            # Another reader may be what is compared; what it was asked must be the same.
            for key in ("answers_sha256", "settings"):
                here, there = (getattr(results.reading, key) for results in (self, other))
                if here != there:
                    return f"reading.{key} is {here!r} in the first and {there!r} in the second"
        return None


def build_results(
    evaluation: Evaluation | CorpusEvaluation,
    benchmark: Benchmark | CorpusBenchmark,
    model_name: str,
    model_revision: str | None = None,
    seed: int | None = None,
    reading: ReadingEvaluation | None = None,
) -> Results:
    """Make the content of a results file.

    Args:
        evaluation: what was measured.
        benchmark: on what.
        model_name: the model as the user named it: a Hub name, or the path as given (it is not made absolute).
        model_revision: its revision, where it has one.
        seed: seed of the run that made the model, where known.
        reading: what a reader answered from what the model found.
    """
    record = evaluation.record()
    if reading is not None:
        record["summary"] |= reading.summary()
        for tag, figures in reading.per_language().items():
            record["per_language"][tag] |= figures
    return Results.from_json(
        {
            "schema_version": SCHEMA_VERSION,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": {"name": model_name, "revision": model_revision},
            "benchmark": evaluation.describe(benchmark),
            "settings": dict(evaluation.settings),
            "seed": seed,
            **record,
            "versions": versions(),
            "hardware": hardware(),
            "reading": None if reading is None else reading.facts,
            "per_query": None,
        }
    )


def _validate(results: Any, where: str) -> None:
    if not isinstance(results, Mapping):
        raise InputError(f"{where} holds no results: the top level must be an object")
    version = results.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{where}: schema_version is {version!r}, this version reads {SCHEMA_VERSION}; evaluate again"
        )
    for name in (one.name for one in fields(Results)):
        if name not in results and name not in ("further", "keys", *_ADDED_LATER):
            raise InputError(f"{where}: field {name!r} is missing; evaluate again")
    if found := misfit(Results, dict(results)):
        raise InputError(f"{where}: {found}")
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
