"""Folders that older versions of the libraries read, too."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from hf_hybrid.encoders.models import save_encoder
from hf_hybrid.encoders.saved_folder import OLD_MODULES, name_classes_as_before, old_name
from hf_hybrid.output_files import write_json
from tests.unusual_encoders import without_pooled_prompt


def test_a_saved_transformer_has_the_old_names_and_the_same_vectors(tmp_path):
    model = without_pooled_prompt(tmp_path / "made")
    before = model.encode(["a text"])
    folder = save_encoder(model, tmp_path / "saved")
    names = [module["type"] for module in json.loads((folder / "modules.json").read_text())]
    assert names[:2] == ["sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling"]
    assert json.loads((folder / "tokenizer_config.json").read_text())["tokenizer_class"] != "TokenizersBackend"
    again = SentenceTransformer(str(folder), device="cpu")
    np.testing.assert_array_equal(again.encode(["a text"]), before)
    # Saved by the library itself it gets its new names back, and the same again from us.
    assert (
        save_encoder(again, tmp_path / "again").joinpath("modules.json").read_bytes()
        == (folder / "modules.json").read_bytes()
    )


@pytest.mark.filterwarnings("ignore:Importing from 'sentence_transformers.models' is deprecated")
@pytest.mark.parametrize("name", OLD_MODULES)
def test_old_names_are_names(name):
    module = getattr(importlib.import_module("sentence_transformers.models"), name)
    assert old_name(f"{module.__module__}.{name}") == f"sentence_transformers.models.{name}"


def test_what_has_no_old_name_stays(tmp_path):
    modules = [{"idx": 0, "type": "mine.Transformer"}, {"idx": 1, "type": "sentence_transformers.new.NeverSeen"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer"})
    name_classes_as_before(tmp_path)
    assert json.loads((tmp_path / "modules.json").read_text()) == modules
    assert json.loads((tmp_path / "tokenizer_config.json").read_text()) == {"tokenizer_class": "BertTokenizer"}
