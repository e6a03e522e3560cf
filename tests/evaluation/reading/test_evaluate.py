"""Retrieve, then read: with a made-up reader whose answers are known, and through the command with a tiny real one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.benchmarks.benchmark import Benchmark
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.comparison import compare_results
from hf_hybrid.evaluation.comparison_report import comparison_report
from hf_hybrid.evaluation.encode_benchmark import EncodedBenchmark
from hf_hybrid.evaluation.query_file import query_path
from hf_hybrid.evaluation.reading.evaluate import ReadingOptions, evaluate_reading
from hf_hybrid.evaluation.reading.text import reading_report
from hf_hybrid.evaluation.results import Results
from hf_hybrid.reading.reader import ReadingSettings
from hf_hybrid.reading.spans import Span
from hf_hybrid.reading.windows import WindowSettings
from tests.reading.small_readers import TEXTS, small_tokenizer, store, write_squad

SMALL = ReadingOptions(k=2, settings=ReadingSettings(WindowSettings(100, 8), n_best=1, max_answer_tokens=6))
# Two languages; each question is answered by one passage.
PASSAGES = ["Nairobi is in Kenya", "Kisumu lies there, in Kenya, too", "Quito", "Lima"]


def benchmark(**changes) -> Benchmark:
    fields = {
        "name": "tiny",
        "languages": ("es", "sw"),
        "query_ids": ["es:1", "sw:1", "sw:2"],
        "queries": ["q2", "q0", "q1"],
        "query_languages": [0, 1, 1],
        "query_examples": [0, 1, 2],
        "candidate_ids": list("abcd"),
        "candidates": PASSAGES,
        "candidate_languages": [1, 1, 0, 0],
        "relevance_offsets": [0, 1, 2, 3],
        "relevance_candidates": [2, 0, 1],
        "clusters": [0, 1, 2],
        "answers": [("Quito",), ("Kenya", "in Kenya"), ("there",)],
    }
    return Benchmark(**{**fields, **changes})


@dataclass
class MadeUpReader:
    """Answers what it is told; counts what it is asked."""

    spans: dict[tuple[str, str], Span]
    asked: int = 0
    tokenizer = small_tokenizer(128)

    def describe(self) -> dict:
        return {"name": "made up", "revision": None, "weights_sha256": "0" * 64, "compute_dtype": "float32"}

    def read(self, questions, passages, settings, show_progress=False):
        self.asked += len(questions)
        assert len(set(zip(questions, passages, strict=True))) == len(questions), "nothing is read twice"
        return [[self.spans[pair]] if pair in self.spans else [] for pair in zip(questions, passages, strict=True)]


def vectors(scores: list[list[float]]) -> EncodedBenchmark:
    """Vectors whose products are these scores, query by candidate."""
    return EncodedBenchmark(torch.tensor(scores, dtype=torch.float32), torch.eye(len(scores[0])), "dot", {}, 0.0)


# q0 finds its passage second in its language, and not among the best two of all; q1 first; q2 first.
SCORES = [[0.0, 0.1, 0.9, 0.8], [0.3, 0.5, 0.7, 0.6], [0.2, 0.9, 0.1, 0.0]]
SPANS = {
    ("q2", PASSAGES[2]): Span("Quito", 0, 3.0, 0.0),
    ("q2", PASSAGES[3]): Span("Lima", 0, 2.0, 0.0),
    ("q0", PASSAGES[0]): Span("Kenya", 14, 2.0, 1.0),
    ("q0", PASSAGES[1]): Span("in Kenya, too", 18, 9.0, 9.5),  # a high score, but "no answer" is higher
    ("q0", PASSAGES[2]): Span("Quito", 0, 1.0, 0.0),
    ("q1", PASSAGES[1]): Span("lies there", 7, 1.0, 0.0),
}


def test_figures_by_hand():
    reader = MadeUpReader(SPANS)
    found = evaluate_reading(reader, vectors(SCORES), benchmark(), SMALL)
    assert found.answers["gold"] == ["Quito", "Kenya", "lies there"]
    assert found.answers["mo"] == ["Quito", "Kenya", "lies there"]
    # Of all languages q0 gets Quito and Lima; the latter has no span.
    assert found.answers["mul"] == ["Quito", "Quito", "lies there"]
    values = {name: array.tolist() for name, array in found.per_query.items()}
    f1 = 2 / 3  # "lies there" for "there"
    assert values["gold_em"] == [1, 1, 0] and values["gold_f1"] == pytest.approx([1, 1, f1])
    assert values["mo_em"] == [1, 1, 0] and values["mo_f1_loss"] == [0, 0, 0]
    assert values["mul_em"] == [1, 0, 0] and values["mul_f1"] == pytest.approx([1, 0, f1])
    assert values["mul_f1_loss"] == pytest.approx([0, 1, 0]) and values["mul_em_loss"] == [0, 1, 0]
    assert values["mo_passage_recall"] == [1, 1, 1] and values["mul_passage_recall"] == [1, 0, 1]
    assert values["mul_answer_recall"] == [1, 0, 1]
    # Languages count alike: Spanish has one question, Swahili two.
    assert found.summary()["mul_f1"] == pytest.approx((1 + (0 + f1) / 2) / 2)
    assert found.per_language()["sw"]["mul_em"] == 0.0
    report = reading_report(found)
    assert "gold passage" in report and re.search(r"mean +75\.00 +75\.00 +50\.00", report), report
    # Pools overlap with each other and with the gold passages: 4 + 4 + 3 pairs less those that are the same.
    assert reader.asked == found.facts["pairs"] == 8


def test_an_answer_may_stand_in_another_passage():
    found = evaluate_reading(
        MadeUpReader(SPANS), vectors([[0, 0, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0]]), benchmark(), replace(SMALL, k=1)
    )
    assert found.per_query["mo_passage_recall"].tolist() == [1, 0, 1]
    assert found.per_query["mo_answer_recall"].tolist() == [1, 1, 1]  # "in Kenya" is in Kisumu's passage, too


def test_the_retrievers_weight_decides_between_passages():
    spans = {**SPANS, ("q0", PASSAGES[1]): Span("Kisumu", 0, 1.5, 1.0)}
    plain = evaluate_reading(MadeUpReader(spans), vectors(SCORES), benchmark(), SMALL)
    weighted = evaluate_reading(MadeUpReader(spans), vectors(SCORES), benchmark(), replace(SMALL, retriever_weight=3))
    assert plain.answers["mo"][1] == "Kenya" and weighted.answers["mo"][1] == "Kisumu"  # .5 + 3 * .5 > 1 + 3 * .3
    assert weighted.answers["gold"] == plain.answers["gold"]


def test_perfect_retrieval_of_one_passage_loses_nothing():
    scores = [[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    found = evaluate_reading(MadeUpReader(SPANS), vectors(scores), benchmark(), replace(SMALL, k=1))
    for name in ("mo_em_loss", "mo_f1_loss", "mul_em_loss", "mul_f1_loss"):
        assert found.per_query[name].tolist() == [0, 0, 0]
    assert found.facts["pairs"] == 3


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"answers": None}, {}, "benchmark tiny has no answers to compare with"),
        (
            {"answers": [("Quito",), (), ()]},
            {},
            "2 of 3 questions of tiny have no answer in its files, such as 'sw:1'",
        ),
        ({}, {"k": 0}, "--reader_k must be at least 1"),
        ({}, {"retriever_weight": float("nan")}, "--retriever_weight must be a number"),
    ],
)
def test_refusals(changes, options, message):
    with pytest.raises(InputError, match=message):
        evaluate_reading(MadeUpReader(SPANS), vectors(SCORES), benchmark(**changes), replace(SMALL, **options))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """TyDi QA in small, a static encoder, and a random reader."""
    folder = tmp_path_factory.mktemp("command")
    write_squad(folder / "tydiqa" / "dev" / "en.json", range(12))
    write_squad(folder / "tydiqa" / "dev" / "fi.json", range(12, 20))
    write_squad(folder / "hidden" / "dev" / "en.json", range(6), answers=False)
    args = ModelArguments(encoder="static", vocab_size=330, embedding_dimension=16, query_prompt="", passage_prompt="")
    save_encoder(build_encoder(args, training_texts=TEXTS * 20), folder / "encoder")
    store(folder / "reader")
    store(folder / "other", seed=1)
    return folder


def command(files, reader="reader", data="tydiqa", *flags) -> list[str]:
    options = ["--benchmark", "tydiqa", "--data_dir", str(files / data), "--reader", str(files / reader)]
    return ["evaluate", str(files / "encoder"), *options, "--max_length", "100", "--stride", "8", "--quiet", *flags]


def test_the_command_keeps_everything_in_one_results_file_that_compare_takes(files, tmp_path, capsys):
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    for path, reader in zip(paths, ("reader", "other"), strict=True):
        assert main([*command(files, reader), "--reader_k", "3", "--output", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "the best 3 passages of each pool" in shown and "pool of the language" in shown
    results = Results.load(paths[0])
    assert results.reading.settings["k"] == 3 and results.reading.reader["name"].endswith("reader")
    table = pq.read_table(query_path(paths[0])).to_pylist()
    assert len(table) == 20 and {type(row["mo_answer"]) for row in table} == {str}
    of_finnish = [row["mo_f1"] for row in table if row["language"] == "fi"]
    assert results.per_language["fi"]["mo_f1"] == pytest.approx(np.mean(of_finnish), abs=1e-6)
    assert results.summary["mo_f1_loss"] == pytest.approx(results.summary["gold_f1"] - results.summary["mo_f1"])
    assert {"mo_map", "mul_map"} <= set(results.summary) and "cr_map" not in results.summary
    found = compare_results([paths[0]], [paths[1]], resamples=200)
    assert found["figures"]["mo_map"]["difference"] == 0  # one encoder, two readers
    entry = found["figures"]["mo_f1"]
    assert [entry["a"], entry["b"]] == pytest.approx([Results.load(path).summary["mo_f1"] for path in paths], abs=1e-6)
    assert "p_not_worse" in entry and "p_holm" in found["per_language"]["fi"]["gold_f1"]
    assert "gold passage, F1" in comparison_report(found)


def test_readings_under_other_settings_are_not_compared(files, tmp_path):
    paths = [tmp_path / f"{k}.json" for k in (1, 2)]
    for k, path in enumerate(paths, start=1):
        assert main([*command(files), "--reader_k", str(k), "--output", str(path)]) == 0
    with pytest.raises(InputError, match="reading.settings is .*'k': 1.*in the first and .*'k': 2"):
        compare_results([paths[0]], [paths[1]], resamples=100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reader", "hidden"], "6 of 6 questions of tydiqa have no answer in its files"),
        (["encoder"], "reader: .*cannot load|cannot load .*encoder for question answering"),
        (["reader", "tydiqa", "--max_length", "500"], "--max_length 500 is above the reader's limit of 128"),
        (["reader", "tydiqa", "--benchmark", "cldr_qa"], "benchmark cldr_qa has no answers"),
        (["reader", "tydiqa", "--benchmark", "tydiqa_by_language"], "tydiqa_by_language has no answers"),
    ],
)
def test_mistakes_are_one_line(files, capsys, arguments, message):
    words = command(files, *arguments)
    if "cldr_qa" in words:
        words = [word for word in words if word not in ("--data_dir", str(files / "tydiqa"))]
    assert main(words) == 2
    # transformers shows a bar while it loads the reader.
    error = capsys.readouterr().err.rstrip("\n").rpartition("\n")[2]
    assert re.search(message, error), error


def test_hidden_answers_do_not_hinder_retrieval(files):
    assert load_benchmark("tydiqa", data_dir=files / "hidden").num_queries == 6
