"""Differences of weights in eight bits: exact sizes of errors, parts of files, and what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from hf_hybrid.encoders.differences import (
    WEIGHTS,
    apply_difference,
    changed,
    quantised_difference,
    weights_of,
    write_difference,
)
from hf_hybrid.encoders.four_bit_checkpoint import build_checkpoint
from hf_hybrid.errors import InputError
from tests.encoders.four_bit_files import small_encoder

NUMBERS = st.floats(-2, 2, width=32)


@settings(deadline=None)
@given(arrays(np.float32, (3, 5), elements=NUMBERS), arrays(np.float32, (3, 5), elements=NUMBERS))
def test_a_weight_comes_back_to_half_a_step_of_its_row(before, after):
    found = changed({"w": before}, quantised_difference({"w": before}, {"w": after}))["w"]
    step = np.abs(after - before).max(axis=1, keepdims=True) / 127
    # Half a step, and the rounding of float32.
    assert (np.abs(found - after) <= step / 2 + 1e-6).all()


@settings(deadline=None)
@given(arrays(np.float32, 7, elements=NUMBERS))
def test_vectors_are_kept_whole(after):
    before = np.zeros(7, np.float32)
    assert np.array_equal(changed({"b": before}, quantised_difference({"b": before}, {"b": after}))["b"], after)


@pytest.fixture
def start(tmp_path):
    return build_checkpoint(small_encoder(), tmp_path / "start")


@pytest.fixture
def trained(tmp_path, start):
    model = SentenceTransformer(str(start), device="cpu", model_kwargs={"dtype": torch.float32})
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1e-3 * torch.randn(parameter.shape, generator=generator)
    model.save_pretrained(str(tmp_path / "trained"), create_model_card=False)
    return tmp_path / "trained"


@pytest.mark.parametrize("part_bytes", (None, 4000))
def test_the_trained_encoder_comes_back(tmp_path, start, trained, part_bytes):
    parts = write_difference(start, trained, tmp_path / "it.difference", part_bytes)
    assert (len(parts) == 1) == (part_bytes is None)
    assert all(part.stat().st_size <= (part_bytes or 1 << 20) for part in parts)
    folder = apply_difference(start, reversed(parts), tmp_path / "again")
    before, expected, found = weights_of(start), weights_of(trained), weights_of(folder)
    assert found.keys() == expected.keys() and not any("pooler" in name for name in found)
    for name, value in expected.items():
        largest = np.abs(value - before[name]).max(axis=-1, keepdims=True) if value.ndim > 1 else 0
        assert (np.abs(found[name] - value) <= largest / 254 + 1e-7).all()
    one, two = (SentenceTransformer(str(each), device="cpu") for each in (trained, folder))
    assert two.prompts == one.prompts and next(two.parameters()).dtype == torch.float32
    assert np.abs(one.encode(["ab a"]) - two.encode(["ab a"])).max() < 1e-3
    # The differences themselves are larger: what comes back is not the start.
    assert np.abs(one.encode(["ab a"]) - SentenceTransformer(str(start), device="cpu").encode(["ab a"])).max() > 1e-3


def test_what_does_not_fit_is_refused(tmp_path, start, trained):
    parts = write_difference(start, trained, tmp_path / "it", 4000)
    with pytest.raises(InputError, match="not all parts"):
        apply_difference(start, parts[1:], tmp_path / "again")
    with pytest.raises(InputError, match="not all parts"):
        apply_difference(start, parts[:-1], tmp_path / "again")
    with pytest.raises(InputError, match="exists"):
        write_difference(start, trained, tmp_path / "it", 4000)
    with pytest.raises(InputError, match="not those that the difference starts from"):
        apply_difference(trained, parts, tmp_path / "again")
    parts[0].write_bytes(b"other")
    with pytest.raises(InputError, match="cannot be read"):
        apply_difference(start, parts, tmp_path / "again")
    weights = load_file(trained / WEIGHTS)
    save_file({**weights, "embeddings.LayerNorm.bias": torch.full((32,), torch.nan)}, trained / WEIGHTS)
    with pytest.raises(InputError, match="not finite"):
        write_difference(start, trained, tmp_path / "other")
    save_file({name: value for name, value in weights.items() if "type" not in name}, trained / WEIGHTS)
    with pytest.raises(InputError, match="token_type_embeddings.weight is in one"):
        write_difference(start, trained, tmp_path / "other")
    assert not (tmp_path / "again").exists() and not (tmp_path / "other").exists()
