"""Folders that may become repositories of the Hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

CARD = "---\nlicense: apache-2.0\npipeline_tag: sentence-similarity\n---\n# A model\n"


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes files into a folder: a card and a small model unless others are named."""

    def make(files: dict[str, bytes | str] | None = None, name: str = "folder") -> Path:
        folder = tmp_path / name
        content = {"README.md": CARD, "config.json": json.dumps({"hidden_size": 8}), "model.safetensors": b"\0" * 3000}
        for path, data in (content if files is None else files).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data if isinstance(data, bytes) else data.encode())
        return folder

    return make
