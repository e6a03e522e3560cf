import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, kruskal

from hf_hybrid.metrics import peer
from hf_hybrid.metrics.peer import DEGENERATE

ENTRIES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=12)


@given(st.lists(ENTRIES, min_size=1, max_size=4))
def test_equals_the_kruskal_wallis_test_of_scipy(queries):
    offsets = np.concatenate([[0], np.cumsum([len(entries) for entries in queries])])
    languages = np.array([language for entries in queries for language, _ in entries])
    higher = np.array([place for entries in queries for _, place in entries])
    result = peer(offsets, languages, higher)
    for query, entries in enumerate(queries):
        groups = [[p for tag, p in entries if tag == language] for language in sorted({tag for tag, _ in entries})]
        if len(groups) < 2 or len(entries) == len(groups):
            assert np.isnan(result.per_query[query])
        elif len({place for _, place in entries}) == 1:
            assert result.per_query[query] == 1  # all tied: no difference
        else:
            assert result.per_query[query] == pytest.approx(kruskal(*groups).pvalue, abs=1e-10)
    if result.value is not None:
        assert result.value == pytest.approx(np.nanmean(result.per_query))


def test_by_hand():
    # Ranks 1, 2 against 3, 4: H = 12 / (4 * 5) * (9 / 2 + 49 / 2) - 15 = 2.4.
    result = peer(np.array([0, 4]), np.array([0, 0, 1, 1]), np.array([3, 8, 20, 90]))
    assert result.value == pytest.approx(chi2.sf(2.4, 1)) and result.queries == 1 and result.reason is None


def test_parallel_data_are_said_to_be_degenerate():
    generator = np.random.default_rng(0)
    higher = np.concatenate([generator.choice(1000, 11, replace=False) for _ in range(50)])
    # What a plain computation would report, whatever the ranking:
    assert kruskal(*[[value] for value in higher[:11]]).pvalue == pytest.approx(0.4405, abs=1e-4)
    result = peer(np.arange(51) * 11, np.tile(np.arange(11), 50), higher)
    assert result.value is None and result.reason == DEGENERATE and result.queries == 0


def test_queries_that_cannot_tell_are_left_out():
    # Query 0 is parallel, query 1 has two candidates of a language.
    result = peer(np.array([0, 2, 5]), np.array([0, 1, 0, 0, 1]), np.array([0, 1, 0, 1, 2]))
    assert result.queries == 1 and np.isnan(result.per_query[0])
    assert result.value == pytest.approx(kruskal([0, 1], [2]).pvalue)


def test_levels_are_weighed_and_ranked_apart():
    offsets, languages = np.array([0, 8]), np.array([0, 0, 1, 1, 0, 0, 1, 1])
    higher, levels = np.array([0, 1, 2, 3, 10, 12, 11, 13]), np.array([1, 1, 1, 1, 2, 2, 2, 2])
    parts = [kruskal([0, 1], [2, 3]).pvalue, kruskal([10, 12], [11, 13]).pvalue]
    assert peer(offsets, languages, higher, levels).value == pytest.approx(np.mean(parts))
    weighed = peer(offsets, languages, higher, levels, {1: 1, 2: 3})
    assert weighed.value == pytest.approx(0.25 * parts[0] + 0.75 * parts[1])
    with pytest.raises(ValueError, match="level 2 has no weight"):
        peer(offsets, languages, higher, levels, {1: 1})
    with pytest.raises(ValueError, match="sum to more than 0"):
        peer(offsets, languages, higher, levels, {1: 0, 2: 0})
