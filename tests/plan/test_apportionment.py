"""Sharing batches among groups: full, within one row of the quota in each batch and in the long run, known
anywhere.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.plan.apportionment import ONE, Apportionment, _reverse_bits


@given(
    st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=60).map(np.array),
    st.integers(1, 300),
    st.integers(0, 2**31),
    st.integers(0, 2**40),
)
@settings(max_examples=300, deadline=None)
def test_batches_are_full_and_within_the_quota(shares, batch_size, batch, key):
    quota = Apportionment(shares, batch_size, key)
    counts = quota.before(batch + 1) - quota.before(batch)
    exact = batch_size * shares / shares.sum()
    assert counts.sum() == batch_size
    assert (counts >= np.floor(exact - 1e-6)).all() and (counts <= quota.most).all()
    assert (quota.most <= np.ceil(exact + 1e-6)).all()
    assert (counts >= 0).all()


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=20).map(np.array), st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_closed_formula_equals_the_sum_over_batches(shares, batch_size, key):
    quota = Apportionment(shares, batch_size, key)
    offsets = [_reverse_bits(m) ^ (key % ONE) for m in range(200)]
    per_batch = np.diff([(quota._boundaries + offset) // ONE for offset in offsets], axis=1)
    running = np.concatenate([np.zeros((1, len(shares)), dtype=np.int64), np.cumsum(per_batch, axis=0)])
    assert np.array_equal(np.stack([quota.before(m) for m in range(201)]), running)


def test_long_run_shares():
    shares = np.random.default_rng(0).random(500)
    taken = Apportionment(shares, 16).before(100_000)
    expected = 1_600_000 * shares / shares.sum()
    # The discrepancy of van der Corput's sequence grows with the logarithm of the number of batches.
    assert np.abs(taken - expected).max() < 2 * np.log2(100_000)


def test_hand_computed():
    """Quotas 1, 1/2, 1/2: the third group's boundary passes an integer when the offset is below one half, and so
    on.
    """
    quota = Apportionment(np.array([2.0, 1.0, 1.0]), 2)
    counts = [(quota.before(m + 1) - quota.before(m)).tolist() for m in range(4)]
    assert counts == [[1, 0, 1], [1, 1, 0], [1, 0, 1], [1, 1, 0]]


def test_one_group_takes_everything():
    assert Apportionment(np.array([0.3]), 17).before(3).tolist() == [51]
