import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


def test_documents_as_beirs_own_tools_read_them(folder):
    """Integers for ids; a document of a title alone, or of nothing, stays in the pool."""
    corpus = [
        {"_id": 1, "lang": "de", "title": "Quito", "text": ""},
        {"_id": 2, "lang": "en", "title": "Lima"},
        {"_id": 3, "lang": "en", "text": "", "title": ""},
        {"_id": "4", "lang": "en", "text": "A city.", "title": None},
    ]
    queries = [{"_id": 7, "lang": "de", "text": "Stadt?"}]
    benchmark = load_benchmark("local", data_dir=folder(corpus, queries, ["query-id\tcorpus-id\tscore", "7\t1\t1"]))
    assert benchmark.candidate_ids == ["1", "2", "3", "4"] and benchmark.query_ids == ["7"]
    assert benchmark.candidates == ["Quito", "Lima", "", "A city."]


def test_an_empty_document_is_ranked(folder):
    from hf_hybrid.arguments import ModelArguments
    from hf_hybrid.encoders.models import build_encoder
    from hf_hybrid.evaluation.encode_benchmark import encode_benchmark
    from hf_hybrid.evaluation.evaluate import evaluate_embeddings

    benchmark = load_benchmark("local", data_dir=folder(corpus=[*CORPUS, {"_id": "e", "lang": "en", "text": ""}]))
    arguments = ModelArguments(encoder="static", vocab_size=300, embedding_dimension=8)
    model = build_encoder(arguments, ["Stadt Ville city Nothing Quito"] * 50)
    queries, candidates = encode_benchmark(model, benchmark)
    assert len(candidates) == 4 and 0 < evaluate_embeddings(queries, candidates, benchmark).mul <= 1


def test_null_examples_stand_for_themselves(folder):
    """Sixteen questions, half of them with `example: null`: each of those is a cluster of its own."""
    queries = [
        {"_id": f"q{n}", "lang": "en", "text": "?", "example": None if n % 2 else f"e{n}", "cluster": None}
        for n in range(16)
    ]
    qrels = ["query-id\tcorpus-id\tscore", *(f"q{n}\td1\t1" for n in range(16))]
    benchmark = load_benchmark("local", data_dir=folder(queries=queries, qrels=qrels))
    assert benchmark.clusters.tolist() == benchmark.query_examples.tolist() == list(range(16))


def test_spellings_of_a_language_are_merged(folder, caplog):
    spelt = {"d1": "DE", "d2": "EN", "d3": "en_Latn"}
    corpus = [{**row, "lang": spelt[row["_id"]]} for row in CORPUS]
    benchmark = load_benchmark("local", data_dir=folder(corpus=corpus))
    plain = load_benchmark("local", data_dir=folder())
    assert benchmark.languages == plain.languages and benchmark.data_sha256 == plain.data_sha256
    assert "'EN', 'en_Latn', 'en' are one language and are read as en" in caplog.text


def test_marks_line_ends_and_separators_inside_strings(folder):
    expected = load_benchmark("local", data_dir=folder())
    place = folder(queries=[*QUERIES[:2], {**QUERIES[2], "text": "Un\u2028answered?"}])
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        lines = [
            json.dumps(json.loads(line), ensure_ascii=False) if name[0] != "q" or name[1] == "u" else line
            for line in (place / name).read_text().splitlines()
        ]
        (place / name).write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n\r\n").encode())
    assert load_benchmark("local", data_dir=place).data_sha256 == expected.data_sha256


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "corpus.jsonl",
            '{"_id": "d1", "text": "Größe"}'.encode("latin-1"),
            "corpus.jsonl, line 1: not text in UTF-8 .*Latin-1",
        ),
        ("queries.jsonl", b'{"_id": "\\ud800"}', "queries.jsonl, line 1: holds half of a surrogate pair"),
        ("qrels/test.tsv", "q1\td1\t1\n".encode("utf-16"), "test.tsv, line 1: not text in UTF-8 .*UTF-16"),
        ("corpus.jsonl", b'{"_id": true, "lang": "de", "text": "x"}', "line 1: field '_id' is missing or empty"),
        ("corpus.jsonl", b'{"_id": "d1", "lang": "German", "text": "x"}', "line 1: unknown language tag 'German'"),
        ("corpus.jsonl", b'{"_id": "d1", "lang": "de", "text": "x", "title": 1}', "line 1: field 'title' is no text"),
        ("queries.jsonl", b'{"_id": "q1", "lang": "de", "text": " "}', "line 1: field 'text' is missing or empty"),
        ("qrels/test.tsv", b"query-id\tcorpus-id\tscore\nquery-id\tcorpus-id\tscore", "line 2: not `query-id"),
    ],
)
def test_what_cannot_be_read_is_named(folder, name, content, message):
    place = folder()
    (place / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_benchmark("local", data_dir=place)
    assert "download" not in str(caught.value)


IDS = st.sampled_from(["d1", "d2", 1, True, None, "", " ", "a b"])
TEXTS = st.sampled_from(["x", "", " ", None, 1, "\ud800"])
LANGS = st.sampled_from(["de", "DE", "en", "iw", "he", "German", None])
FILES = st.lists(
    st.fixed_dictionaries(
        {"_id": IDS, "lang": LANGS, "text": TEXTS}, optional={"title": TEXTS, "example": TEXTS, "cluster": IDS}
    ),
    max_size=4,
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, FILES, st.lists(st.tuples(IDS, IDS, st.sampled_from(["1", "0", "x", "-1"])), max_size=4))
def test_any_folder_is_read_or_refused(folder, corpus, queries, judged):
    qrels = ["\t".join(map(str, row)) for row in judged]
    try:
        benchmark = load_benchmark("local", data_dir=folder(corpus, queries, qrels))
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert set(benchmark.languages) <= {"de", "en", "he"}
    assert benchmark.candidate_ids == [str(row["_id"]) for row in corpus]
