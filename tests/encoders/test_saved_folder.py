"""Folders that older versions of the libraries read, too."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

from hf_hybrid.encoders.models import save_encoder
from hf_hybrid.encoders.saved_folder import OLD_MODULES, name_classes_as_before, old_name
from hf_hybrid.output_files import write_json
from tests.unusual_encoders import without_pooled_prompt


def test_float16_weights_are_read_as_float32_unless_asked(tmp_path):
    model = without_pooled_prompt(tmp_path / "made")
    folder = save_encoder(model.half(), tmp_path / "saved")
    stored = load_file(folder / "model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.float16}
    plain = AutoModel.from_pretrained(folder)
    for name, weight in plain.named_parameters():
        torch.testing.assert_close(weight, stored[name].float(), rtol=0, atol=0)
    assert SentenceTransformer(str(folder), device="cpu")[0].auto_model.dtype == torch.float32
    assert AutoModel.from_pretrained(folder, dtype=torch.float16).dtype == torch.float16
    kept = save_encoder(model.bfloat16(), tmp_path / "bfloat16")
    assert AutoModel.from_pretrained(kept).dtype == torch.bfloat16


def test_the_tokenizer_is_written_without_white_space_and_reads_the_same(tmp_path):
    model = without_pooled_prompt(tmp_path / "made")
    content = (save_encoder(model, tmp_path / "saved") / "tokenizer.json").read_text(encoding="utf-8")
    kept = json.loads(model.tokenizer.backend_tokenizer.to_str())
    assert json.loads(content)["model"] == kept["model"]
    assert content.count("\n") == 0 and len(content) < len(model.tokenizer.backend_tokenizer.to_str(pretty=True))


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
