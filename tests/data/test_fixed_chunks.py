"""Chunks of one shape: every text in exactly one, all of a size, and a size that costs little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.data.fixed_chunks import choose_chunk_size, deal_chunks
from hf_hybrid.encoders.fixed_chunk import ChunkSize

TEXTS = st.lists(st.integers(1, 120), min_size=1, max_size=90).map(np.array)


@given(
    st.lists(TEXTS, min_size=1, max_size=4), TEXTS, st.integers(120, 700), st.integers(1, 3000), st.integers(0, 4000)
)
@settings(max_examples=150, deadline=None)
def test_any_batch_fits_into_the_chosen_size(seen, later, longest, chunk_tokens, overhead):
    size = choose_chunk_size(seen, longest, chunk_tokens, overhead)
    assert size.tokens % 256 == 0 and size.longest == longest
    # `chunk_tokens` is kept to, unless the longest text needs more.
    assert size.tokens <= max(chunk_tokens, longest + 64 + 256)
    for lengths in (*seen, later, np.array([longest]), np.full(300, 1)):
        chunks = deal_chunks(lengths, size)
        assert sorted(np.concatenate(chunks).tolist()) == list(range(len(lengths)))
        for chunk in chunks:
            assert size.fillers(lengths[chunk]).sum() + lengths[chunk].sum() == size.tokens
            assert (np.diff(lengths[chunk]) <= 0).all()


def test_texts_are_dealt_there_and_back():
    lengths = np.array([9, 40, 8, 30, 20, 25])
    assert [chunk.tolist() for chunk in deal_chunks(lengths, ChunkSize(128, 8, 40))] == [[1, 4, 0], [3, 5, 2]]
    # Too many segments for one chunk, though its tokens would do.
    assert [len(chunk) for chunk in deal_chunks(np.full(9, 2), ChunkSize(64, 8, 40))] == [5, 4]
    assert deal_chunks(np.array([], dtype=int), ChunkSize(64, 6, 40)) == []


def test_a_text_that_fits_nowhere():
    with pytest.raises(ValueError, match="texts of up to 70 tokens do not fit"):
        deal_chunks(np.array([70, 3]), ChunkSize(64, 6, 64))


@pytest.mark.parametrize("longest", [1, 2, 3, 100, 255, 256, 5000])
@pytest.mark.parametrize("chunk_tokens", [1, 256, 512])
def test_a_chunk_is_never_too_small_for_the_longest_text(longest, chunk_tokens):
    size = choose_chunk_size([np.full(40, 1)], longest, chunk_tokens, 64)
    assert size.takes(1, longest) and size.takes(1, 1)


def test_an_expensive_pass_makes_few_and_large_ones():
    random = np.random.default_rng(0)
    batches = [np.r_[random.integers(6, 20, 512), random.integers(20, 200, 512)] for _ in range(16)]
    sizes = [choose_chunk_size(batches, 256, 65_536, overhead) for overhead in (0, 4_000, 1 << 20)]
    passes = [np.mean([len(deal_chunks(lengths, size)) for lengths in batches]) for size in sizes]
    assert passes == sorted(passes, reverse=True) and passes[0] > 5 and passes[-1] <= 2
    held = sum(len(deal_chunks(lengths, sizes[0])) * sizes[0].tokens for lengths in batches)
    assert held / sum(lengths.sum() for lengths in batches) < 1.06


def test_of_the_sizes_the_cheapest():
    """A batch of 64 texts of 30 tokens and one of 20: a single pass each, in the smallest size for the former."""
    size = choose_chunk_size([np.full(64, 30), np.full(64, 20)], 60, 16_384, 4_000)
    assert size == ChunkSize(2048, 64 + 35, 60)
    assert len(deal_chunks(np.full(64, 30), size)) == 1 and not ChunkSize(1792, 64 + 30, 60).takes(64, 64 * 30)
