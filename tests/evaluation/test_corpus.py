import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import Collection, CorpusBenchmark, load_benchmark
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.comparison import compare_results
from hf_hybrid.evaluation.comparison_report import comparison_report
from hf_hybrid.evaluation.corpus import CorpusEvaluation, evaluate_corpora, measure, ndcg
from hf_hybrid.evaluation.query_values import corpus_query_table, read_query_values
from hf_hybrid.evaluation.results import Results, build_results
from hf_hybrid.plots.pictures import comparison_picture
from hf_hybrid.retrieval.encode import load_encoder
from hf_hybrid.retrieval.encode_sources import TextCorpus

SHARED = Path(os.environ.get("HF_HYBRID_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
MIRACL_QUERIES = SHARED / "queries_miracl_mrtydi.parquet"

# The words of each passage; "x" of the query is the passage with the same words.
PASSAGES = {
    "sw": ["moja mbili", "tatu nne", "tano sita", "saba nane", "tisa kumi", "mia elfu", "jua mwezi"],
    "te": ["okati rendu", "mudu nalugu", "aidu aaru", "eedu enimidi"],
}


def write_miracl(folder: Path, topics: dict, qrels: dict, passages: dict, shards: int = 1) -> Path:
    """Files in the layout of miracl/miracl and miracl/miracl-corpus."""
    for tag in topics:
        base = folder / f"miracl-v1.0-{tag}"
        (base / "topics").mkdir(parents=True)
        (base / "qrels").mkdir()
        lines = [f"{name}\t{text}" for name, text in topics[tag].items()]
        (base / "topics" / f"topics.miracl-v1.0-{tag}-dev.tsv").write_text("\n".join(lines) + "\n")
        lines = [f"{query}\tQ0\t{passage}\t{grade}" for query, passage, grade in qrels[tag]]
        (base / "qrels" / f"qrels.miracl-v1.0-{tag}-dev.tsv").write_text("\n".join(lines) + "\n")
        corpus = folder / f"miracl-corpus-v1.0-{tag}"
        corpus.mkdir()
        rows = [
            json.dumps({"docid": f"{number}#0", "title": "", "text": text}, ensure_ascii=False)
            for number, text in enumerate(passages[tag])
        ]
        for shard in range(shards):
            part = rows[shard * len(rows) // shards : (shard + 1) * len(rows) // shards]
            with gzip.open(corpus / f"docs-{shard}.jsonl.gz", "wt", encoding="utf-8") as file:
                file.write("\n".join(part) + "\n")
    return folder


@pytest.fixture(scope="module")
def miracl(tmp_path_factory):
    topics = {tag: {str(row): text for row, text in enumerate(texts[:3])} for tag, texts in PASSAGES.items()}
    topics["sw"]["9"] = "nobody judged this"
    qrels = {tag: [(str(row), f"{row}#0", 1) for row in range(3)] for tag in PASSAGES}
    qrels["sw"] += [("0", "3#0", 0), ("0", "4#0", 1)]
    return write_miracl(tmp_path_factory.mktemp("miracl"), topics, qrels, PASSAGES, shards=12 // 4)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A static encoder: a query with a passage's very words has its very vector."""
    args = ModelArguments(encoder="static", vocab_size=330, embedding_dimension=32, query_prompt="", passage_prompt="")
    texts = [text for texts in PASSAGES.values() for text in texts]
    return save_encoder(build_encoder(args, training_texts=texts * 20), tmp_path_factory.mktemp("m") / "model")


@pytest.fixture(scope="module")
def model(saved):
    return load_encoder(str(saved), device="cpu")


def test_topics_judgements_and_corpora_are_read(miracl):
    benchmark = load_benchmark("miracl", data_dir=miracl)
    assert benchmark.languages == ("sw", "te") and benchmark.settings == {"split": "dev"}
    swahili = benchmark.collections[0]
    assert list(swahili.query_ids) == ["0", "1", "2"]  # a query without a relevant passage is left out
    assert swahili.judgements[0] == {"0#0": 1, "3#0": 0, "4#0": 1}
    assert [path.name for path in swahili.corpus.files] == [f"docs-{n}.jsonl.gz" for n in range(3)]
    assert list(swahili.corpus.passages()) == [(f"{n}#0", text) for n, text in enumerate(PASSAGES["sw"])]
    assert load_benchmark("miracl", data_dir=miracl, languages=["te"]).languages == ("te",)


def test_files_are_taken_by_their_numbers(tmp_path):
    write_miracl(tmp_path, {"sw": {"0": "moja"}}, {"sw": [("0", "0#0", 1)]}, {"sw": ["a b"] * 12}, shards=12)
    files = load_benchmark("miracl", data_dir=tmp_path).collections[0].corpus.files
    assert [path.name for path in files] == [f"docs-{n}.jsonl.gz" for n in range(12)]


def test_measures_by_hand():
    collection = Collection("sw", ["q"], ["?"], [{"a": 1, "b": 1, "c": 0}], TextCorpus(["a"], ["a"]))
    ranking = ["c", "x", "b", *(f"y{n}" for n in range(97)), "a"]
    values = {name: array.tolist() for name, array in measure(collection, [ranking]).items()}
    ideal = 1 + 1 / np.log2(3)
    assert values == {
        "ndcg_at_10": [pytest.approx(0.5 / ideal)],  # b at rank 3: 1 / log2(4)
        "recall_at_100": [0.5],  # a is at rank 101
        "judged_at_10": [0.2],  # c and b
    }


def test_ndcg_of_grades_is_that_of_trec_eval():
    pytrec_eval = pytest.importorskip("pytrec_eval")
    rng = np.random.default_rng(0)
    for _ in range(30):
        grades = {f"d{n}": int(rng.integers(0, 4)) for n in rng.choice(30, 12, replace=False)}
        grades["d0"] = 2
        ranking = [f"d{n}" for n in rng.permutation(30)]
        run = {"q": {name: float(-rank) for rank, name in enumerate(ranking)}}
        expected = pytrec_eval.RelevanceEvaluator({"q": grades}, {"ndcg_cut.10"}).evaluate(run)["q"]["ndcg_cut_10"]
        assert ndcg(grades, ranking, 10) == pytest.approx(expected, abs=1e-12)


def test_each_language_searches_its_corpus(model, miracl, tmp_path):
    benchmark = load_benchmark("miracl", data_dir=miracl)
    evaluation = evaluate_corpora(model, benchmark, tmp_path, model_name="m", rows_per_shard=3)
    assert evaluation.passages == {"sw": 7, "te": 4}
    assert evaluation.per_query["te"]["ndcg_at_10"].tolist() == [1.0, 1.0, 1.0]
    assert evaluation.per_query["te"]["judged_at_10"].tolist() == [0.25] * 3  # one of four passages
    assert evaluation.per_query["sw"]["recall_at_100"].tolist() == [1.0] * 3
    assert evaluation.per_query["sw"]["ndcg_at_10"][1:].tolist() == [1.0, 1.0]
    assert evaluation.summary()["recall_at_100"] == 1.0
    assert "nDCG@10" in evaluation.table() and "Judged@10" in evaluation.table()
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.safetensors"))]
    again = evaluate_corpora(model, benchmark, tmp_path, model_name="m", rows_per_shard=3)
    assert again.per_language() == evaluation.per_language()
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.safetensors"))] == times


def test_the_command_evaluates_several_benchmarks(saved, miracl, tmp_path, capsys):
    output = tmp_path / "results.json"
    command = ["evaluate", str(saved), "--benchmark", "miracl", "cldr_qa", "--data_dir", f"miracl={miracl}"]
    options = ["--max_examples", "12", "--output", str(output), "--quiet"]
    assert main([*command, *options]) == 0
    shown = capsys.readouterr().out
    assert "on miracl" in shown and "on cldr_qa" in shown
    results = Results.load(tmp_path / "results.miracl.json")
    assert results.benchmark.candidates == 11 and results.benchmark.queries == 6
    assert results.measures["ndcg_at_10"].cells[1] == [None, 1.0]
    assert results.summary["mo_recall_at_100"] == 1.0
    assert (tmp_path / "results.miracl_vectors" / "sw" / "manifest.json").is_file()
    assert Results.load(tmp_path / "results.cldr_qa.json").benchmark.name == "cldr_qa"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--benchmark", "miracl"], "hf download miracl/miracl-corpus --repo-type dataset"),
        (["--benchmark", "miracl", "--hub_id", "miracl/miracl"], "name the --languages to download"),
        (["--benchmark", "miracl", "--data_dir", "{miracl}"], "--vectors: miracl needs a folder"),
        (["--benchmark", "miracl", "--data_dir", "{miracl}", "--languages", "fr"], "qrels|topics.*is missing"),
        (["--benchmark", "cldr_qa", "cldr_qa"], "names cldr_qa twice"),
        (["--benchmark", "cldr_qa", "miracl", "--data_dir", "x"], "write NAME=x, NAME one of cldr_qa, miracl"),
        (
            ["--benchmark", "miracl", "belebele", "--candidate_text", "sentence"],
            "none of miracl, belebele has an option",
        ),
        (["--benchmark", "cldr_qa", "nothing"], "unknown benchmark 'nothing'"),
    ],
)
def test_mistakes_are_one_line(saved, miracl, capsys, flags, message):
    import re

    assert main(["evaluate", str(saved), "--quiet", *(flag.format(miracl=miracl) for flag in flags)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and re.search(message, error), error


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("topics/topics", "no tab\n", "line 1: not `query id<TAB>question`"),
        ("topics/topics", "0\ta\n0\tb\n", "line 2: query '0' was there before"),
        ("qrels/qrels", "0 Q0 0#0\n", "line 1: not `query id, Q0, passage id, grade`"),
        ("qrels/qrels", "7\tQ0\t0#0\t1\n", "judges query '7'"),
        ("qrels/qrels", "0\tQ0\t0#0\t0\n", "no query has a relevant passage"),
    ],
)
def test_damaged_files(tmp_path, file, content, message):
    write_miracl(tmp_path, {"sw": {"0": "moja"}}, {"sw": [("0", "0#0", 1)]}, PASSAGES)
    (tmp_path / "miracl-v1.0-sw" / f"{file}.miracl-v1.0-sw-dev.tsv").write_text(content)
    with pytest.raises(InputError, match=message):
        load_benchmark("miracl", data_dir=tmp_path)


def test_a_missing_corpus_says_how_to_get_it(tmp_path):
    write_miracl(tmp_path, {"sw": {"0": "moja"}}, {"sw": [("0", "0#0", 1)]}, PASSAGES)
    (tmp_path / "miracl-corpus-v1.0-sw" / "docs-0.jsonl.gz").unlink()
    with pytest.raises(InputError, match="lacks miracl-corpus-v1.0-sw/docs-0.jsonl.gz: log in"):
        load_benchmark("miracl", data_dir=tmp_path)


def test_a_collection_needs_relevant_passages():
    with pytest.raises(InputError, match="query 'q' has no relevant passage"):
        Collection("sw", ["q"], ["?"], [{"a": 0}], TextCorpus(["a"], ["a"]))


@pytest.mark.skipif(not MIRACL_QUERIES.is_file(), reason="MIRACL's queries are not here (set HF_HYBRID_SHARED_DATA)")
def test_the_real_questions_of_miracl(model, tmp_path):
    """All development questions in 18 languages, each with itself as its passage: the search must find it first."""
    import pyarrow.parquet as pq

    rows = [
        row
        for row in pq.read_table(MIRACL_QUERIES).to_pylist()
        if row["set"] == "miracl" and row["split"] == "dev" and "\t" not in row["question"]
    ]
    topics: dict[str, dict[str, str]] = {}
    for row in rows:
        topics.setdefault(row["lang"], {})[row["qid"]] = row["question"]
    passages = {tag: list(dict.fromkeys(questions.values())) for tag, questions in topics.items()}
    numbers = {tag: {text: number for number, text in enumerate(texts)} for tag, texts in passages.items()}
    qrels = {
        tag: [(query, f"{numbers[tag][text]}#0", 1) for query, text in questions.items()]
        for tag, questions in topics.items()
    }
    folder = write_miracl(tmp_path / "miracl", topics, qrels, passages, shards=2)
    benchmark = load_benchmark("miracl", data_dir=folder)
    assert len(benchmark.languages) == 18
    counts = {each.language: len(each.queries) for each in benchmark.collections}
    assert counts["sw"] == 482 and counts["fi"] == 1271 and counts["yo"] == 119
    small = CorpusBenchmark("miracl", tuple(each for each in benchmark.collections if each.language in ("sw", "fr")))
    evaluation = evaluate_corpora(model, small, tmp_path / "v", model_name="m", rows_per_shard=100)
    assert evaluation.summary()["recall_at_100"] > 0.95


def two_systems(tmp_path: Path, values: dict[str, tuple[list[float], list[float]]], clusters=None) -> list[Path]:
    """Results files of A and B on corpora: language -> nDCG@10 per query of each."""
    collections = tuple(
        Collection(
            tag,
            [f"q{number}" for number in range(len(a))],
            ["?"] * len(a),
            [{"d": 1}] * len(a),
            TextCorpus(["d"], ["d"]),
            None if clusters is None else clusters[tag],
        )
        for tag, (a, _) in values.items()
    )
    benchmark = CorpusBenchmark("miracl", collections, {"split": "dev"})
    paths = []
    for side, name in enumerate("ab"):
        per_query = {
            tag: {
                "ndcg_at_10": np.array(both[side]),
                "recall_at_100": np.array(both[side]) / 2,
                "judged_at_10": np.full(len(both[side]), 0.25),
            }
            for tag, both in values.items()
        }
        evaluation = CorpusEvaluation("miracl", per_query, dict.fromkeys(values, 1), {}, {"dtype": "float32"})
        results = build_results(evaluation, benchmark, name)
        paths.append(results.save(tmp_path / f"{name}.json", queries=corpus_query_table(evaluation, benchmark)))
    return paths


def test_corpora_are_compared_query_by_query(tmp_path):
    rng = np.random.default_rng(0)
    noise = {tag: rng.uniform(0.2, 0.5, 40) for tag in ("sw", "te")}
    gain = {"sw": 0.2, "te": 0.0}
    values = {tag: (list(noise[tag]), list(noise[tag] + gain[tag] + rng.normal(0, 0.01, 40))) for tag in noise}
    a, b = two_systems(tmp_path, values)
    found = compare_results([a], [b], resamples=500)
    assert list(found["figures"]) == ["mo_ndcg_at_10", "mo_recall_at_100", "mo_judged_at_10"]
    entry = found["figures"]["mo_ndcg_at_10"]
    means = [np.mean([np.mean(values[tag][side]) for tag in values]) for side in (0, 1)]
    assert [entry["a"], entry["b"]] == pytest.approx(means, rel=1e-6) and entry["verdict"] == "B better"
    assert "p_not_worse" in entry and "p_not_worse" not in found["figures"]["mo_recall_at_100"]
    by_language = {tag: entries["mo_ndcg_at_10"] for tag, entries in found["per_language"].items()}
    assert by_language["sw"]["difference"] == pytest.approx(0.2, abs=0.01) and by_language["sw"]["p_holm"] < 0.05
    assert by_language["te"]["p_holm"] > 0.05
    assert found["settings"]["clusters"] == 80  # queries of one id in two languages are two
    report = comparison_report(found)
    assert "nDCG@10" in report and "Recall@100" in report and "mAP" not in report
    assert comparison_picture(found).axes[0].get_xlabel() == "B - A, nDCG@10 points"


def test_queries_of_one_passage_are_one_cluster(tmp_path):
    clusters = {"sw": ["p", "p", "r", "r"], "te": ["p", "s"]}
    a, b = two_systems(tmp_path, {"sw": ([0.1] * 4, [0.2] * 4), "te": ([0.1] * 2, [0.1] * 2)}, clusters)
    assert read_query_values(a, Results.load(a)).clusters.tolist() == [0, 0, 1, 1, 2, 3]
    assert compare_results([a], [b], resamples=100)["settings"]["clusters"] == 4
    with pytest.raises(InputError, match="clusters has 1 entries, not 2"):
        Collection("sw", ["a", "b"], ["?", "?"], [{"d": 1}] * 2, TextCorpus(["d"], ["d"]), ["p"])


def test_the_command_writes_values_that_compare_takes(saved, miracl, tmp_path, capsys):
    path = tmp_path / "a.json"
    command = ["evaluate", str(saved), "--benchmark", "miracl", "--data_dir", str(miracl), "--quiet"]
    assert main([*command, "--output", str(path)]) == 0
    values = read_query_values(path, Results.load(path))
    assert values.query_ids == ["0", "1", "2"] * 2 and values.query_languages.tolist() == [0, 0, 0, 1, 1, 1]
    assert values.values["ndcg_at_10"].mean() == pytest.approx(Results.load(path).summary["mo_ndcg_at_10"], rel=1e-6)
    assert main(["compare", str(path), str(path), "--resamples", "100"]) == 0
    assert "equal within the margin" in capsys.readouterr().out
