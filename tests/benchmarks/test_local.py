import json

import pytest

from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.errors import InputError

CORPUS = [
    {"_id": "d1", "lang": "de", "title": "Quito", "text": "Eine Stadt."},
    {"_id": "d2", "lang": "en", "text": "A city."},
    {"_id": "d3", "lang": "en", "title": None, "text": "Nothing."},
]
QUERIES = [
    {"_id": "q1", "lang": "de", "text": "Stadt?", "example": "e", "cluster": "c"},
    {"_id": "q2", "lang": "fr", "text": "Ville ?", "example": "e", "cluster": "c"},
    {"_id": "q3", "lang": "en", "text": "Unanswered?"},
]
QRELS = ["query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\td2\t1", "q2\td2\t1", "q2\td3\t0", "q3\td3\t0"]


@pytest.fixture
def folder(tmp_path):
    def write(corpus=CORPUS, queries=QUERIES, qrels=QRELS):
        (tmp_path / "qrels").mkdir(exist_ok=True)
        (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
        (tmp_path / "queries.jsonl").write_text("\n".join(json.dumps(row) for row in queries))
        (tmp_path / "qrels" / "test.tsv").write_text("\n".join(qrels) + "\n")
        return tmp_path

    return write


def test_a_folder_as_beir_has_it(folder):
    benchmark = load_benchmark("local", data_dir=folder())
    assert benchmark.languages == ("de", "en", "fr")
    assert benchmark.candidates == ["Quito Eine Stadt.", "A city.", "Nothing."]
    assert benchmark.candidate_languages.tolist() == [0, 1, 1]
    assert benchmark.query_ids == ["q1", "q2"] and benchmark.query_languages.tolist() == [0, 2]
    assert benchmark.relevance_offsets.tolist() == [0, 2, 3] and benchmark.relevance_candidates.tolist() == [0, 1, 1]
    assert benchmark.query_examples.tolist() == [0, 0] and benchmark.clusters.tolist() == [0, 0]


def test_examples_and_clusters_default_to_the_query(folder):
    queries = [{key: row[key] for key in ("_id", "lang", "text")} for row in QUERIES]
    benchmark = load_benchmark("local", data_dir=folder(queries=queries))
    assert benchmark.query_examples.tolist() == [0, 1] and benchmark.clusters.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"corpus": [{"_id": "d1", "text": "x"}]}, "corpus.jsonl, line 1: field 'lang'"),
        ({"queries": [*QUERIES, QUERIES[0]]}, "queries.jsonl, line 4: _id 'q1' was there before"),
        ({"qrels": ["q1\td9\t1"]}, "test.tsv, line 1: corpus.jsonl has no _id 'd9'"),
        ({"qrels": ["q9\td1\t1"]}, "queries.jsonl has no _id 'q9'"),
        ({"qrels": ["q1 d1 1"]}, "line 1: not `query-id"),
        ({"qrels": ["q1\td1\tmuch"]}, "line 1: not `query-id"),
        ({"qrels": ["q1\td1\t0"]}, "makes no passage relevant"),
    ],
)
def test_mistakes_name_file_and_line(folder, files, message):
    with pytest.raises(InputError, match=message):
        load_benchmark("local", data_dir=folder(**files))


def test_missing_files(folder):
    with pytest.raises(InputError, match="lacks qrels/dev.tsv: pass --data_dir"):
        load_benchmark("local", data_dir=folder(), split="dev")
    with pytest.raises(InputError, match="pass --data_dir DIR with corpus.jsonl"):
        load_benchmark("local")
