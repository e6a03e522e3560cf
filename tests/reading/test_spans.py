"""The best spans: against trying all of them, and over overlapping windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.reading.spans import Span, WindowSpans, best_spans_of_windows, spans_of_passage
from hf_hybrid.reading.windows import Window


def window(first: int, tokens: int, length: int, pair: int = 0, at: int = 0) -> Window:
    """Tokens of three characters each, of which the last is a space."""
    offsets = np.array([[at + 3 * n, at + 3 * n + 3] for n in range(tokens)]).reshape(-1, 2)
    return Window(pair, {"input_ids": list(range(length))}, first, offsets, null=0)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 5), st.integers(1, 12))
def test_they_are_the_best_of_all(seed, tokens, max_tokens, n_best):
    length, first = tokens + 4, 3
    generator = torch.Generator().manual_seed(seed)
    starts, ends = torch.randn(2, 1, length, generator=generator)
    found = best_spans_of_windows(starts, ends, [window(first, tokens, length)], n_best, max_tokens)[0]
    tried = [
        ((starts[0, first + i] + ends[0, first + j]).item(), i, j)
        for i in range(tokens)
        for j in range(i, min(i + max_tokens, tokens))
    ]
    best = sorted(tried, reverse=True)[:n_best]
    assert found.scores == pytest.approx([score for score, _, _ in best], abs=1e-6)
    assert [*zip(found.firsts, found.lasts, strict=True)] == [(i, j) for _, i, j in best]
    assert found.null == pytest.approx((starts[0, 0] + ends[0, 0]).item(), abs=1e-6)


def test_a_window_without_a_passage_has_none():
    zeros = torch.zeros(1, 4)
    assert best_spans_of_windows(zeros, zeros, [window(0, 0, 4)], 3, 2)[0].scores == []


def test_windows_of_one_passage_are_merged():
    text = "ab cd ef gh "
    parts = [
        (window(3, 3, 8), WindowSpans([1, 0], [1, 1], [5.0, 4.0], null=1.0)),  # "cd", "ab cd"
        (window(3, 3, 8, at=3), WindowSpans([0, 2], [0, 2], [6.0, 4.0], null=3.0)),  # "cd" again, "gh"
    ]
    assert spans_of_passage(text, parts, n_best=5) == [
        Span("cd", 3, 6.0, 3.0),
        Span("ab cd", 0, 4.0, 1.0),
        Span("gh", 9, 4.0, 3.0),
    ]
    assert [span.text for span in spans_of_passage(text, parts, n_best=1)] == ["cd"]
    # Between passages, what a reader believes against "no answer" counts.
    assert Span("cd", 3, 6.0, 3.0).evidence == 3.0


def test_spaces_belong_to_no_answer():
    offsets = np.array([[0, 2], [2, 5]])
    part = (Window(0, {"input_ids": [0] * 4}, 1, offsets, 0), WindowSpans([1, 0], [1, 0], [2.0, 1.0], 0.0))
    assert spans_of_passage("   ab", [part], 5) == [Span("ab", 3, 2.0, 0.0)]
