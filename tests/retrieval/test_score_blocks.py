import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.retrieval.score_blocks import bisect, duplicate_rows, sort_rows


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 5), max_size=9), min_size=1, max_size=4),
    st.integers(-1, 6),
    st.booleans(),
    st.sampled_from(["numpy", "torch"]),
)
def test_bisect_equals_searchsorted(runs, value, right, library):
    runs = [sorted(run) for run in runs]
    flat = np.array([element for run in runs for element in run] or [9], dtype=np.float32)
    end = np.cumsum([len(run) for run in runs])
    first = end - [len(run) for run in runs]
    values = np.full(len(runs), value, dtype=np.float32)
    arrays = [flat, first, end, values]
    if library == "torch":
        arrays = [torch.from_numpy(array) for array in arrays]
    found = bisect(*arrays, right=right)
    side = "right" if right else "left"
    expected = [start + np.searchsorted(run, value, side) for start, run in zip(first, runs, strict=True)]
    assert found.tolist() == expected


def test_sort_rows_leaves_the_source_alone():
    source = torch.tensor([[3.0, 1.0, 2.0, 9.0], [0.0, -1.0, 5.0, 8.0]])
    target = torch.empty(2, 3)
    sort_rows(source[:, :3], out=target)
    assert target.tolist() == [[1.0, 2.0, 3.0], [-1.0, 0.0, 5.0]]
    assert source[0].tolist() == [3.0, 1.0, 2.0, 9.0]


@pytest.mark.parametrize("rows", [1, 50, 5000])
def test_duplicate_rows_point_to_the_first(rows):
    vectors = torch.randn(rows, 8, generator=torch.Generator().manual_seed(rows))
    assert all(len(part) == 0 for part in duplicate_rows(vectors))
    vectors = torch.cat([vectors, vectors[:1], vectors[-1:]])
    duplicates, originals = duplicate_rows(vectors)
    assert (duplicates.tolist(), originals.tolist()) == ([rows, rows + 1], [0, rows - 1])
