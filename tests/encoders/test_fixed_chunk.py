"""Chunks of one shape: fillers take what texts leave over, no segment is empty, and no text is changed by them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hf_hybrid.encoders.fixed_chunk import ChunkSize, pack_filled
from hf_hybrid.encoders.packed import first_position, pack, take_packed
from tests.encoders.four_architectures import ARCHITECTURES, encoder


@given(st.integers(0, 40), st.integers(0, 300), st.integers(1, 300), st.integers(1, 40), st.integers(1, 50))
def test_what_is_taken_can_be_filled_and_nothing_else(texts, held, tokens, segments, longest):
    size = ChunkSize(tokens, segments, longest)
    lengths = np.full(texts, held // texts) + (np.arange(texts) < held % texts) if texts else np.zeros(0, dtype=int)
    left, count = tokens - int(lengths.sum()), segments - texts
    # So many fillers of 1 to `longest` tokens hold from `count` to `count * longest` of them.
    possible = count >= 0 and left in range(count, count * longest + 1)
    assert size.takes(texts, int(lengths.sum())) == possible
    if not possible:
        with pytest.raises(ValueError, match=f"{texts} texts"):
            size.fillers(lengths)
        return
    fillers = size.fillers(lengths)
    assert len(fillers) == count and fillers.sum() == left
    assert not count or (fillers.min() >= 1 and fillers.max() <= longest and fillers.max() - fillers.min() <= 1)


def test_features_have_one_shape():
    size = ChunkSize(16, 5, 7)
    values = np.arange(5, 16)
    shapes = set()
    for lengths in ([4, 7], [7], [1, 2, 3], [5, 1, 1, 4]):
        features = pack_filled(values[: sum(lengths)], np.array(lengths), size, padding=1, first=2)
        ids, offsets = features["input_ids"][0].tolist(), features["cu_seq_lens_q"].tolist()
        assert ids[: sum(lengths)] == values[: sum(lengths)].tolist() and set(ids[sum(lengths) :]) == {1}
        assert offsets[: len(lengths) + 1] == [0, *np.cumsum(lengths)] and offsets[-1] == 16
        assert np.diff(offsets).min() >= 1 and np.diff(offsets).max() <= 7
        assert features["position_ids"][0][offsets[:-1]].tolist() == [2] * 5
        assert features["seq_idx"][0].tolist() == np.repeat(range(5), np.diff(offsets)).tolist()
        shapes.add(str({name: getattr(value, "shape", value) for name, value in features.items()}))
    assert len(shapes) == 1


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_vectors_are_those_without_fillers(folders, architecture, pooling):
    model = encoder(folders[architecture], pooling).eval()
    take_packed(model)
    values, lengths = np.array([9, 9, 5, 6, 7, 8, 9]), np.array([2, 4, 1])
    first = first_position(model)
    expected = model(pack(values, lengths, first))["sentence_embedding"]
    found = model(pack_filled(values, lengths, ChunkSize(40, 6, 16), 1, first))["sentence_embedding"]
    assert found.shape == (6, 32) and found.isfinite().all()
    torch.testing.assert_close(found[:3], expected, rtol=0, atol=1e-12)


def test_fillers_reach_no_text_and_get_no_gradient(folders):
    model = encoder(folders["distilbert"])
    take_packed(model)
    words = model[0].model.embeddings.word_embeddings.weight
    found = []
    for filler in (298, 299):
        features = pack_filled(np.array([9, 5, 6]), np.array([1, 2]), ChunkSize(24, 4, 16), filler)
        vectors = model(features)["sentence_embedding"]
        model.zero_grad()
        vectors[:2].square().sum().backward()
        assert not words.grad[298:].any() and words.grad[[5, 6, 9]].abs().sum(1).min() > 0
        found.append((vectors[:2].detach(), vectors[2:].detach(), words.grad.clone()))
    (texts, fillers, gradients), (others, other_fillers, other_gradients) = found
    assert not torch.equal(fillers, other_fillers)
    torch.testing.assert_close(others, texts, rtol=0, atol=1e-12)
    torch.testing.assert_close(other_gradients, gradients, rtol=0, atol=1e-12)
