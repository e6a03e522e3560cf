"""The three forms of input: equal where they tell the same, and equal to pytrec_eval where lists are cut."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.metric.output import compute_metric
from hf_hybrid.metric.rank_rows import evaluate_rank_rows
from hf_hybrid.metric.top_k_rows import evaluate_top_k_rows
from tests.metric.runs import LANGUAGES, embedding_run, rank_run, top_k_run


def figures(result: dict) -> dict[str, float]:
    return {name: value for name, value in result.items() if isinstance(value, float)}


def test_three_forms_of_one_search_agree():
    columns, keywords = embedding_run()
    embeddings = compute_metric("embeddings", columns, keywords)
    lists = compute_metric("top_k", *top_k_run(columns, keywords))
    ranks = compute_metric("ranks", *rank_run(columns, keywords))
    assert figures(lists) == pytest.approx(figures(embeddings), abs=1e-12)
    assert lists["matrix"] == embeddings["matrix"] and lists["bias"] == embeddings["bias"]
    assert lists["language_share"] == embeddings["language_share"] and lists["notes"] == embeddings["notes"] == []
    of_top = {name for name in figures(embeddings) if "share_at" in name or "divergence" in name or "awrf" in name}
    assert set(figures(embeddings)) - set(figures(ranks)) == of_top and len(of_top) == 4
    assert figures(ranks) == pytest.approx({name: embeddings[name] for name in figures(ranks)}, abs=1e-12)
    assert ranks["matrix"] == embeddings["matrix"] and "are left out" in ranks["notes"][0]
    assert 0 < embeddings["mul_map"] < embeddings["mo_map"] < 1 and embeddings["kendall_w"] > 0


def test_by_hand():
    columns = {
        "query_id": ["q1-de", "q1-en"],
        "query_language": ["de", "en"],
        "candidate_languages": [["de", "en"], ["de", "en"]],
        "pool_ranks": [[1, 4], [3, 1]],
        "language_ranks": [[1, 2], [2, 1]],
    }
    result = compute_metric("ranks", columns, {"pool_sizes": {"de": 5, "en": 5}, "k": 3})
    assert result["matrix"] == [[1.0, 0.5], [0.5, 1.0]]
    assert (result["mo_map"], result["cr_map"]) == (1.0, 0.5)
    assert result["mul_map"] == pytest.approx(((1 + 2 / 4) / 2 + (1 + 2 / 3) / 2) / 2)
    assert result["rank_distance"] == (3 + 2) / 2
    assert result["rank_distance_normalised"] == pytest.approx(2.5 / 9)
    assert result["mul_recall_at_3"] == 0.75 and result["mul_mrr"] == 1.0
    assert result["mul_ndcg_at_3"] == pytest.approx((1 / (1 + 1 / math.log2(3)) + 1.5 / (1 + 1 / math.log2(3))) / 2)
    assert result["max_rank"] == 3.5 and result["num_queries"] == 2


@st.composite
def cut_runs(draw):
    """Few scores, so that many are tied; lists of any length, empty ones too."""
    num_candidates = draw(st.integers(2, 9))
    pool = {f"c{number}": draw(st.sampled_from(LANGUAGES)) for number in range(num_candidates)}
    run, scores, relevance = [], [], {}
    for query in range(draw(st.integers(1, 4))):
        listed = draw(st.lists(st.sampled_from(sorted(pool)), unique=True))
        run.append(listed)
        scores.append(draw(st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=len(listed), max_size=len(listed))))
        relevance[f"q{query}"] = draw(st.lists(st.sampled_from(sorted(pool)), unique=True, min_size=1))
    return pool, run, scores, relevance


@given(cut_runs(), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_cut_lists_are_measured_as_by_trec_eval(sample, k):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    pool, run, scores, relevance = sample
    queries = list(relevance)
    evaluation, notes = evaluate_top_k_rows(
        queries, ["de"] * len(queries), run, scores, candidate_languages=pool, relevance=relevance, ties="trec", k=k
    )
    measures = {"map", f"recall.{k}", f"ndcg_cut.{k}", "recip_rank"}
    names = {"map": "map", f"recall_{k}": f"recall_at_{k}", f"ndcg_cut_{k}": f"ndcg_at_{k}", "recip_rank": "mrr"}

    def mean(language: str | None, measure: str) -> float:
        values = []
        for number, query in enumerate(queries):
            kept = {name for name, tag in pool.items() if language in (None, tag)}
            judged = {name: 1 for name in relevance[query] if name in kept}
            listed = {name: score for name, score in zip(run[number], scores[number], strict=True) if name in kept}
            if judged:
                # An empty list is dropped by pytrec_eval; an irrelevant candidate that nobody knows changes nothing.
                evaluator = pytrec_eval.RelevanceEvaluator({query: judged}, measures)
                values.append(evaluator.evaluate({query: listed or {"unknown": 0.0}})[query][measure])
        return float(np.mean(values)) if values else math.nan

    code = {tag: number for number, tag in enumerate(evaluation.languages)}
    for theirs, ours in names.items():
        scores_of = evaluation.measures[ours]
        assert scores_of.pool[code["de"]] == pytest.approx(mean(None, theirs), abs=1e-12)
        for tag in set(pool.values()):
            assert scores_of.cells[code["de"], code[tag]] == pytest.approx(mean(tag, theirs), abs=1e-12, nan_ok=True)
    found = sum(len(set(run[number]) & set(relevance[query])) for number, query in enumerate(queries))
    total = sum(map(len, relevance.values()))
    assert any(note.startswith(f"{found} of {total} relevant") for note in notes) == (found < total)
    assert ("max_rank" in evaluation.summary()) == (found == total)


def test_a_cut_list_keeps_the_languages_at_the_top_and_says_what_it_leaves_out():
    columns, keywords = embedding_run()
    whole = compute_metric("embeddings", columns, {**keywords, "k": 5})
    cut = compute_metric(
        "top_k", *(part | {"k": 5} if "relevance" in part else part for part in top_k_run(columns, keywords, 5))
    )
    for name in (
        "own_language_share_at_5",
        "language_divergence_at_5",
        "awrf_at_5",
        "awrf_min_max_at_5",
        "mul_recall_at_5",
    ):
        assert cut[name] == pytest.approx(whole[name], abs=1e-12), name
    assert cut["mul_map"] < whole["mul_map"] and "rank_distance" not in cut and cut["bias"]["peer"]["value"] is None
    assert "lower bounds" in cut["notes"][0]


def test_lists_shorter_than_k_are_left_out_of_the_languages_at_the_top():
    columns, keywords = embedding_run()
    lists, kept = top_k_run(columns, keywords, 10)
    lists["candidate_ids"][0], lists["scores"][0] = lists["candidate_ids"][0][:4], lists["scores"][0][:4]
    result = compute_metric("top_k", lists, kept)
    assert result["notes"][1] == "1 queries list fewer than 10 candidates and are left out of the languages at the top"
    assert "own_language_share_at_10" in result
    assert "own_language_share_at_10" not in compute_metric("top_k", *top_k_run(columns, keywords, 3))


def test_tied_scores_share_their_places():
    pool = {"a": "de", "b": "en", "c": "de"}
    evaluation, _ = evaluate_top_k_rows(
        ["q"], ["de"], [["a", "b", "c"]], [[1.0, 1.0, 0.0]], candidate_languages=pool, relevance={"q": ["a"]}, k=1
    )
    assert evaluation.mul == (1 + 1 / 2) / 2
    assert evaluation.language_share.top_by_language[0].tolist() == [0.5, 0.5]


def test_a_big_pool_is_given_by_its_sizes():
    lists = {"query_id": ["q"], "query_language": ["yo"], "candidate_ids": [["a", "b"]], "scores": [[1.0, 0.5]]}
    keywords = {"candidate_languages": {"a": "en", "b": "en"}, "relevance": {"q": ["a"]}, "k": 2}
    result = compute_metric("top_k", lists, {**keywords, "pool_sizes": {"en": 30_000_000, "de": 10_000_000}})
    assert result["languages"] == ["de", "en", "yo"] and result["cr_map"] == 1.0 and "mo_map" not in result
    assert result["language_share"]["top"][2] == [0.0, 1.0, 0.0]


def test_clusters_are_what_tests_of_language_bias_count():
    columns, keywords = rank_run(*embedding_run())
    clusters = {query: query[1] for query in columns["query_id"]}  # q1, q10 and q11 are of one paragraph
    tests = compute_metric("ranks", columns, {**keywords, "clusters": clusters})["bias"]["friedman"]["tests"]
    assert {test["blocks"] for test in tests.values()} == {12}
    assert {test["clusters"] for test in tests.values()} == {10}


def test_embeddings_may_be_tensors_and_scores_dot_products():
    import torch

    columns, keywords = embedding_run()
    plain = compute_metric("embeddings", columns, keywords)
    tensors = {**columns, "embedding": torch.tensor(columns["embedding"])}
    given_tensor = {**keywords, "candidate_embeddings": torch.tensor(keywords["candidate_embeddings"])}
    assert compute_metric("embeddings", tensors, given_tensor) == plain
    longer = {**keywords, "candidate_embeddings": keywords["candidate_embeddings"] * np.linspace(1, 5, 60)[:, None]}
    assert figures(compute_metric("embeddings", columns, longer)) == pytest.approx(figures(plain), abs=1e-6)
    assert compute_metric("embeddings", columns, {**longer, "similarity": "dot"})["mul_map"] != plain["mul_map"]


def test_rank_rows_give_an_evaluation():
    columns, keywords = rank_run(*embedding_run())
    evaluation, _ = evaluate_rank_rows(**columns, **keywords)
    assert evaluation.matrix.shape == (3, 3) and np.isnan(evaluation.language_share.own)


@pytest.mark.parametrize("config", ["top_k", "embeddings"])
def test_grades_above_zero_are_relevant(config):
    """Judged and not relevant is not relevant, as pytrec_eval says."""
    pytrec_eval = pytest.importorskip("pytrec_eval")
    grades = {"d1": 0, "d2": 2, "e1": 1, "e2": -1, "unknown": 0}
    scores = {"d1": 0.9, "d2": 0.4, "e1": 0.1, "e2": 0.5}
    languages = {"d1": "de", "d2": "de", "e1": "en", "e2": "en"}
    columns = {"query_id": ["q"], "query_language": ["de"]}
    if config == "top_k":
        columns |= {"candidate_ids": [list(scores)], "scores": [list(scores.values())]}
        keywords = {"candidate_languages": languages}
    else:
        columns["embedding"] = [[1.0]]
        keywords = {
            "candidate_ids": list(scores),
            "candidate_embeddings": [[score] for score in scores.values()],
            "candidate_languages": list(languages.values()),
            "similarity": "dot",
        }
    expected = pytrec_eval.RelevanceEvaluator({"q": grades}, {"map"}).evaluate({"q": scores})["q"]["map"]
    graded = compute_metric(config, columns, {**keywords, "relevance": {"q": grades}})
    assert graded["mul_map"] == pytest.approx(expected) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert graded == compute_metric(config, columns, {**keywords, "relevance": {"q": ["d2", "e1"]}})
