from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.errors import InputError
from hf_hybrid.metrics import TieGroups, average_precision, ndcg_at_k, recall_at_k
from hf_hybrid.retrieval.ranks import Pool, relevant_ranks, relevant_ranks_from_scores, trec_order
from tests.rankings import brute_counts, csr, scored_queries, trec_measures, unit_vectors

# Names whose order differs from that of the numbers: "d10" < "d2", and one outside ASCII.
NAMES = ["d0", "d10", "d2", "é", "d1", "Z", "d20", "d3", "zz", "d4", "d5", "d6", "d7", "d8"]


def pool_of(relevant, languages, **kwargs) -> Pool:
    return Pool(*csr(relevant), candidate_languages=languages, num_languages=3, **kwargs)


@settings(max_examples=150, deadline=None)
@given(scored_queries())
def test_counts_are_those_of_brute_force(case):
    scores, relevant, languages = case
    ranks = relevant_ranks_from_scores(torch.from_numpy(scores), pool_of(relevant, languages))
    for query, found in enumerate(relevant):
        entries = slice(ranks.offsets[query], ranks.offsets[query + 1])
        higher, tied = brute_counts(scores[query], found, np.ones(len(languages), dtype=bool))
        assert ranks.pool_higher[entries].tolist() == higher
        assert ranks.pool_tied[entries].tolist() == tied
        own = [brute_counts(scores[query], [index], languages == languages[index]) for index in found]
        assert ranks.language_higher[entries].tolist() == [counts[0][0] for counts in own]
        assert ranks.language_tied[entries].tolist() == [counts[1][0] for counts in own]


@settings(max_examples=100, deadline=None)
@given(scored_queries(), st.integers(1, 6))
def test_languages_of_the_top_are_expected_counts(case, k):
    scores, relevant, languages = case
    ranks = relevant_ranks_from_scores(torch.from_numpy(scores), pool_of(relevant, languages), top_k=k)
    for row, counts in zip(scores, ranks.top_counts, strict=True):
        places = min(k, len(row))
        border = np.sort(row)[-places]
        above, beside = row > border, row == border
        expected = [
            (above & (languages == code)).sum()
            + (places - above.sum()) * (beside & (languages == code)).sum() / beside.sum()
            for code in range(3)
        ]
        assert np.allclose(counts, expected, atol=1e-12)


@settings(max_examples=150, deadline=None)
@given(scored_queries())
def test_average_precision_equals_pytrec_eval_on_tied_scores(case):
    scores, relevant, languages = case
    names = NAMES[: scores.shape[1]]
    pool = pool_of(relevant, languages, tie_order=trec_order(names))
    ranks = relevant_ranks_from_scores(torch.from_numpy(scores), pool)
    assert not ranks.pool_tied.any() and not ranks.language_tied.any()
    groups = TieGroups.from_ranks(ranks.offsets, ranks.pool_higher)
    oracle = trec_measures(scores, relevant, names, {"map", "recall.1,5", "ndcg_cut.5"})
    assert np.abs(average_precision(groups) - [row["map"] for row in oracle]).max() < 1e-12
    assert np.abs(recall_at_k(groups, 5) - [row["recall_5"] for row in oracle]).max() < 1e-12
    assert np.abs(ndcg_at_k(groups, 5) - [row["ndcg_cut_5"] for row in oracle]).max() < 1e-12

    cells = TieGroups.from_ranks(*ranks.by_language())
    by_language = average_precision(cells).reshape(-1, 3)
    for code in range(3):
        columns = np.flatnonzero(languages == code)
        inside = [[int(np.searchsorted(columns, i)) for i in found if languages[i] == code] for found in relevant]
        asked = [query for query, found in enumerate(inside) if found]
        assert np.isnan(by_language[:, code]).tolist() == [not found for found in inside]
        if asked:
            oracle = trec_measures(
                scores[asked][:, columns], [inside[q] for q in asked], [names[c] for c in columns], {"map"}
            )
            assert np.abs(by_language[asked, code] - [row["map"] for row in oracle]).max() < 1e-12


@pytest.mark.parametrize("ties", ["expected", "trec"])
def test_average_precision_equals_pytrec_eval_on_random_scores(ties):
    generator = np.random.default_rng(5)
    scores = generator.standard_normal((40, 700)).astype(np.float32)
    relevant = [sorted(generator.choice(700, 11, replace=False).tolist()) for _ in range(40)]
    names = [f"doc{index}" for index in range(700)]
    pool = Pool(*csr(relevant), np.arange(700) % 5, 5, tie_order=trec_order(names) if ties == "trec" else None)
    ranks = relevant_ranks_from_scores(torch.from_numpy(scores), pool)
    values = average_precision(TieGroups.from_ranks(ranks.offsets, ranks.pool_higher, ranks.pool_tied))
    oracle = [row["map"] for row in trec_measures(scores, relevant, names, {"map"})]
    assert np.abs(values - oracle).max() < 1e-12


@settings(max_examples=60, deadline=None)
@given(scored_queries(), st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(case, random):
    scores, relevant, languages = case
    permutation = list(range(scores.shape[1]))
    random.shuffle(permutation)
    place = np.argsort(permutation)
    moved_relevant = [[int(place[index]) for index in found] for found in relevant]
    names = np.array(NAMES[: scores.shape[1]])
    for order, moved_order in ((None, None), (trec_order(names), trec_order(names[permutation]))):
        straight = relevant_ranks_from_scores(torch.from_numpy(scores), pool_of(relevant, languages, tie_order=order))
        moved = relevant_ranks_from_scores(
            torch.from_numpy(scores[:, permutation]),
            pool_of(moved_relevant, languages[permutation], tie_order=moved_order),
        )
        for name in ("pool_higher", "pool_tied", "language_higher", "language_tied", "top_counts"):
            assert np.array_equal(getattr(straight, name), getattr(moved, name)), name


def vectors_and_pool(queries=50, candidates=300, seed=0):
    generator = np.random.default_rng(seed)
    relevant = [sorted(generator.choice(candidates, 1 + q % 6, replace=False).tolist()) for q in range(queries)]
    languages = generator.integers(0, 3, candidates)
    return unit_vectors(queries, seed=1), unit_vectors(candidates, seed=2), pool_of(relevant, languages)


def test_vectors_and_their_scores_rank_alike():
    queries, candidates, pool = vectors_and_pool()
    from_vectors = relevant_ranks(queries, candidates, pool)
    from_scores = relevant_ranks_from_scores(queries @ candidates.T, pool)
    assert np.array_equal(from_vectors.pool_higher, from_scores.pool_higher)
    assert np.array_equal(from_vectors.top_counts, from_scores.top_counts)


def test_block_size_does_not_matter():
    queries, candidates, pool = vectors_and_pool()
    whole = relevant_ranks(queries, candidates, pool)
    # One query at a time, then seven: the last block is not full.
    for megabytes in (1e-6, 7 * (300 * 8 + 7 * 3 * 48) / 2**20 + 1e-6):
        blocks = relevant_ranks(queries, candidates, pool, max_memory_mb=megabytes)
        assert np.array_equal(whole.pool_higher, blocks.pool_higher)
        assert np.array_equal(whole.language_higher, blocks.language_higher)
        assert np.allclose(whole.top_counts, blocks.top_counts)


@pytest.mark.parametrize("ties", ["expected", "trec"])
def test_the_way_of_a_gpu_counts_the_same(monkeypatch, ties):
    """Sorting and searching in torch, as on a GPU, and here on the CPU."""
    queries, candidates, pool = vectors_and_pool()
    candidates[200:] = candidates[:100].clone()
    if ties == "trec":
        pool = replace(pool, tie_order=np.random.default_rng(3).permutation(300))
    through_numpy = relevant_ranks(queries, candidates, pool)
    monkeypatch.setattr("hf_hybrid.retrieval.score_blocks.numpy_is_faster", lambda tensor: False)
    through_torch = relevant_ranks(queries, candidates, pool)
    for name in ("pool_higher", "pool_tied", "language_higher", "language_tied", "top_counts"):
        assert np.array_equal(getattr(through_numpy, name), getattr(through_torch, name)), name


def test_equal_vectors_tie_wherever_they_stand():
    queries, candidates, _ = vectors_and_pool(candidates=37)
    languages = np.arange(37) % 3
    candidates[[3, 20, 36]] = candidates[8].clone()
    ranks = relevant_ranks(queries, candidates, pool_of([[8]] * 50, languages))
    assert (ranks.pool_tied == 3).all()
    # 8, 20 share a language (2); 3 and 36 have another.
    assert (ranks.language_tied == 1).all()
    ordered = relevant_ranks(queries, candidates, pool_of([[3, 8, 20, 36]] * 50, languages, tie_order=np.arange(37)))
    assert (np.diff(ordered.pool_higher.reshape(50, 4), axis=1) == 1).all()


def test_a_language_without_candidates_is_no_obstacle():
    scores = torch.tensor([[0.1, 0.9]])
    for languages in ([1, 1], [0, 0], [2, 2], [0, 2]):
        ranks = relevant_ranks_from_scores(scores, pool_of([[0]], np.array(languages)))
        assert ranks.pool_higher.tolist() == [1]
        assert ranks.language_higher.tolist() == [int(languages[0] == languages[1])]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_scores_that_are_not_finite_name_query_and_candidate(value):
    scores = torch.zeros(3, 4)
    scores[1, 2] = value
    names = {"query_names": ["a", "b", "c"], "candidate_names": ["w", "x", "y", "z"]}
    pool = pool_of([[0], [1], [0]], np.array([2, 0, 1, 0]), **names)
    with pytest.raises(InputError, match="query 'b' and candidate 'y'"):
        relevant_ranks_from_scores(scores, pool)


def test_vectors_that_are_not_finite_are_named():
    queries, candidates, pool = vectors_and_pool()
    candidates[7, 3] = float("nan")
    with pytest.raises(InputError, match="vector of candidate number 7 is not finite"):
        relevant_ranks(queries, candidates, pool)


def test_overflowing_scores_are_named():
    queries = torch.full((1, 2), 3e38)
    with pytest.raises(InputError, match="query number 0 and candidate number 0 is inf"):
        relevant_ranks(queries, queries.clone(), pool_of([[0]], np.array([0])))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"relevance_offsets": np.array([0, 1])}, "relevance_offsets"),
        ({"relevance_candidates": np.array([5])}, "outside"),
        ({"candidate_languages": np.array([0, 3])}, "candidate_languages"),
        ({"tie_order": np.array([0])}, "tie_order"),
    ],
)
def test_a_pool_that_does_not_fit_is_refused(changes, message):
    fields = {
        "relevance_offsets": np.array([0, 1, 1]),
        "relevance_candidates": np.array([0]),
        "candidate_languages": np.array([0, 1]),
        "num_languages": 3,
    }
    with pytest.raises(ValueError, match=message):
        relevant_ranks_from_scores(torch.zeros(2, 2), Pool(**{**fields, **changes}))


def test_trec_order_is_descending_by_bytes():
    names = ["a", "é", "Z", "b"]
    assert [names[i] for i in np.argsort(trec_order(names))] == ["é", "b", "a", "Z"]
