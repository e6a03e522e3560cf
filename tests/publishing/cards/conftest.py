"""Folders of small saved models: a static encoder and a transformer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hf_hybrid.arguments import ModelArguments

TEXTS = [
    "What is the currency of Japan?",
    "Welche Währung hat Japan?",
    "日本の通貨は円です。",
    "Tokyo is a city.",
] * 40
SIZES = {
    "static": {"encoder": "static", "vocab_size": 400, "embedding_dimension": 16},
    "transformer": {
        "encoder": "transformer",
        "vocab_size": 400,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_seq_length": 32,
    },
}


@pytest.fixture(scope="session")
def saved(tmp_path_factory) -> dict[str, Path]:
    from hf_hybrid.encoders.models import build_encoder, save_encoder

    folder = tmp_path_factory.mktemp("saved")
    return {
        kind: save_encoder(build_encoder(ModelArguments(**sizes), training_texts=TEXTS), folder / kind)
        for kind, sizes in SIZES.items()
    }


@pytest.fixture
def model(saved, tmp_path) -> Path:
    """A copy of the static encoder among a project's model cards."""
    return Path(shutil.copytree(saved["static"], tmp_path / "model_cards" / "tiny"))
