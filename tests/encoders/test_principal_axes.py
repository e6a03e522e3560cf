"""Principal axes: the same similarities, and the most of every vector in the first dimensions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.cli.main import main
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.encoders.principal_axes import turn_to_principal_axes
from hf_hybrid.errors import InputError

TEXTS = [
    f"{a} {b} {c}" for a in ("one", "two", "three", "four") for b in ("red", "blue", "green") for c in ("sun", "moon")
]


def encoder(kind: str = "static", **sizes) -> SentenceTransformer:
    args = ModelArguments(
        encoder=kind, vocab_size=320, embedding_dimension=12, query_prompt="", passage_prompt="", **sizes
    )
    return build_encoder(args, TEXTS * 10)


def test_similarities_stay_and_axes_are_sorted():
    model = encoder()
    before = model.encode(TEXTS, convert_to_tensor=True).double()
    shares = turn_to_principal_axes(model, TEXTS)
    after = model.encode(TEXTS, convert_to_tensor=True).double()
    torch.testing.assert_close(after @ after.T, before @ before.T, rtol=0, atol=1e-6)
    assert (shares.diff() <= 1e-12).all() and shares.sum().item() == pytest.approx(1)
    torch.testing.assert_close((after**2).mean(0), shares, rtol=1e-4, atol=1e-7)
    # No other three dimensions hold as much as the singular values say, and these hold it.
    best = np.linalg.svd(before.numpy(), compute_uv=False)[:3] ** 2 / len(TEXTS)
    assert (after[:, :3] ** 2).sum(1).mean().item() == pytest.approx(best.sum(), rel=1e-5)


def test_what_cannot_be_turned():
    with pytest.raises(InputError, match="11 texts for 12 dimensions"):
        turn_to_principal_axes(encoder(), TEXTS[:11])
    transformer = encoder(
        "transformer", hidden_size=8, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8
    )
    with pytest.raises(InputError, match="only the vectors of a static encoder"):
        turn_to_principal_axes(transformer, TEXTS)


def test_export(tmp_path, capsys):
    source = save_encoder(encoder(), tmp_path / "model")
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(json.dumps({"lang": "en", "text": text}) + "\n" for text in TEXTS))
    output = tmp_path / "small"
    assert main(["export", str(source), str(output), "--dtype", "float16", "--principal_axes", str(texts)]) == 0
    assert "Written to" in capsys.readouterr().out
    small, whole = SentenceTransformer(str(output)), SentenceTransformer(str(source))
    assert small[0].embedding.weight.dtype == torch.float16
    vectors, expected = (np.asarray(model.encode(TEXTS), dtype=np.float64) for model in (small, whole))
    np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=2e-3)
    assert main(["export", str(source), str(output)]) == 2
    assert "already in use" in capsys.readouterr().err
