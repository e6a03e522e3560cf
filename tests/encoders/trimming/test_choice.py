"""The choice of pieces against every possible choice, on small tables."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.encoders.trimming.choice import best_pieces, fewest_pieces
from hf_hybrid.errors import InputError


@st.composite
def tables(draw) -> tuple[np.ndarray, np.ndarray]:
    """Counts of 1-4 languages by 1-8 pieces, every language with a token, and what is required."""
    languages, size = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    rows = st.lists(st.integers(0, 20), min_size=size, max_size=size).filter(any)
    counts = np.array(draw(st.lists(rows, min_size=languages, max_size=languages)))
    required = np.array(draw(st.lists(st.sampled_from([False, False, True]), min_size=size, max_size=size)))
    return counts, required


def least(counts: np.ndarray, kept: np.ndarray) -> float:
    return float((counts[:, kept].sum(1) / counts.sum(1)).min())


def choices(counts: np.ndarray, required: np.ndarray):
    """Every set of pieces that has the required ones, smaller ones first."""
    free = np.flatnonzero(~required)
    for number in range(len(free) + 1):
        for chosen in combinations(free, number):
            kept = required.copy()
            kept[list(chosen)] = True
            yield kept


@settings(max_examples=150, deadline=None)
@given(table=tables(), extra=st.integers(0, 8))
def test_no_choice_of_as_many_pieces_covers_the_least_covered_language_better(table, extra):
    counts, required = table
    number = int(required.sum()) + extra
    kept = best_pieces(counts, number, required)
    assert kept[required].all() and kept.sum() <= number
    best = max(least(counts, other) for other in choices(counts, required) if other.sum() <= number)
    assert least(counts, kept) == pytest.approx(best, abs=1e-5)


@settings(max_examples=150, deadline=None)
@given(table=tables(), coverage=st.sampled_from([0.1, 0.5, 0.75, 0.9, 0.99, 1.0]))
def test_no_fewer_pieces_cover_every_language_so_far(table, coverage):
    counts, required = table
    kept = fewest_pieces(counts, coverage, required)
    assert kept[required].all() and least(counts, kept) >= coverage - 1e-12
    fewest = min(other.sum() for other in choices(counts, required) if least(counts, other) >= coverage - 1e-12)
    assert kept.sum() == fewest


def test_a_piece_of_several_languages_goes_before_the_most_frequent_one_of_the_least_covered():
    # Greedily the first piece would be taken for the first language, and then the second one for the second.
    counts = np.array([[5, 0, 4, 1], [0, 5, 4, 1]])
    assert best_pieces(counts, 1, np.zeros(4, bool)).tolist() == [False, False, True, False]


def test_of_equal_choices_the_one_that_covers_more_on_average_is_taken():
    counts = np.array([[9, 1, 0, 0], [4, 0, 5, 1], [4, 0, 1, 5]])
    kept = best_pieces(counts, 3, np.array([True, False, False, False]))
    assert kept.tolist() == [True, False, True, True]


def test_many_pieces_are_within_rounding_of_what_whole_numbers_allow():
    """Zipf's law over 5,000 pieces, a third of them shared: beside the linear bound, which no choice can pass."""
    generator = np.random.default_rng(0)
    frequency = 1e7 / np.arange(1, 5_001) ** 1.1
    counts = np.stack([generator.permutation(frequency) * (generator.random(5_000) < 0.3) for _ in range(6)])
    counts = counts.astype(np.int64)
    kept = best_pieces(counts, 1_500, np.zeros(5_000, bool))
    assert kept.sum() == 1_500
    enough = least(counts, kept)
    assert fewest_pieces(counts, enough, np.zeros(5_000, bool)).sum() in (1_499, 1_500)


def test_bad_numbers_are_refused():
    counts, required = np.ones((2, 5), int), np.array([True, True, True, False, False])
    with pytest.raises(InputError, match="pieces: 2 are fewer than the 3 that stay in any case"):
        best_pieces(counts, 2, required)
    for share in (0.0, -1.0, 1.01, float("nan")):
        with pytest.raises(InputError, match=f"coverage: {share} is no share"):
            fewest_pieces(counts, share, required)
