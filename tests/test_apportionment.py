"""Sharing rows among groups: sums, monotony, proportion and the window bound."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.apportionment import Apportionment

shares_strategy = st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=60).map(np.array)


@given(shares_strategy, st.integers(1, 300), st.integers(0, 10**7))
@settings(max_examples=200, deadline=None)
def test_counts_add_up_rise_and_stay_near_the_quota(shares, window, start):
    apportionment = Apportionment(shares)
    before, after = apportionment.counts(start), apportionment.counts(start + window)
    assert before.sum() == start and after.sum() == start + window
    assert (after >= before).all()
    assert (after - before <= apportionment.most_per_window(window)).all()
    depth = len(apportionment._levels)
    assert np.abs(before - start * shares / shares.sum()).max() <= depth + start * depth * 2.0**-30


def test_hand_computed():
    """3:1 over 8 rows; the root gives floor(3k/4) to the larger group."""
    apportionment = Apportionment(np.array([1.0, 3.0]))
    assert [apportionment.counts(k).tolist() for k in range(5)] == [[0, 0], [1, 0], [1, 1], [1, 2], [1, 3]]


def test_one_group_takes_everything():
    assert Apportionment(np.array([0.3])).counts(17).tolist() == [17]
