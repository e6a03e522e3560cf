"""The first rank, by what a launcher tells its processes."""

from __future__ import annotations

import pytest

from hf_hybrid.engines.first_rank import is_first_rank


@pytest.mark.parametrize(("rank", "expected"), [(None, True), ("0", True), ("1", False), ("10", False)])
def test_the_first_rank(rank, expected, monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert is_first_rank() is expected
