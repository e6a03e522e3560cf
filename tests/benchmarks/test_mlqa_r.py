import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.benchmarks.mlqa_r import PUBLISHED_COUNTS
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import evaluate_embeddings

SHARED = Path(os.environ.get("HF_HYBRID_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
REAL = SHARED / "lareqa" / "mlqa-r"

# language -> paragraphs of (sentences, [(question id, sentence that answers it)]). q1 is in three languages, q2 in
# two, q3 in one; the English article asks q1 and q2 about one paragraph, the German one about two.
PARAGRAPHS = {
    "de": [(["Eins.", "Zwei."], [("q1", 1)]), (["Drei."], [("q2", 0)])],
    "en": [(["One.", "Two.", "Three."], [("q1", 1), ("q2", 2)]), (["Four."], [("q3", 0)])],
    "es": [(["Uno."], []), (["Dos."], [("q1", 0)])],
}


@pytest.fixture
def folder(tmp_path):
    for tag, paragraphs in PARAGRAPHS.items():
        rows = []
        for sentences, questions in paragraphs:
            context = " ".join(sentences)
            starts = [context.index(sentence) for sentence in sentences]
            breaks = [[start, start + len(sentence)] for start, sentence in zip(starts, sentences, strict=True)]
            qas = [
                {"id": name, "question": f"{name} in {tag}?", "answers": [{"text": "", "answer_start": starts[index]}]}
                for name, index in questions
            ]
            rows.append({"context": context, "sentences": sentences, "sentence_breaks": breaks, "qas": qas})
        document = {"version": 1.0, "data": [{"title": tag, "paragraphs": rows}]}
        (tmp_path / f"{tag}.json").write_text(json.dumps(document))
    return tmp_path


def load(folder, **options):
    return load_benchmark("mlqa_r", data_dir=folder, languages=["de", "en", "es"], **options)


def test_a_question_is_answered_in_the_languages_that_have_it(folder):
    benchmark = load(folder)
    offsets = benchmark.relevance_offsets
    found = {
        name: [benchmark.candidates[c] for c in benchmark.relevance_candidates[offsets[row] : offsets[row + 1]]]
        for row, name in enumerate(benchmark.query_ids)
    }
    assert found == {
        "de:q1": ["Zwei.", "Two.", "Dos."],
        "de:q2": ["Drei.", "Three."],
        "en:q1": ["Zwei.", "Two.", "Dos."],
        "en:q2": ["Drei.", "Three."],
        "en:q3": ["Four."],
        "es:q1": ["Zwei.", "Two.", "Dos."],
    }


def test_a_paragraph_shared_in_one_language_ties_the_questions_in_all(folder):
    benchmark = load(folder)
    cluster = dict(zip(benchmark.query_ids, benchmark.clusters.tolist(), strict=True))
    assert cluster["de:q1"] == cluster["de:q2"] == cluster["en:q1"] == cluster["es:q1"] != cluster["en:q3"]
    # The second paragraphs of the three languages have nothing to do with each other.
    assert len(set(cluster.values())) == 2


def test_the_queries_of_a_cell_have_an_answer_in_its_language(folder):
    benchmark = load(folder)
    queries = torch.eye(benchmark.num_queries, 8)
    candidates = torch.zeros(benchmark.num_candidates, 8)
    texts = list(benchmark.candidates)
    # Only en:q2 finds its German answer; en:q1 misses it, and en:q3 has none and must not count.
    candidates[texts.index("Drei."), benchmark.query_ids.index("en:q2")] = 1
    candidates[texts.index("Eins."), benchmark.query_ids.index("en:q1")] = 1
    candidates[texts.index("Drei."), benchmark.query_ids.index("en:q1")] = 0.5
    evaluation = evaluate_embeddings(queries, candidates, benchmark)
    row, column = benchmark.languages.index("en"), benchmark.languages.index("de")
    assert evaluation.matrix[row, column] == pytest.approx((1 + 1 / 3) / 2)
    per_query = evaluation.per_query["map_by_language"]
    assert np.isnan(per_query[benchmark.query_ids.index("en:q3"), column])


def test_other_counts_than_the_published_are_said(folder, caplog):
    benchmark = load(folder)
    assert benchmark.settings["published_counts"] is False
    assert "de has 2 questions and 3 sentences instead of 512 and 2362" in caplog.text


def test_the_way_to_get_it_is_said(tmp_path):
    with pytest.raises(InputError, match=r"CC BY-NC 4.0.*git show b91469b\^:mlqa-r/\$l.json > DIR"):
        load_benchmark("mlqa_r")
    with pytest.raises(InputError, match="lacks ar.json, de.json"):
        load_benchmark("mlqa_r", data_dir=tmp_path)
    with pytest.raises(InputError, match="MLQA-R has no language 'tr'"):
        load_benchmark("mlqa_r", data_dir=tmp_path, languages=["tr"])


def test_the_table_has_the_published_totals():
    assert sum(sentences for _, sentences in PUBLISHED_COUNTS.values()) == 20_534
    assert sum(questions for questions, _ in PUBLISHED_COUNTS.values()) == 4_199


@pytest.mark.skipif(not REAL.is_dir(), reason="MLQA-R is not here (set HF_HYBRID_SHARED_DATA)")
def test_the_real_data_have_the_published_counts():
    benchmark = load_benchmark("mlqa_r", data_dir=REAL)
    assert benchmark.settings["published_counts"] is True
    languages_of_example = np.bincount(np.unique(benchmark.query_examples, return_counts=True)[1])
    assert languages_of_example.tolist() == [0, 0, 65, 263, 820]
