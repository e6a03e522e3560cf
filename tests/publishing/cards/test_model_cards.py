"""The models of this repository: their cards are as `hf-hybrid card` writes them, and what they say to run runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from hf_hybrid.publishing.cards import write_model_card
from tests.card_snippets import run_snippets

ROOT = Path(__file__).resolve().parents[3]
MODELS = sorted(path.parent for path in (ROOT / "model_cards").glob("*/modules.json"))


def has_weights(folder: Path) -> bool:
    return any(folder.glob("*.safetensors"))


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_the_card_is_as_written(folder, tmp_path):
    if not has_weights(folder):
        pytest.skip("the weights are not in this checkout")
    pytest.importorskip("matplotlib", reason="pictures need the extra `plots`")
    copy = tmp_path / folder.name
    # Links: what is written takes the place of a link, so the originals stay.
    shutil.copytree(folder, copy, copy_function=os.symlink)
    assert write_model_card(copy).written == []


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_snippets_run(folder, tmp_path):
    if not has_weights(folder):
        pytest.skip("the weights are not in this checkout")
    assert all(run_snippets(folder, tmp_path))
