"""Packed passes: texts laid end to end give the vectors, gradients and loss of padded ones, for four architectures and
three poolings.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.tokenised import TokenisedPairs
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.encoders.packed import ATTENTION, first_position, pack, take_packed, why_padded
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import BatchSlice, PlanSettings
from tests.conftest import renditions
from tests.encoders.four_architectures import ARCHITECTURES, assert_same_step, encoder, step


def batches(model: SentenceTransformer, pairs, chunk_tokens: int = 400) -> tuple[dict, dict]:
    """The same rows padded and packed."""
    plan = HybridBatchPlan(pairs, PlanSettings(global_batch_size=12))
    rows = TokenisedPairs(plan, model, num_negatives=2).__getitems__(BatchSlice(0, 1, 0, 12))
    padded = HybridCollator.of(model, chunk_tokens)(rows)
    packing = HybridCollator.of(model, chunk_tokens)
    packing.packed_from = first_position(model)
    return padded, packing(rows)


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_packed_equals_padded(folders, pairs, architecture, pooling):
    plain = encoder(folders[architecture], pooling)
    model = copy.deepcopy(plain)
    assert why_padded(model) is None
    take_packed(model)
    padded, packed = batches(plain, pairs)
    assert len(packed["chunks"]) < len(padded["chunks"])
    expected = step(plain, padded)
    for batch, budget in (
        (packed, None),
        (packed, 0.0),
        (padded, None),
    ):  # also cached; and it still takes padded texts
        assert_same_step(expected, step(model, batch, budget))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_vectors_in_float32(folders, pairs, architecture):
    plain = encoder(folders[architecture]).float().eval()
    padded, packed = batches(plain, pairs)
    expected = torch.cat([plain(dict(chunk))["sentence_embedding"] for chunk in padded["chunks"]])[padded["positions"]]
    take_packed(plain)
    found = torch.cat([plain(dict(chunk))["sentence_embedding"] for chunk in packed["chunks"]])[packed["positions"]]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_text_does_not_see_its_neighbours(folders):
    model = encoder(folders["modernbert"]).eval()
    take_packed(model)
    alone = model(pack(np.array([5, 6, 7, 8]), np.array([4])))["sentence_embedding"]
    beside = model(pack(np.array([9, 9, 5, 6, 7, 8, 9]), np.array([2, 4, 1])))["sentence_embedding"]
    torch.testing.assert_close(beside[1], alone[0], rtol=0, atol=1e-12)


def test_xlm_roberta_counts_positions_from_behind_the_padding_id(folders):
    assert first_position(encoder(folders["xlm-roberta"])) == 2
    assert first_position(encoder(folders["bert"])) == 0


def test_saved_models_do_not_name_the_attention(folders, tmp_path):
    model = encoder(folders["bert"])
    take_packed(model)
    model.save_pretrained(str(tmp_path))
    assert ATTENTION not in (tmp_path / "config.json").read_text()
    assert SentenceTransformer(str(tmp_path), device="cpu")[0].model.config._attn_implementation == "sdpa"


def test_reasons_to_stay_padded(folders):
    texts = [str(row["query"]) for row in renditions()]
    static = build_encoder(ModelArguments(encoder="static", vocab_size=300, embedding_dimension=16), texts)
    assert why_padded(static) == "its first module is StaticEmbedding, no transformer"
    assert why_padded(encoder(folders["bert"], "max")) == "pooling max is not among cls, mean, lasttoken"
    with pytest.raises(ValueError, match="pooling max"):
        take_packed(encoder(folders["bert"], "max"))
    other = encoder(folders["bert"])
    other[0].model.config.model_type = "gpt2"
    assert "and this is gpt2" in why_padded(other)
