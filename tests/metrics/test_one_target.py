import numpy as np
import pytest
from hypothesis import given, settings

from hf_hybrid.metrics import gold_rank_shift, one_target_average_precision, one_target_counts
from tests.rankings import brute_counts, csr, mean_over_orders, scored_queries


def counts_of(scores, relevant):
    offsets, candidates = csr(relevant)
    everything = np.ones(scores.shape[1], dtype=bool)
    pairs = [brute_counts(row, found, everything) for row, found in zip(scores, relevant, strict=True)]
    higher, tied = (np.array([count for pair in pairs for count in pair[side]]) for side in (0, 1))
    return offsets, candidates, higher, tied


@settings(max_examples=80, deadline=None)
@given(scored_queries(max_candidates=9))
def test_counts_are_those_of_a_pool_without_the_other_relevant_candidates(case):
    scores, relevant, _ = case
    offsets, candidates, higher, tied = counts_of(scores, relevant)
    alone, beside = one_target_counts(offsets, higher, tied)
    entry = 0
    for row, found in zip(scores, relevant, strict=True):
        for candidate in found:
            allowed = np.ones(len(row), dtype=bool)
            allowed[[other for other in found if other != candidate]] = False
            expected = brute_counts(row, [candidate], allowed)
            assert [alone[entry], beside[entry]] == [expected[0][0], expected[1][0]]
            entry += 1


@settings(max_examples=40, deadline=None)
@given(scored_queries(max_candidates=6, max_queries=1, levels=3))
def test_average_precision_is_the_mean_over_orders_of_one_over_the_rank(case):
    scores, relevant, languages = case[0], case[1], case[2]
    offsets, candidates, higher, tied = counts_of(scores, relevant)
    found = one_target_average_precision(offsets, languages[candidates], higher, tied, 3)
    for language in range(3):
        expected = []
        for target in (c for c in relevant[0] if languages[c] == language):
            kept = [c for c in range(len(languages)) if c == target or c not in relevant[0]]
            expected.append(mean_over_orders(scores[0][kept], [kept.index(target)], lambda ranks: 1 / ranks[0]))
        assert found[0, language] == pytest.approx(np.mean(expected) if expected else np.nan, abs=1e-13, nan_ok=True)


def test_heat_map_by_hand():
    # Ranks 1, 3, 4 of three relevant candidates: alone, 1, 2 and 2.
    found = one_target_average_precision(
        np.array([0, 3]), np.array([2, 0, 1]), np.array([0, 2, 3]), np.zeros(3, int), 3
    )
    assert found.tolist() == [[0.5, 0.5, 1.0]]


def test_places_decided_by_a_rule_need_no_ties():
    alone, beside = one_target_counts(np.array([0, 2]), np.array([3, 4]), np.zeros(2, int))
    assert alone.tolist() == [3, 3] and beside.tolist() == [0, 0]


def test_rank_shift_by_hand():
    # Alone, languages 0, 1, 2 stand at ranks 1, 5, 11. Into 0: (4 + 10) of (4 + 10); into 1: 6 of (0 + 10); into 2:
    # nothing rises.
    higher = np.array([0, 4 + 1, 10 + 2])
    found = gold_rank_shift(np.array([0, 3]), np.arange(3), higher, np.zeros(3, int), 3)
    assert found.tolist() == [[100.0, 60.0, 0.0]]


def test_rank_shift_is_undefined_where_nothing_can_rise_or_nothing_is_there():
    # Query 0: both first alone. Query 1: language 1 twice. Query 2: a single answer.
    offsets, languages = np.array([0, 2, 5, 6]), np.array([0, 1, 0, 1, 1, 0])
    higher = np.array([0, 1, 5, 0, 9, 3])
    found = gold_rank_shift(offsets, languages, higher, np.zeros(6, int), 2)
    assert np.isnan(found).all()


@settings(max_examples=60, deadline=None)
@given(scored_queries(max_candidates=9))
def test_rank_shift_equals_its_definition(case):
    scores, relevant, languages = case
    offsets, candidates, higher, tied = counts_of(scores, relevant)
    found = gold_rank_shift(offsets, languages[candidates], higher, tied, 3)
    alone, beside = one_target_counts(offsets, higher, tied)
    for query in range(len(relevant)):
        entries = range(offsets[query], offsets[query + 1])
        ranks = {
            language: [1 + alone[e] + beside[e] / 2 for e in entries if languages[candidates[e]] == language]
            for language in range(3)
        }
        single = {language: values[0] for language, values in ranks.items() if len(values) == 1}
        for target in range(3):
            others = [rank for language, rank in single.items() if language != target]
            possible = sum(rank - 1 for rank in others)
            if target not in single or possible == 0:
                assert np.isnan(found[query, target])
                continue
            gain = sum(max(rank - single[target], 0) for rank in others)
            assert found[query, target] == pytest.approx(100 * gain / possible)
