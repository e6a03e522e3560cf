import numpy as np
import pytest

from hf_hybrid.metrics import TieGroups


def test_groups_hold_what_stands_above_and_beside():
    # Ranking 0: relevant candidates at places 2 and 2 (of four tied) and 9; ranking 1: none; ranking 2: place 1.
    groups = TieGroups.from_ranks(np.array([0, 3, 3, 4]), np.array([8, 1, 1, 0]), np.array([0, 3, 3, 0]))
    assert groups.segment.tolist() == [0, 0, 2]
    assert groups.higher.tolist() == [1, 8, 0]
    assert groups.size.tolist() == [4, 1, 1]
    assert groups.relevant.tolist() == [2, 1, 1]
    assert groups.relevant_higher.tolist() == [0, 2, 0]
    assert groups.num_relevant.tolist() == [3, 0, 1]


def test_sum_by_segment_is_nan_without_relevant_candidates():
    groups = TieGroups.from_ranks(np.array([0, 1, 1]), np.array([4]))
    assert np.array_equal(groups.sum_by_segment(np.array([2.5])), [2.5, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("offsets", "higher", "tied", "message"),
    [
        ([1, 2], [0], [0], "starts with 0"),
        ([0, 2, 1], [0], [0], "rising"),
        ([0, 2], [0], [0], "promise 2 entries"),
        ([0, 1], [-1], [0], "negative"),
        ([0, 1], [0], [-1], "negative"),
        ([0, 2], [3, 3], [0, 0], "ranking 0: more relevant"),
        ([0, 2], [3, 4], [4, 0], "ranking 0: groups of equal scores overlap"),
    ],
)
def test_counts_that_no_ranking_gives_are_refused(offsets, higher, tied, message):
    with pytest.raises(ValueError, match=message):
        TieGroups.from_ranks(np.array(offsets), np.array(higher), np.array(tied))
