"""Mistakes are named in one line: which query, which candidate, what to do."""

import copy

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.metric.columns import check_columns
from hf_hybrid.metric.output import compute_metric
from tests.metric.runs import embedding_run, rank_run, top_k_run

EMBEDDINGS = embedding_run(questions=3, distractors=2)
RUNS = {"embeddings": EMBEDDINGS, "top_k": top_k_run(*EMBEDDINGS), "ranks": rank_run(*EMBEDDINGS)}


def change(columns, keywords, where, value):
    """Set what a path like ('scores', 0, 1) leads to; a value of None removes it."""
    holder = columns if where[0] in columns else keywords
    for step in where[:-1]:
        holder = holder[step]
    if value is None:
        del holder[where[-1]]
    else:
        holder[where[-1]] = value


@pytest.mark.parametrize(
    ("config", "where", "value", "message"),
    [
        ("ranks", ("pool_sizes",), None, "keyword 'pool_sizes' is missing"),
        (
            "ranks",
            ("pool_size",),
            3,
            "keyword 'pool_size' is not known: configuration 'ranks' takes the keywords pool_sizes, k",
        ),
        ("ranks", ("pool_sizes",), {}, "pool_sizes must map every language"),
        ("ranks", ("pool_sizes", "de"), -1, "pool_sizes['de'] is -1"),
        ("ranks", ("pool_sizes", "th"), None, "language 'th' is not among the languages de, en"),
        ("ranks", ("candidate_languages", 1, 0), "fr", "query 'q1-de': candidate language 'fr' is not in pool_sizes"),
        (
            "ranks",
            ("pool_ranks", 0),
            [1, 2],
            "query 'q0-de' has 3 candidate_languages, 2 pool_ranks and 3 language_ranks",
        ),
        ("ranks", ("pool_ranks", 2, 0), 0, "query 'q2-de': pool rank 0 is not in 1..15"),
        ("ranks", ("language_ranks", 2, 0), 6, "query 'q2-de': language rank 6 is not in 1..5"),
        ("ranks", ("language_ranks", 0), [5, 5, 5], "does not go with language rank 5"),
        ("ranks", ("query_id", 1), "q0-de", "query 'q0-de' occurs twice"),
        ("ranks", ("k",), 0, "k must be an integer of at least 1, got 0"),
        ("ranks", ("clusters",), {"q0-de": 1}, "query 'q1-de' has no cluster"),
        ("ranks", ("clusters",), ["a"], "clusters must map query ids"),
        ("top_k", ("scores", 0, 1), float("nan"), "query 'q0-de': the score of candidate "),
        ("top_k", ("scores", 1, 0), float("inf"), "is inf: scores must be finite"),
        ("top_k", ("scores", 1, 0), None, "query 'q1-de' has 15 candidate_ids and 14 scores"),
        ("top_k", ("candidate_ids", 1, 2), "nowhere", "query 'q1-de': candidate 'nowhere' is not in the pool"),
        ("top_k", ("candidate_languages", "a0-de"), "", "candidate 'a0-de' has no language: got ''"),
        ("top_k", ("candidate_languages",), ["de"], "candidate_languages must map candidate ids"),
        ("top_k", ("relevance", "q0-de"), [], "query 'q0-de' has no relevant candidate"),
        ("top_k", ("relevance", "q0-de"), None, "query 'q0-de' has no relevant candidate"),
        ("top_k", ("relevance", "q0-de"), ["a0-de", "a0-de"], "names a relevant candidate twice"),
        ("top_k", ("relevance", "q0-de"), {"a0-de": 0}, "query 'q0-de' has no relevant candidate"),
        ("top_k", ("relevance", "q0-de"), {"a0-de": "1"}, "the grade of candidate 'a0-de' is '1'"),
        ("top_k", ("relevance", "q0-de"), {"a0-de": float("nan")}, "the grade of candidate 'a0-de' is nan"),
        ("top_k", ("relevance", "q0-de"), {"a9-de": 1}, "relevant candidate 'a9-de' is not in the pool"),
        ("top_k", ("relevance", "q0-de"), "a0-de", "relevance of query 'q0-de' is a string"),
        ("top_k", ("relevance", "q0-de"), ["a9-de"], "query 'q0-de': relevant candidate 'a9-de' is not in the pool"),
        ("top_k", ("relevance",), [["a0-de"]], "relevance must map query ids"),
        (
            "top_k",
            ("pool_sizes",),
            {"de": 1, "en": 9, "th": 9},
            "pool_sizes has 1 candidates of 'de', candidate_languages 5",
        ),
        ("top_k", ("ties",), "random", "ties is 'random': choose one of expected, trec"),
        ("embeddings", ("embedding", 1), [0.5], "the embedding of query 'q1-de' has 1 dimensions, that of 'q0-de' 16"),
        ("embeddings", ("embedding", 1, 3), float("nan"), "the vector of query 'q1-de' is not finite"),
        (
            "embeddings",
            ("candidate_embeddings",),
            [[0.5], [1.0, 2.0]],
            "candidate_embeddings must be numbers of shape [n, d]",
        ),
        ("embeddings", ("candidate_embeddings",), [0.5], "candidate_embeddings must have the shape [n, d], got [1]"),
        (
            "embeddings",
            ("candidate_embeddings",),
            [[0.5] * 16],
            "candidate_embeddings has 1 rows for 15 candidate_ids",
        ),
        (
            "embeddings",
            ("candidate_embeddings",),
            [[0.5] * 4] * 15,
            "query embeddings have 16 dimensions, candidate_embeddings 4",
        ),
        ("embeddings", ("candidate_languages",), ["de"], "there are 15 candidate_ids and 1 candidate_languages"),
        ("embeddings", ("candidate_languages", 3), "  ", "candidate 'c3' has no language"),
        ("embeddings", ("candidate_ids", 3), "c4", "candidate 'c4' occurs twice"),
        ("embeddings", ("candidate_ids", 3), 3, "candidate_ids: expected strings"),
        ("embeddings", ("candidate_ids",), "c3", "candidate_ids must be a list of strings"),
        ("embeddings", ("relevance", "q0-th"), ["x"], "query 'q0-th': relevant candidate 'x' is not in the pool"),
        ("embeddings", ("similarity",), "l2", "similarity is 'l2': choose one of cosine, dot"),
    ],
)
def test_mistakes_in_values(config, where, value, message):
    columns, keywords = copy.deepcopy(RUNS[config])
    change(columns, keywords, where, value)
    with pytest.raises(InputError) as caught:
        compute_metric(config, columns, keywords)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_equal_and_contradicting_ranks():
    row = {"query_id": ["q"], "query_language": ["de"], "candidate_languages": [["de", "de"]]}
    sizes = {"pool_sizes": {"de": 9, "en": 9}}
    for pool, own in (([2, 2], [1, 2]), ([2, 4], [2, 2]), ([4, 2], [1, 2])):
        with pytest.raises(InputError, match="query 'q': .* cannot both stand in one ranking"):
            compute_metric("ranks", {**row, "pool_ranks": [pool], "language_ranks": [own]}, sizes)


def test_no_rows():
    for config, (columns, keywords) in RUNS.items():
        with pytest.raises(InputError, match="there are no queries"):
            compute_metric(config, {name: [] for name in columns}, keywords)


@pytest.mark.parametrize(
    ("change_of_columns", "message"),
    [
        (
            {"scores": None},
            "column 'scores' is missing: configuration 'top_k' takes the columns query_id, query_language",
        ),
        ({"predictions": [1]}, "column 'predictions' is not known"),
        ({"scores": [[0.5, 0.25]] * 2}, "column 'scores' has 2 rows, 'query_id' 1"),
        ({"scores": 0.5}, "column 'scores' must hold one value per query, got 0.5"),
        ({"scores": [["high", "low"]]}, "column 'scores', row 0: expected a list of numbers, got ['high', 'low']"),
        ({"scores": [0.5]}, "column 'scores', row 0: expected a list of numbers, got 0.5"),
        ({"scores": [[[0.5], [0.25]]]}, "expected a list of numbers"),
        ({"scores": [[[0.5], 0.25]]}, "expected a list of numbers"),
        ({"scores": [None]}, "expected a list of numbers, got None"),
        ({"candidate_ids": ["ab"]}, "column 'candidate_ids', row 0: expected a list of strings, got 'ab'"),
        ({"candidate_ids": [[1, 2]]}, "expected a list of strings, got [1, 2]"),
        ({"query_id": [7]}, "column 'query_id', row 0: expected a string that is not empty, got 7"),
        ({"query_language": [""]}, "column 'query_language', row 0: expected a string that is not empty, got ''"),
        ({"query_language": [None]}, "column 'query_language', row 0: expected a string that is not empty, got None"),
        ({"query_id": "q"}, "column 'query_id' must hold one value per query, got 'q'"),
    ],
)
def test_mistakes_in_columns(change_of_columns, message):
    good = {"query_id": ["q"], "query_language": ["de"], "candidate_ids": [["a", "b"]], "scores": [[0.5, 0.25]]}
    check_columns("top_k", good)
    with pytest.raises(InputError) as caught:
        check_columns("top_k", good | change_of_columns)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_arrays_are_lists_of_numbers_and_fractions_no_ranks():
    import numpy as np
    import torch

    row = {"query_id": ["q"], "query_language": ["de"]}
    for vectors in (np.ones((1, 3)), torch.ones(1, 3), [np.ones(3, dtype=np.float16)], [(1, 2, 3)]):
        check_columns("embeddings", {**row, "embedding": vectors})
    ranks = {**row, "candidate_languages": [["de"]], "language_ranks": [[1]]}
    check_columns("ranks", {**ranks, "pool_ranks": np.array([[1]])})
    for wrong in ([[1.5]], [[True]], [["1"]]):
        with pytest.raises(InputError, match="column 'pool_ranks', row 0: expected a list of integers"):
            check_columns("ranks", {**ranks, "pool_ranks": wrong})
