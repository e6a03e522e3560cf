import json
import math

import numpy as np
import pytest
import torch

from hf_hybrid.benchmarks import Benchmark
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.evaluate import HybridEvaluator, evaluate_embeddings, evaluate_model
from tests.rankings import trec_measures, unit_vectors


def lists(benchmark: Benchmark) -> list[list[int]]:
    bounds = zip(benchmark.relevance_offsets[:-1], benchmark.relevance_offsets[1:], strict=True)
    return [benchmark.relevance_candidates[start:end].tolist() for start, end in bounds]


@pytest.fixture(scope="module")
def benchmark(ragged_pairs):
    return Benchmark.from_pairs(ragged_pairs, max_examples=40)


@pytest.fixture(scope="module")
def vectors(benchmark):
    return unit_vectors(benchmark.num_queries), unit_vectors(benchmark.num_candidates, seed=1)


@pytest.mark.parametrize("ties", ["expected", "trec"])
def test_settings_equal_pytrec_eval_cell_by_cell(benchmark, vectors, ties):
    evaluation = evaluate_embeddings(*vectors, benchmark, ties=ties)
    scores, relevant = (vectors[0] @ vectors[1].T).numpy(), lists(benchmark)
    names = list(benchmark.candidate_ids)
    in_pool = [row["map"] for row in trec_measures(scores, relevant, names, {"map"})]
    assert np.abs(evaluation.per_query["map_pool"] - in_pool).max() < 1e-12
    for row, _ in enumerate(benchmark.languages):
        for column, _ in enumerate(benchmark.languages):
            columns = np.flatnonzero(benchmark.candidate_languages == column)
            place = {int(candidate): position for position, candidate in enumerate(columns)}
            asked = [
                (q, inside)
                for q in np.flatnonzero(benchmark.query_languages == row)
                if (inside := [place[c] for c in relevant[q] if c in place])
            ]
            if not asked:
                assert math.isnan(evaluation.matrix[row, column])
                continue
            oracle = trec_measures(
                scores[[q for q, _ in asked]][:, columns], [i for _, i in asked], [names[c] for c in columns], {"map"}
            )
            assert evaluation.matrix[row, column] == pytest.approx(np.mean([v["map"] for v in oracle]), abs=1e-12)
    by_language = [
        np.mean([v for v, code in zip(in_pool, benchmark.query_languages, strict=True) if code == language])
        for language in range(len(benchmark.languages))
    ]
    assert evaluation.mul == pytest.approx(np.mean(by_language), abs=1e-12)


def test_perfect_vectors_score_one():
    benchmark = Benchmark(
        name="perfect",
        languages=("de", "en"),
        query_ids=["a", "b"],
        queries=["a", "b"],
        query_languages=[0, 1],
        query_examples=[0, 0],
        candidate_ids=["c", "d", "e"],
        candidates=["c", "d", "e"],
        candidate_languages=[0, 1, 1],
        relevance_offsets=[0, 2, 4],
        relevance_candidates=[0, 1, 0, 1],
        clusters=[0, 0],
    )
    queries = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    candidates = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    evaluation = evaluate_embeddings(queries, candidates, benchmark, k=2)
    summary = evaluation.summary()
    for name in ("mo_map", "cr_map", "mul_map", "mean_map", "mul_recall_at_2", "mul_mrr", "mul_ndcg_at_2"):
        assert summary[name] == pytest.approx(1.0), name
    assert summary["rank_distance"] == 1.0 and summary["rank_distance_normalised"] == 0.5
    assert summary["own_language_share_at_2"] == 0.5
    assert evaluation.per_language()["en"]["mul_map"] == pytest.approx(1.0)
    assert all(isinstance(value, float) for value in summary.values())
    assert not any("/" in name or " " in name for name in summary)


def parallel_benchmark(languages: int, questions: int, per_cluster: int = 2) -> Benchmark:
    """Every question and its one answer in every language."""
    total = languages * questions
    codes = np.repeat(np.arange(languages), questions)
    relevant = (np.arange(questions)[:, None] + np.arange(languages) * questions).tolist() * languages
    return Benchmark(
        name="parallel",
        languages=tuple("abcdefgh"[:languages]),
        query_ids=[str(i) for i in range(total)],
        queries=["x"] * total,
        query_languages=codes,
        query_examples=np.tile(np.arange(questions), languages),
        candidate_ids=[str(i) for i in range(total)],
        candidates=["x"] * total,
        candidate_languages=codes,
        relevance_offsets=np.arange(total + 1) * languages,
        relevance_candidates=np.concatenate(relevant),
        clusters=np.tile(np.arange(questions) // per_cluster, languages),
    )


def biased_vectors(benchmark: Benchmark, strength: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Questions and answers share a meaning; every text leans towards its language."""
    meanings, leanings = unit_vectors(len(set(benchmark.query_examples)), 32), unit_vectors(8, 32, seed=5)
    meaning = meanings[torch.from_numpy(benchmark.query_examples)]
    both = [meaning + strength * leanings[torch.from_numpy(benchmark.query_languages)] for _ in range(2)]
    noisy = [vectors + 1.2 * unit_vectors(len(vectors), 32, seed=index) for index, vectors in enumerate(both)]
    return tuple(torch.nn.functional.normalize(vectors, dim=1) for vectors in noisy)


def test_bias_measures_see_the_bias_that_is_there():
    benchmark = parallel_benchmark(4, 60)
    fair, biased = (evaluate_embeddings(*biased_vectors(benchmark, strength), benchmark) for strength in (0.0, 1.0))
    low, high = fair.summary(), biased.summary()
    for name in ("one_target_own_advantage", "kendall_w", "language_divergence_at_10", "mlrs_own"):
        assert high[name] > low[name] + 0.05, name
    for name in ("awrf_at_10", "awrf_min_max_at_10"):
        assert high[name] < low[name] - 0.05, name
    assert abs(low["one_target_own_advantage"]) < 0.1 and low["kendall_w"] < 0.1
    # The own language leads: mean rank near 1 on the diagonal.
    assert np.diagonal(biased.bias.mean_ranks).max() < 1.5
    tests = biased.bias.friedman, biased.bias.friedman_clusters
    assert [one.blocks for one in tests[0]] == [60] * 4 and [one.blocks for one in tests[1]] == [30] * 4
    assert "peer" not in high and biased.bias.peer.reason.startswith("no query has two")
    assert set(biased.per_language()["a"]) >= {"kendall_w", "friedman_p_value_of_clusters", "awrf", "max_rank"}
    assert high["max_rank"] == pytest.approx(np.nanmean(biased.per_query["max_rank"]))
    own = biased.per_query["own_language_share"]
    assert own.mean() == pytest.approx(high["own_language_share_at_10"])


def test_one_target_equals_a_search_without_the_other_targets(benchmark, vectors):
    evaluation = evaluate_embeddings(*vectors, benchmark)
    scores = (vectors[0] @ vectors[1].T).numpy()
    for query, relevant in list(enumerate(lists(benchmark)))[:20]:
        for language in range(len(benchmark.languages)):
            targets = [c for c in relevant if benchmark.candidate_languages[c] == language]
            expected = []
            for target in targets:
                kept = [c for c in range(benchmark.num_candidates) if c == target or c not in relevant]
                expected.append(1 / (1 + (scores[query, kept] > scores[query, target]).sum()))
            found = evaluation.per_query["one_target"][query, language]
            assert found == pytest.approx(np.mean(expected) if expected else np.nan, abs=1e-12, nan_ok=True)


def test_data_that_are_not_parallel_have_no_friedman_test_and_say_so(benchmark, vectors):
    bias = evaluate_embeddings(*vectors, benchmark).bias  # Yoruba has no answers, Thai half of them
    assert bias.friedman == (None,) * len(benchmark.languages) and "exactly one relevant" in bias.friedman_reason


def test_figures_that_do_not_exist_are_left_out():
    benchmark = Benchmark("one", ("en",), ["q"], ["q"], [0], [0], ["c"], ["c"], [0], [0, 1], [0], [0])
    evaluation = evaluate_embeddings(torch.ones(1, 1), torch.ones(1, 1), benchmark)
    summary = evaluation.summary()
    assert "cr_map" not in summary and "rank_distance" not in summary
    assert summary["mean_map"] == 1.0


def test_random_vectors_have_the_rank_distance_that_theory_gives():
    languages, questions = 5, 200
    total = languages * questions
    codes = np.repeat(np.arange(languages), questions)
    relevant = (np.arange(questions)[:, None] + np.arange(languages) * questions).tolist() * languages
    benchmark = Benchmark(
        name="random",
        languages=tuple("abcde"),
        query_ids=[str(i) for i in range(total)],
        queries=["x"] * total,
        query_languages=codes,
        query_examples=np.tile(np.arange(questions), languages),
        candidate_ids=[str(i) for i in range(total)],
        candidates=["x"] * total,
        candidate_languages=codes,
        relevance_offsets=np.arange(total + 1) * languages,
        relevance_candidates=np.concatenate(relevant),
        clusters=np.tile(np.arange(questions), languages),
    )
    evaluation = evaluate_embeddings(unit_vectors(total, 64), unit_vectors(total, 64, seed=9), benchmark)
    distances = evaluation.per_query["rank_distance"]
    expected = (languages - 1) / (languages + 1) * (total + 1)
    # Parallel questions share their candidates: 200 questions are independent, not 1,000 queries.
    assert abs(evaluation.rank_distance.mean - expected) < 4 * distances.std() / questions**0.5
    assert evaluation.language_share.own == pytest.approx(1 / languages, abs=0.03)


def test_wrong_input_is_named(benchmark, vectors):
    queries, candidates = vectors
    with pytest.raises(InputError, match="ties is 'best': choose one of expected, trec"):
        evaluate_embeddings(queries, candidates, benchmark, ties="best")
    with pytest.raises(InputError, match="k must be at least 1"):
        evaluate_embeddings(queries, candidates, benchmark, k=0)
    with pytest.raises(InputError, match="query vectors for a benchmark of"):
        evaluate_embeddings(queries[1:], candidates, benchmark)
    broken = queries.clone()
    broken[3] = float("nan")
    with pytest.raises(InputError, match=f"query {benchmark.query_ids[3]!r} is not finite"):
        evaluate_embeddings(broken, candidates, benchmark)


@pytest.fixture(scope="module")
def encoder(benchmark):
    from hf_hybrid.arguments import ModelArguments
    from hf_hybrid.encoders.models import build_encoder

    args = ModelArguments(encoder="static", vocab_size=300, embedding_dimension=16)
    return build_encoder(args, training_texts=list(benchmark.queries) + list(benchmark.candidates))


def test_a_model_is_evaluated_with_its_prompts(benchmark, encoder):
    evaluation = evaluate_model(encoder, benchmark, show_progress=False)
    queries = torch.from_numpy(encoder.encode(list(benchmark.queries), prompt="Query: ", normalize_embeddings=True))
    candidates = torch.from_numpy(
        encoder.encode(list(benchmark.candidates), prompt="Passage: ", normalize_embeddings=True)
    )
    given = evaluate_embeddings(queries, candidates, benchmark)
    assert evaluation.summary() == pytest.approx(given.summary(), abs=1e-6)
    assert evaluation.settings["query_prompt"] == "Query: " and evaluation.settings["max_seq_length"] is None
    plain = evaluate_model(encoder, benchmark, query_prompt="", passage_prompt="", show_progress=False)
    assert plain.settings["query_prompt"] == "" and plain.summary() != evaluation.summary()
    assert evaluation.seconds["encode"] > 0


def test_the_prompt_that_a_model_takes_for_everything_is_recorded(benchmark, encoder, monkeypatch):
    monkeypatch.setattr(encoder, "prompts", {"all": "Text: "})
    monkeypatch.setattr(encoder, "default_prompt_name", "all")
    by_default = evaluate_model(encoder, benchmark, show_progress=False)
    given = evaluate_model(encoder, benchmark, query_prompt="Text: ", passage_prompt="Text: ", show_progress=False)
    for kind in ("query_prompt", "passage_prompt"):
        assert by_default.settings[kind] == given.settings[kind] == "Text: "
    assert by_default.summary() == given.summary()
    monkeypatch.setattr(encoder, "default_prompt_name", None)
    assert evaluate_model(encoder, benchmark, show_progress=False).settings["query_prompt"] == ""


def test_evaluation_leaves_the_model_in_its_mode(benchmark, encoder):
    for training in (True, False):
        encoder.train(training)
        evaluate_model(encoder, benchmark, show_progress=False)
        assert encoder.training is training


def test_the_evaluator_serves_a_trainer(benchmark, encoder, tmp_path):
    evaluator = HybridEvaluator(benchmark)
    assert evaluator.greater_is_better and evaluator.primary_metric == "mean_map"
    metrics = evaluator(encoder, output_path=str(tmp_path / "eval"), epoch=0.5, steps=20)
    assert metrics == evaluator.last.summary()
    wanted = {"mo_map", "cr_map", "mul_map", "mean_map", "rank_distance", "own_language_share_at_10"}
    assert wanted <= set(metrics)
    content = json.loads((tmp_path / "eval" / "hybrid_evaluation_dev_step_20.json").read_text())
    assert content["steps"] == 20 and content["summary"] == metrics
    assert evaluator(encoder) == metrics  # and writes nothing


def test_a_named_evaluator_prefixes_its_metrics(benchmark, encoder):
    evaluator = HybridEvaluator(benchmark, name="dev")
    assert "dev_mean_map" in evaluator(encoder) and evaluator.primary_metric == "dev_mean_map"
