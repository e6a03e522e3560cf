import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from hf_hybrid.metrics.relevant_order import RelevantOrder, mean_of_language

SEGMENTS = st.lists(st.lists(st.integers(0, 5), max_size=6), min_size=1, max_size=5)


@given(SEGMENTS, st.randoms(use_true_random=False))
def test_mid_ranks_are_those_of_scipy_within_each_segment(rows, random):
    entries = [(segment, value) for segment, row in enumerate(rows) for value in row]
    random.shuffle(entries)
    segment = np.array([s for s, _ in entries], dtype=int)
    higher = np.array([v for _, v in entries], dtype=int)
    ranks = RelevantOrder.of(segment, higher).mid_ranks
    for number in set(segment.tolist()):
        assert np.array_equal(ranks[segment == number], rankdata(higher[segment == number]))


def test_means_by_language_count_their_entries():
    means, counts = mean_of_language(np.array([2.0, 4, 9]), np.array([0, 2, 2, 3]), np.array([1, 1, 0]), 2)
    assert np.array_equal(means, [[np.nan, 3], [np.nan, np.nan], [9, np.nan]], equal_nan=True)
    assert counts.tolist() == [[0, 2], [0, 0], [1, 0]]
