"""The fake Hub as a fixture, alone or as the Hub that this process talks to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publishing.hub.fake_hub import FakeHub

# One that the lint of cards passes.
WHOLE_CARD = """\
---
license: apache-2.0
language: [de, en]
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers]
---

# A small model

## Use

```python
from sentence_transformers import SentenceTransformer
```
""" + "".join(
    f"\n## {name}\n\nText.\n"
    for name in ("What it is for", "Languages", "Training", "Evaluation", "Limits", "Licence", "Citation")
)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """A Hub of its own for each test, up and empty."""
    with FakeHub() as fake:
        yield fake


@pytest.fixture
def online(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The Hub that `huggingface_hub` in this process talks to, with the token of `me`, who may write."""
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session, disable_progress_bars

    disable_progress_bars()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
    monkeypatch.setenv("HF_TOKEN", hub.add_account("me"))
    yield hub
    close_session()
