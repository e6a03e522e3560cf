"""A clone without its large files is told what to do, not that its weights are damaged."""

from __future__ import annotations

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode import load_encoder
from tests.unusual_encoders import gpt2_folder, routed

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 470641600\n"


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_a_pointer_in_place_of_a_file(file, tmp_path):
    folder = gpt2_folder(tmp_path / "clone")
    (folder / file).write_text(POINTER)
    with pytest.raises(
        InputError, match=rf"holds a pointer of Git LFS in place of {file}: run `git lfs install` and `git lfs pull`"
    ):
        load_encoder(str(folder))


def test_a_pointer_in_a_module_of_a_router(tmp_path):
    routed(tmp_path / "parts").save_pretrained(str(tmp_path / "clone"), create_model_card=False)
    weights = next((tmp_path / "clone").rglob("*.safetensors"))
    weights.write_text(POINTER)
    with pytest.raises(InputError, match=f"in place of {weights.relative_to(tmp_path / 'clone')}"):
        load_encoder(str(tmp_path / "clone"))


def test_a_clone_with_its_files_loads(tmp_path):
    folder = gpt2_folder(tmp_path / "clone")
    (folder / ".git").mkdir()
    (folder / ".git" / "pointer.txt").write_text(POINTER)
    assert load_encoder(str(folder)).get_embedding_dimension() == 16


def test_pickled_weights_in_a_route_are_refused(tmp_path):
    routed(tmp_path / "parts", "static queries").save_pretrained(str(tmp_path / "clone"), create_model_card=False)
    weights = next(path for path in (tmp_path / "clone").rglob("*.safetensors") if "StaticEmbedding" in str(path))
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(InputError, match="has only pickled weights"):
        load_encoder(str(tmp_path / "clone"))
