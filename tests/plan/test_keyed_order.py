"""The keyed order: a permutation in every pass, distinct windows everywhere, the same from wherever it is entered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.plan.keyed_order import BLOCK, KeyedOrder, derive_key, keyed_permutation


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_keyed_permutation_is_a_bijection(size, key):
    assert sorted(keyed_permutation(np.arange(size), size, key).tolist()) == list(range(size))


def test_keyed_permutation_is_pinned():
    # The order of a published run must not change with a release: these values are the definition.
    assert keyed_permutation(np.arange(10), 10, key=42).tolist() == [2, 1, 0, 6, 8, 5, 9, 3, 7, 4]


def test_first_position_is_uniform():
    counts = np.bincount([keyed_permutation(np.array([0]), 7, derive_key(5, k))[0] for k in range(7000)], minlength=7)
    # Chi-square with 6 degrees of freedom: 22.5 is the 0.1 % quantile.
    assert ((counts - 1000) ** 2 / 1000).sum() < 22.5


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_windows_are_distinct_and_passes_complete(data):
    size = data.draw(st.integers(1, 200))
    window = data.draw(st.integers(1, size))
    order = KeyedOrder(size, window, data.draw(st.integers(0, 2**32)))
    stream = order.take(0, 5 * size)
    for start in range(len(stream) - window + 1):
        assert len(set(stream[start : start + window].tolist())) == window
    for pass_ in range(5):
        assert sorted(stream[pass_ * size : (pass_ + 1) * size].tolist()) == list(range(size))


@given(st.integers(0, 10**6), st.integers(1, 700))
@settings(max_examples=50, deadline=None)
def test_any_entry_gives_the_same_rows(start, count):
    size = BLOCK + 1234
    whole = KeyedOrder(size, 700, key=9)
    first = start - start % size
    expected = whole.take(first, start - first + count)[-count:]
    assert np.array_equal(KeyedOrder(size, 700, key=9).take(start, count), expected)


def test_passes_are_reshuffled():
    order = KeyedOrder(1000, 10, key=1)
    assert not np.array_equal(order.take(0, 1000), order.take(1000, 1000))


@pytest.mark.parametrize("window", [0, 11])
def test_window_must_fit(window):
    with pytest.raises(ValueError, match="window"):
        KeyedOrder(10, window, key=1)
