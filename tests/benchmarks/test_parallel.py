import numpy as np
import pytest

from hf_hybrid.benchmarks import Benchmark, load_benchmark
from hf_hybrid.errors import InputError
from tests.conftest import make_pairs


def row(identifier, lang, query, passage, passage_id=None):
    return {"id": identifier, "lang": lang, "query": query, "passage": passage, "passage_id": passage_id or identifier}


ROWS = [
    row("q1", "de", "Frage 1", "Absatz A", "A"),
    row("q1", "en", "question 1", "paragraph A", "A"),
    row("q2", "en", "question 2", "paragraph A", "A"),
    row("q3", "en", None, "paragraph B", "B"),
    row("q3", "yo", "ibeere 3", None, "B"),
    row("q4", "yo", "ibeere 4", None, "C"),
]


def relevant_ids(benchmark: Benchmark) -> dict[str, list[str]]:
    offsets = benchmark.relevance_offsets
    return {
        name: [benchmark.candidate_ids[c] for c in benchmark.relevance_candidates[offsets[q] : offsets[q + 1]]]
        for q, name in enumerate(benchmark.query_ids)
    }


def test_relevant_are_the_passages_of_the_passage_id_in_every_language():
    benchmark = Benchmark.from_pairs(make_pairs(ROWS))
    assert benchmark.languages == ("de", "en", "yo")
    assert relevant_ids(benchmark) == {
        "de:q1": ["de:A", "en:A"],
        "en:q1": ["de:A", "en:A"],
        "en:q2": ["de:A", "en:A"],
        "yo:q3": ["en:B"],
    }
    assert sorted(benchmark.candidate_ids) == ["de:A", "en:A", "en:B"]
    assert benchmark.queries == ["Frage 1", "question 1", "question 2", "ibeere 3"]
    examples, clusters = benchmark.query_examples, benchmark.clusters
    assert examples[0] == examples[1] and len(set(examples.tolist())) == 3
    assert clusters[0] == clusters[1] == clusters[2] != clusters[3]


def test_two_texts_of_one_passage_id_are_two_candidates():
    rows = [row("q1", "en", "one", "text one", "A"), row("q2", "en", "two", "text two", "A")]
    benchmark = Benchmark.from_pairs(make_pairs(rows))
    assert relevant_ids(benchmark) == {"en:q1": ["en:A", "en:A#2"], "en:q2": ["en:A", "en:A#2"]}


def test_max_examples_keeps_whole_examples_and_ignores_the_order_of_rows(parallel_pairs):
    few = Benchmark.from_pairs(parallel_pairs, max_examples=10, seed=3)
    more = Benchmark.from_pairs(parallel_pairs, max_examples=20, seed=3)
    assert few.num_queries == 10 * len(parallel_pairs.languages)
    assert set(few.query_ids) < set(more.query_ids)
    shuffled = make_pairs(parallel_pairs.dataset.shuffle(seed=1).to_list())
    assert set(Benchmark.from_pairs(shuffled, max_examples=10, seed=3).query_ids) == set(few.query_ids)
    other_seed = Benchmark.from_pairs(parallel_pairs, max_examples=10, seed=4)
    assert set(other_seed.query_ids) != set(few.query_ids)
    assert few.settings == {"max_examples": 10, "seed": 3}


def test_ragged_data_has_a_query_for_every_question(ragged_pairs):
    benchmark = Benchmark.from_pairs(ragged_pairs)
    yoruba = benchmark.languages.index("yo")
    assert (benchmark.candidate_languages != yoruba).all()
    assert (benchmark.query_languages == yoruba).sum() == 600
    counts = np.diff(benchmark.relevance_offsets)
    assert counts.min() >= 1


def test_data_without_questions_is_refused():
    with pytest.raises(InputError, match="no question with a passage"):
        Benchmark.from_pairs(make_pairs([row("q1", "en", None, "passage"), row("q2", "en", "question", None)]))


def test_fewer_than_one_example_is_refused(parallel_pairs):
    with pytest.raises(InputError, match="max_examples must be at least 1"):
        Benchmark.from_pairs(parallel_pairs, max_examples=0)


def test_the_embedded_benchmark_loads():
    benchmark = load_benchmark("cldr_qa", max_examples=20)
    assert len(benchmark.languages) >= 18
    assert benchmark.settings["max_examples"] == 20
    assert len(set(benchmark.query_examples.tolist())) == 20
