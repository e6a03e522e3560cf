import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.evaluation.result_parts import MeasureCells, Model
from hf_hybrid.evaluation.results import Results, build_results
from hf_hybrid.output_files import write_json
from tests.rankings import unit_vectors

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def results(parallel_pairs):
    from hf_hybrid.benchmarks import Benchmark

    benchmark = Benchmark.from_pairs(parallel_pairs, max_examples=10)
    evaluation = evaluate_embeddings(
        unit_vectors(benchmark.num_queries), unit_vectors(benchmark.num_candidates, seed=1), benchmark
    )
    return build_results(evaluation, benchmark, "runs/model", "abc", seed=7)


def test_what_is_written_is_read(results, tmp_path):
    path = results.save(tmp_path / "new" / "results.json")
    found = Results.load(path)
    assert found == results and json.loads(path.read_text()) == json.loads(json.dumps(results.to_json()))
    assert found.model == Model("runs/model", "abc") and found.seed == 7
    assert found.benchmark.settings == {"max_examples": 10, "seed": 0}
    assert np.shape(found.measures["map"].cells) == (4, 4)
    assert set(found.per_language) == set(found.benchmark.languages)
    assert found.versions["torch"] and found.versions["hf_hybrid"]
    assert [path.name] == os.listdir(path.parent)


def test_a_matrix_row_is_a_line_and_strings_stay(tmp_path):
    content = {"rows": [[1.5, None], [2.0, 3.0]], "text": "[\n  a\n]", "list": ["a [\n 1,\n 2\n]", "b"], "empty": []}
    text = write_json(tmp_path / "a.json", content).read_text()
    assert "[1.5, null]" in text and json.loads(text) == content


def test_no_path_of_this_machine_is_written(results, tmp_path):
    path = results.save(tmp_path / "results.json")
    assert str(tmp_path) not in path.read_text() and os.getcwd() not in path.read_text()


def test_an_existing_file_is_kept_unless_asked(results, tmp_path):
    path = tmp_path / "results.json"
    path.write_text("precious")
    with pytest.raises(InputError, match="exists: choose another name or pass --overwrite"):
        results.save(path)
    assert path.read_text() == "precious"
    results.save(path, overwrite=True)
    assert Results.load(path).schema_version == 1


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    path.write_text("precious")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_json(path, {"a": 1}, overwrite=True)
    assert path.read_text() == "precious" and os.listdir(tmp_path) == ["results.json"]


def test_cells_that_do_not_exist_are_null(results):
    results.measures["map"].cells[0][1] = None
    assert "NaN" not in json.dumps(results.to_json())
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json("never-written.json", {"value": float("nan")})
    assert not os.path.exists("never-written.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(schema_version=99), "schema_version is 99, this version reads 1"),
        (lambda r: r.pop("seconds"), "field 'seconds' is missing"),
        (lambda r: r.update(seed="seven"), "field 'seed' must be int, got str"),
        (lambda r: r.update(settings=None), "field 'settings' must be dict, got NoneType"),
        (lambda r: r["model"].pop("name"), "field 'model.name'"),
        (lambda r: r["benchmark"].update(data_sha256=5), "field 'benchmark.data_sha256'"),
        (lambda r: r["benchmark"].update(languages=[]), "field 'benchmark.languages'"),
        (lambda r: r["summary"].update(mo_map="high"), "field 'summary.mo_map' must be a finite number, got 'high'"),
        (lambda r: r["measures"]["map"]["cells"].pop(), "field 'measures.map.cells' must be 4 x 4"),
        (lambda r: r["measures"]["map"].update(pool=[1.0]), "field 'measures.map.pool' must be 4 numbers"),
    ],
)
def test_a_damaged_file_names_the_field(results, tmp_path, change, message):
    content = json.loads(json.dumps(results.to_json()))
    change(content)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        Results.load(path)
    with pytest.raises(InputError, match=message):
        Results.checked(content, "other.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"summary": {"mo_map": float("nan")}}, "field 'summary.mo_map' must be a finite number, got nan"),
        ({"measures": {"map": MeasureCells([[1.0]], [1.0])}}, "field 'measures.map.cells' must be 4 x 4"),
        ({"seed": "seven"}, "field 'seed' must be int, got str"),
    ],
)
def test_nothing_damaged_is_written(results, tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        replace(results, **change).save(tmp_path / "other.json")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_missing_or_no_json(tmp_path):
    with pytest.raises(InputError, match="cannot read results file"):
        Results.load(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"schema_version": 1')
    with pytest.raises(InputError, match="not valid JSON"):
        Results.load(tmp_path / "half.json")


def test_an_output_that_cannot_be_a_file(results, tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        results.save(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        results.save(tmp_path / "file" / "results.json")


def test_bias_is_kept_with_its_reasons_and_older_files_without_it_are_read(results, tmp_path):
    bias = results.bias
    assert np.shape(bias.one_target) == np.shape(bias.mlrs) == np.shape(bias.mean_ranks) == (4, 4)
    assert bias.peer["value"] is None and "Kendall's W" in bias.peer["reason"]
    assert bias.friedman["reason"] is None
    test = bias.friedman["tests"]["ar"]
    assert set(test) == {"kendall_w", "chi2", "p_value", "blocks", "p_value_of_clusters", "clusters"}
    content = results.to_json()
    del content["bias"]
    path = Results.checked(content, "old.json").save(tmp_path / "old.json")
    assert "bias" not in json.loads(path.read_text()) and Results.load(path).bias is None
    content["bias"] = 3
    with pytest.raises(InputError, match="field 'bias' must be dict"):
        Results.checked(content, "new.json")


PUBLISHED = [
    path
    for folder in ("model_cards", "benchmarks/results")
    for path in sorted((ROOT / folder).rglob("*.json"))
    if '"schema_version"' in path.read_text(encoding="utf-8")
]


def test_every_published_file_is_written_as_it_was_read(tmp_path):
    assert len(PUBLISHED) >= 80
    for number, path in enumerate(PUBLISHED):
        written = Results.load(path).save(tmp_path / f"{number}.json")
        assert written.read_bytes() == path.read_bytes(), path


def test_unknown_fields_and_the_order_of_a_file_are_kept(results, tmp_path):
    content = dict(reversed(results.to_json().items()))
    content["model"] = {"size": 3, **content["model"]}
    content["settings"] = {"new": [1], **content["settings"], "more": {"a": None}}
    content["later"] = {"x": 1}
    path = tmp_path / "other.json"
    write_json(path, content)
    read = Results.load(path)
    assert read.further == {"later": {"x": 1}} and read.model.further == {"size": 3} and read.settings.k == 10
    assert read.save(tmp_path / "again.json").read_bytes() == path.read_bytes()
    added = replace(read, further={**read.further, "training": {"steps": 4}}).to_json()
    assert list(added) == [*content, "training"] and added["training"] == {"steps": 4}


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("benchmark", "data_sha256", "0" * 64),
        ("benchmark", "languages", ["de"]),
        ("settings", "k", 5),
        ("settings", "ties", "trec"),
    ],
)
def test_what_of_two_files_must_agree(results, part, key, value):
    other = replace(results, **{part: replace(getattr(results, part), **{key: value})})
    assert results.differs_from(replace(results, seed=99, created="later")) is None
    assert results.differs_from(other).startswith(f"{part}.{key} is ")
    assert results.differs_from(other).endswith(f"{value!r} in the second")
