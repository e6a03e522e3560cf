"""A transformer without a pooler gets one of zeros: the class loads without settings, vectors stay."""

from __future__ import annotations

import json
import logging

import pytest
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

from hf_hybrid.encoders.absent_pooler import SETTINGS, SWITCH, add_pooler, has_no_pooler
from hf_hybrid.encoders.models import save_encoder
from hf_hybrid.errors import InputError

TEXTS = ["one two", "three"]


@pytest.fixture
def without(folders) -> SentenceTransformer:
    model = SentenceTransformer(str(folders["bert"]), device="cpu")
    model[0].auto_model.pooler = None
    return model


def test_a_pooler_of_zeros_is_added_and_vectors_stay(without, tmp_path, caplog):
    before = without.encode(TEXTS)
    assert has_no_pooler(without)
    add_pooler(without)
    assert not has_no_pooler(without)
    assert all(not weight.any() for weight in without[0].auto_model.pooler.parameters())
    save_encoder(without, tmp_path / "copy")
    assert SWITCH not in json.loads((tmp_path / "copy" / SETTINGS).read_text()).get("model_args", {})
    with caplog.at_level(logging.WARNING):
        plain = AutoModel.from_pretrained(tmp_path / "copy")
    assert "pooler" not in caplog.text and not plain.pooler.dense.weight.any()
    assert (SentenceTransformer(str(tmp_path / "copy"), device="cpu").encode(TEXTS) == before).all()


def test_without_one_the_folder_says_so(without, tmp_path):
    save_encoder(without, tmp_path / "copy")
    assert json.loads((tmp_path / "copy" / SETTINGS).read_text())["model_args"][SWITCH] is False


def test_who_lacks_none_is_refused(folders):
    with pytest.raises(InputError, match="lacks no pooler; leave the flag out"):
        add_pooler(SentenceTransformer(str(folders["bert"]), device="cpu"))
