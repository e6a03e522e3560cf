"""Chunks: a partition within the budget, ordered, with no more padding than any other cut of the sorted texts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.data.chunks import LENGTH_CLASS, cut_chunks, fill_chunks


def cost(lengths: list[np.ndarray], chunk_tokens: int, overhead: int) -> float:
    """Padded tokens and overhead of groups of descending lengths."""
    padded = [len(group) * max(group[0], 1) for group in lengths]
    return sum(tokens + overhead * np.ceil(tokens / chunk_tokens) for tokens in padded)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=80), st.integers(1, 3000), st.sampled_from([0, 64, 256]))
@settings(max_examples=150, deadline=None)
def test_partition_within_the_budget(lengths, chunk_tokens, overhead):
    lengths = np.array(lengths)
    chunks = cut_chunks(lengths, chunk_tokens, overhead)
    assert sorted(np.concatenate(chunks).tolist()) == list(range(len(lengths)))
    ordered = lengths[np.concatenate(chunks)]
    assert (np.diff(ordered) <= 0).all()
    for chunk in chunks:
        assert len(chunk) == 1 or len(chunk) * lengths[chunk].max() <= chunk_tokens


@given(st.lists(st.integers(1, 64), min_size=1, max_size=9), st.sampled_from([0, 30, 200]))
@settings(max_examples=100, deadline=None)
def test_no_cut_of_the_sorted_texts_is_cheaper(lengths, overhead):
    # Lengths at multiples of the class, where the search is exact.
    lengths = np.array(lengths) * LENGTH_CLASS
    ordered = np.sort(lengths)[::-1]
    chunks = cut_chunks(lengths, 10**6, overhead)
    found = cost([lengths[chunk] for chunk in chunks], 10**6, overhead)
    n = len(ordered)
    cheapest = min(
        cost(np.split(ordered, [i + 1 for i in range(n - 1) if cuts >> i & 1]), 10**6, overhead)
        for cuts in range(1 << (n - 1))
    )
    assert found == cheapest


def test_examples():
    def cut(lengths, *settings):
        return [chunk.tolist() for chunk in cut_chunks(np.array(lengths), *settings)]

    assert cut([], 100) == []
    # Short queries beside long passages are padded apart where that saves more than a chunk costs.
    assert cut([9, 120, 8, 110], 1000, 64) == [[1, 3], [0, 2]]
    assert cut([9, 120, 8, 110], 1000, 500) == [[1, 3, 0, 2]]
    # A chunk over the budget is cut into even parts; a text over the budget stands alone.
    assert cut([10] * 6, 40, 0) == [[0, 1, 2], [3, 4, 5]]
    assert cut([50, 10, 10], 30, 0) == [[0], [1, 2]]


@given(st.lists(st.integers(0, 300), min_size=1, max_size=80), st.integers(1, 3000))
@settings(max_examples=150, deadline=None)
def test_texts_without_padding_fill_few_even_chunks(lengths, chunk_tokens):
    lengths = np.array(lengths)
    chunks = fill_chunks(lengths, chunk_tokens)
    assert sorted(np.concatenate(chunks).tolist()) == list(range(len(lengths)))
    tokens = [int(np.maximum(lengths[chunk], 1).sum()) for chunk in chunks]
    assert all(len(chunk) == 1 or count <= chunk_tokens for chunk, count in zip(chunks, tokens, strict=True))
    # No two neighbours fit into one, but for the last, which is what is left.
    assert all(a + b > chunk_tokens for a, b in zip(tokens[:-2], tokens[1:-1], strict=True))


def test_an_expensive_pass_takes_padding_for_it():
    rng = np.random.default_rng(0)
    lengths = np.r_[rng.integers(6, 20, 512), rng.integers(20, 200, 512)]
    passes = [len(cut_chunks(lengths, 65_536, overhead)) for overhead in (64, 4_000, 30_000)]
    assert passes[0] > 10 and passes == sorted(passes, reverse=True) and passes[-1] <= 3


def test_examples_of_filled_chunks():
    assert fill_chunks(np.array([]), 100) == []
    assert [chunk.tolist() for chunk in fill_chunks(np.array([50, 10, 10]), 30)] == [[0], [1, 2]]
