import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.evaluation.query_file import query_path, write_query_table
from hf_hybrid.evaluation.query_values import query_table, read_query_values
from hf_hybrid.evaluation.results import Results, build_results
from tests.rankings import unit_vectors


@pytest.fixture(scope="module")
def measured(ragged_pairs):
    benchmark = Benchmark.from_pairs(ragged_pairs, max_examples=30)
    vectors = unit_vectors(benchmark.num_queries), unit_vectors(benchmark.num_candidates, seed=1)
    return evaluate_embeddings(*vectors, benchmark), benchmark


def write(measured, path):
    return build_results(*measured, "model").save(path, queries=query_table(*measured))


def test_what_is_written_is_read(measured, tmp_path):
    evaluation, benchmark = measured
    path = write(measured, tmp_path / "out" / "results.json")
    assert sorted(p.name for p in path.parent.iterdir()) == ["results.json", "results.per_query.parquet"]
    values = read_query_values(path, Results.load(path))
    assert values.languages == tuple(benchmark.languages) and values.query_ids == list(benchmark.query_ids)
    assert np.array_equal(values.query_languages, benchmark.query_languages)
    pairs = {tuple(pair) for pair in zip(values.clusters.tolist(), benchmark.clusters.tolist(), strict=True)}
    assert len(pairs) == len(set(values.clusters)) == len(set(benchmark.clusters))
    for name, found in values.values.items():
        expected = evaluation.per_query[name].astype(np.float32).astype(float)
        assert np.array_equal(found, expected, equal_nan=True), name
    assert np.isnan(values.values["map_by_language"]).any()  # Yoruba has no answers


def test_the_table_is_compact_and_typed(measured, tmp_path):
    path = write(measured, tmp_path / "results.json")
    schema = pq.read_schema(query_path(path))
    assert str(schema.field("map_pool").type) == "float"
    assert str(schema.field("map_by_language").type).startswith("fixed_size_list") and len(schema.names) == 10
    assert json.loads(schema.metadata[b"languages"]) == list(measured[1].languages)
    assert query_path(path).stat().st_size < 400 * measured[1].num_queries


def test_results_without_values_per_query_say_what_to_do(measured, tmp_path):
    path = build_results(*measured, "model").save(tmp_path / "results.json")
    with pytest.raises(InputError, match=r"results.json has no values per query: evaluate again"):
        read_query_values(path, Results.load(path))


def test_a_missing_or_another_table_is_named(measured, tmp_path):
    path = write(measured, tmp_path / "results.json")
    results, table = Results.load(path), query_path(path)
    content = table.read_bytes()
    table.unlink()
    with pytest.raises(InputError, match=r"cannot read .*results.per_query.parquet.*keep it beside"):
        read_query_values(path, results)
    table.write_bytes(content + b" ")
    with pytest.raises(InputError, match="is not the file that .* was written with"):
        read_query_values(path, results)


def test_an_existing_table_is_kept_and_nothing_is_written(measured, tmp_path):
    target = tmp_path / "results.per_query.parquet"
    target.write_bytes(b"precious")
    with pytest.raises(InputError, match="exists: choose another name or pass --overwrite"):
        write(measured, tmp_path / "results.json")
    assert [p.name for p in tmp_path.iterdir()] == [target.name] and target.read_bytes() == b"precious"
    digest = write_query_table(target, query_table(*measured), overwrite=True)
    assert len(digest) == 64 and pq.read_table(target).num_rows == measured[1].num_queries


def test_a_path_in_the_results_does_not_lead_elsewhere(measured, tmp_path):
    path = write(measured, tmp_path / "a" / "results.json")
    results = Results.load(path)
    elsewhere = replace(results.per_query, file="../elsewhere/results.per_query.parquet")
    results = replace(results, per_query=elsewhere)
    assert read_query_values(path, results).query_ids == list(measured[1].query_ids)
