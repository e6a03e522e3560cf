"""The fake Hub as a fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub.fake_hub import FakeHub


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """A Hub of its own for each test, up and empty."""
    with FakeHub() as fake:
        yield fake
