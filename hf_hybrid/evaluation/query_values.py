"""Values per query, beside a results file: what a comparison resamples, so that it needs no second evaluation.

One Parquet file, one row per query, in the order of the benchmark; measures are float32 and null where they do not
exist:

    query_id           string
    language           string (dictionary)
    example, cluster   int32; parallel questions share an example, questions that are not independent share a cluster
    map_pool           average precision in the pool of all languages
    rank_distance, max_rank, own_language_share
    ndcg_at_10, recall_at_100, judged_at_10
                       of corpora, instead of the others: each query in the corpus of its language
    gold_em, mo_f1 ... with a reader: see `hf_hybrid.evaluation.reading_figures`
    gold_answer, mo_answer, mul_answer
                       string: what it answered
    map_by_language    list of L: average precision within each language
    one_target         list of L: the same with one relevant candidate left in the pool of all languages

The columns of measures are those that `hf_hybrid.evaluation.figures` names; a file may lack one that was not declared
when it was written.

The languages of the lists are in the metadata, under ``languages``.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.figures import CORPUS_FIGURES, kept_columns, query_columns

if TYPE_CHECKING:
    from hf_hybrid.benchmarks import Benchmark, CorpusBenchmark
    from hf_hybrid.evaluation.corpus import CorpusEvaluation
    from hf_hybrid.evaluation.measured import Evaluation
    from hf_hybrid.evaluation.reading.evaluate import ReadingEvaluation
    from hf_hybrid.evaluation.results import Results


@dataclass(frozen=True)
class QueryValues:
    """Values per query as read from a file.

    Attributes:
        languages: the L tags.
        query_ids: names of the Q queries.
        query_languages: int64 ``[Q]``, index into ``languages``.
        clusters: int64 ``[Q]``.
        values: measure -> float64 ``[Q]`` or ``[Q, L]``, NaN where it does not exist.
    """

    languages: tuple[str, ...]
    query_ids: list[str] = field(repr=False)
    query_languages: np.ndarray = field(repr=False)
    clusters: np.ndarray = field(repr=False)
    values: dict[str, np.ndarray] = field(repr=False)


def query_table(evaluation: Evaluation, benchmark: Benchmark, reading: ReadingEvaluation | None = None) -> pa.Table:
    """Table of the values per query, for `hf_hybrid.evaluation.results.Results.save`.

    Args:
        evaluation: what was measured.
        benchmark: on what.
        reading: what a reader answered, where one was asked: its values, and its answers as texts.
    """
    languages = pa.DictionaryArray.from_arrays(
        pa.array(benchmark.query_languages.astype(np.int16)), pa.array(list(benchmark.languages))
    )
    columns: dict[str, pa.Array] = {
        "query_id": pa.array(list(benchmark.query_ids), pa.string()),
        "language": languages,
        "example": pa.array(benchmark.query_examples.astype(np.int32)),
        "cluster": pa.array(_codes(benchmark.clusters)),
    }
    single, lists = query_columns()
    columns |= {name: _column(evaluation.per_query[name]) for name in single}
    columns |= {
        name: pa.FixedSizeListArray.from_arrays(_column(evaluation.per_query[name].ravel()), len(benchmark.languages))
        for name in lists
    }
    if reading is not None:
        columns |= {name: _column(values) for name, values in reading.per_query.items()}
        columns |= {f"{source}_answer": pa.array(texts, pa.string()) for source, texts in reading.answers.items()}
    return pa.table(columns).replace_schema_metadata({"languages": json.dumps(list(benchmark.languages))})


def corpus_query_table(evaluation: CorpusEvaluation, benchmark: CorpusBenchmark) -> pa.Table:
    """As `query_table`, of a benchmark whose languages are searched each by itself: queries in the order of its
    collections. Where a collection names no clusters, every query is one.
    """
    names: list[str] = []
    codes: list[int] = []
    clusters: dict[tuple[str, str], int] = {}
    for collection in benchmark.collections:
        names += collection.query_ids
        of_queries = collection.query_ids if collection.clusters is None else collection.clusters
        codes += [clusters.setdefault((collection.language, name), len(clusters)) for name in of_queries]
    counts = [len(collection.query_ids) for collection in benchmark.collections]
    languages = pa.DictionaryArray.from_arrays(
        pa.array(np.repeat(np.arange(len(counts), dtype=np.int16), counts)), pa.array(list(benchmark.languages))
    )
    columns: dict[str, pa.Array] = {
        "query_id": pa.array(names, pa.string()),
        "language": languages,
        "example": pa.array(np.arange(len(names), dtype=np.int32)),
        "cluster": pa.array(np.array(codes, dtype=np.int32)),
    }
    for figure in CORPUS_FIGURES:
        of_languages = [evaluation.per_query[tag][figure.measure] for tag in benchmark.languages]
        columns[figure.per_query.column] = _column(np.concatenate(of_languages))
    return pa.table(columns).replace_schema_metadata({"languages": json.dumps(list(benchmark.languages))})


def read_query_values(results_path: str | Path, results: Results) -> QueryValues:
    """Read the values per query that belong to a results file.

    Args:
        results_path: the results file.
        results: its content.

    Raises:
        InputError: the results name no such file, or it is missing, changed or unreadable; names it.
    """
    entry = results.per_query
    if entry is None or not entry.file:
        raise InputError(
            f"{results_path} has no values per query: evaluate again with `hf-hybrid evaluate ... --output FILE`"
        )
    path = Path(results_path).with_name(Path(entry.file).name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read {path}, the values per query of {results_path}: {error.strerror or error}; keep it beside "
            "that file"
        ) from error
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise InputError(f"{path} is not the file that {results_path} was written with: evaluate again")
    table = pq.read_table(io.BytesIO(content))
    languages = tuple(json.loads(table.schema.metadata[b"languages"]))
    position = {tag: code for code, tag in enumerate(languages)}
    single, lists = ([name for name in names if name in table.column_names] for names in kept_columns())
    values = {name: table[name].to_numpy().astype(np.float64) for name in single}
    for name in lists:
        flat = pa.chunked_array([chunk.flatten() for chunk in table[name].chunks]).to_numpy()
        values[name] = flat.astype(np.float64).reshape(-1, len(languages))
    return QueryValues(
        languages=languages,
        query_ids=table["query_id"].to_pylist(),
        query_languages=np.array([position[tag] for tag in table["language"].to_pylist()], dtype=np.int64),
        clusters=table["cluster"].to_numpy().astype(np.int64),
        values=values,
    )


def _column(values: np.ndarray) -> pa.Array:
    """float32, NaN as null."""
    return pa.array(values.astype(np.float32), from_pandas=True)


def _codes(values: np.ndarray) -> np.ndarray:
    """int32 codes in the order of the values, which may be larger."""
    return np.unique(values, return_inverse=True)[1].astype(np.int32)
