"""Encoders in four bits: read, kept in part, written back, made a checkpoint."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from hf_hybrid.encoders.four_bit import FourBitEncoder, dequantised
from hf_hybrid.encoders.four_bit_checkpoint import E5_PROMPTS, bert, build_checkpoint, tokenizer
from hf_hybrid.errors import InputError
from tests.encoders.four_bit_files import PIECES, quantised, small_encoder


def test_a_block_by_hand():
    # Scale 2; low halves first: 15 - 8 = 7, 0 - 8 = -8; high halves are numbers 16 and 17: 9 - 8 = 1, 8 - 8 = 0.
    block = np.frombuffer(np.float16(2).tobytes() + bytes([0x9F, 0x80] + [0x88] * 14), np.uint8)
    numbers = dequantised(block[None, None])
    assert numbers.shape == (1, 32)
    assert numbers[0, [0, 1, 2, 16, 17, 31]].tolist() == [14, -16, 0, 2, 0, 0]


def test_numbers_that_four_bits_hold_come_back():
    matrix = np.random.default_rng(1).integers(-7, 8, (5, 96)).astype(np.float32)
    matrix[:, ::32] = 7
    assert np.array_equal(dequantised(quantised(matrix)), matrix)


def test_a_file_comes_back(tmp_path):
    encoder = small_encoder()
    path = encoder.write(tmp_path / "small.bin")
    found = FourBitEncoder.read(path)
    assert found.pieces == PIECES and found.characters == (1, b"map") and found.special == encoder.special
    assert found.sizes == encoder.sizes._replace(epsilon=float(np.float32(1e-12)))
    assert found.scores.tolist() == encoder.scores.tolist()
    assert {name: value.tolist() for name, value in found.tensors.items()} == {
        name: value.tolist() for name, value in encoder.tensors.items()
    }
    assert found.write(tmp_path / "again.bin").read_bytes() == path.read_bytes()
    with pytest.raises(InputError, match="exists"):
        found.write(path)


@settings(deadline=None)
@given(st.sets(st.integers(0, len(PIECES) - 1)))
def test_kept_rows_are_those_of_their_pieces(ids):
    whole = small_encoder()
    kept = whole.keep(sorted(ids))
    order = sorted(ids | {0, 1, 2, 3})
    assert kept.pieces == tuple(PIECES[index] for index in order)
    assert kept.special == whole.special and kept.sizes.words == len(order)
    assert np.array_equal(kept.matrix("emb.word"), whole.matrix("emb.word")[order])


@pytest.mark.parametrize("ids", ([12], [-1], [[1]], [0.5]))
def test_other_ids_are_refused(ids):
    with pytest.raises(InputError, match="pieces: "):
        small_encoder().keep(ids)


@pytest.mark.parametrize("cut", (3, 9, 60, 500, 3000, 5000))
def test_a_file_that_was_cut_off_is_refused(tmp_path, cut):
    content = small_encoder().write(tmp_path / "whole.bin").read_bytes()
    assert len(content) > cut
    (tmp_path / "cut.bin").write_bytes(content[:cut])
    with pytest.raises(InputError, match="cut.bin: (damaged|no encoder in four bits)"):
        FourBitEncoder.read(tmp_path / "cut.bin")
    with pytest.raises(InputError, match="missing.bin: cannot be read"):
        FourBitEncoder.read(tmp_path / "missing.bin")


def test_tokens_by_hand():
    made = tokenizer(small_encoder())
    # NFKC, one space at most; the likeliest pieces ("▁" and "a" before "▁a"), unknown ones as <unk>.
    assert made("ab   ａ中x")["input_ids"] == [0, 7, 4, 5, 9, 3, 2]
    assert made.mask_token == "<mask>" and made.pad_token_id == 1
    assert tokenizer(small_encoder().keep([5, 6])).mask_token is None
    assert made.decode(made("ab ü")["input_ids"], skip_special_tokens=True) == "ab ü"


@pytest.mark.parametrize("dtype", (torch.float32, torch.float16))
def test_the_checkpoint_loads_with_nothing_of_ours(tmp_path, dtype):
    encoder = small_encoder()
    folder = build_checkpoint(encoder, tmp_path / "model", dtype)
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    assert {name: model.prompts[name] for name in E5_PROMPTS} == E5_PROMPTS
    stored = {name: value for name, value in model[0].model.state_dict().items() if "pooler" not in name}
    expected = bert(encoder).state_dict()
    assert stored.keys() == expected.keys()
    assert all(torch.equal(value, expected[name].to(dtype).float()) for name, value in stored.items())
    texts = ["ab a", "ü中 ab ab"]
    batch = AutoTokenizer.from_pretrained(folder)(texts, return_tensors="pt", padding=True)
    with torch.inference_mode():
        tokens = AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False)(**batch)[0]
    mask = batch["attention_mask"][..., None]
    vectors = torch.nn.functional.normalize((tokens * mask).sum(1) / mask.sum(1), dim=1)
    assert np.allclose(model.encode(texts, prompt=""), vectors, atol=1e-6)


def test_cut_vocabularies_change_no_vector_of_texts_that_they_hold(tmp_path):
    encoder = small_encoder()
    kept = encoder.keep([4, 5, 6, 7, 10])
    whole, cut = (
        SentenceTransformer(str(build_checkpoint(each, tmp_path / name)), device="cpu")
        for name, each in (("whole", encoder), ("cut", kept))
    )
    assert np.allclose(whole.encode(["ab a b"], prompt=""), cut.encode(["ab a b"], prompt=""), atol=1e-6)


def test_the_real_file_comes_back_bit_for_bit(tmp_path):
    path = os.environ.get("HF_HYBRID_FOUR_BIT_FILE")
    if not path:
        pytest.skip("HF_HYBRID_FOUR_BIT_FILE names no e5-small-q4.bin")
    encoder = FourBitEncoder.read(path)
    assert encoder.write(tmp_path / "again.bin").read_bytes() == Path(path).read_bytes()
