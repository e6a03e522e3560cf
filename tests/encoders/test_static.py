"""Static encoders from scratch: smooth inverse frequency, and its way through the arguments."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.encoders.static import random_static_encoder, sif_factors
from hf_hybrid.errors import InputError

TEXTS = ["hello world", "hallo Welt", "hello you"] * 40


def words(*vocabulary: str) -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(vocabulary)}, unk_token=vocabulary[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def test_smooth_inverse_frequency():
    """Of 4 tokens 3 are `a` and 1 is `b`: a / (a + p) with a = 1/4."""
    factors = sif_factors(words("?", "a", "b", "never"), ["a a", "a b"], 0.25)
    torch.testing.assert_close(factors, torch.tensor([1.0, 0.25, 0.5, 1.0]))


def test_factors_scale_the_vectors():
    tokenizer, factors = words("?", "a"), torch.tensor([1.0, 0.5])
    torch.manual_seed(0)
    plain = random_static_encoder(tokenizer, 64)[0].embedding.weight
    torch.manual_seed(0)
    scaled = random_static_encoder(tokenizer, 64, factors)[0].embedding.weight
    torch.testing.assert_close(scaled, plain * factors[:, None])
    assert plain.norm(dim=1).mean().item() == pytest.approx(1, abs=0.3)


def test_arguments_reach_the_encoder():
    sizes = {"encoder": "static", "vocab_size": 330, "embedding_dimension": 16}
    plain = build_encoder(ModelArguments(**sizes, lowercase=True), TEXTS)
    weighted = build_encoder(ModelArguments(**sizes, lowercase=True, sif_coefficient=1e-2), TEXTS)
    np.testing.assert_array_equal(plain.encode("HELLO World"), plain.encode("hello world"))
    ratio = weighted[0].embedding.weight / plain[0].embedding.weight
    expected = sif_factors(weighted.tokenizer, TEXTS, 1e-2)
    torch.testing.assert_close(ratio, expected[:, None].expand(-1, 16))
    assert expected.min() < 0.5


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_impossible_coefficients(value):
    with pytest.raises(InputError, match="sif_coefficient: .* is not above 0"):
        ModelArguments(sif_coefficient=value)


def test_frequencies_need_texts(tmp_path):
    build_encoder(
        ModelArguments(encoder="transformer", vocab_size=320, hidden_size=8, num_attention_heads=2), TEXTS
    ).tokenizer.save_pretrained(tmp_path)
    with pytest.raises(InputError, match="counted in the training texts, and there are none"):
        build_encoder(ModelArguments(encoder="static", tokenizer_name_or_path=str(tmp_path), sif_coefficient=1e-3))
