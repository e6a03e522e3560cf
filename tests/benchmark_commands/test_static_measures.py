"""What a released static model is measured by: rounding, cutting, and the form of the card's files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.encoders.models import build_encoder, save_encoder

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import static_measures


@pytest.fixture(scope="module")
def benchmark_and_model():
    benchmark = load_benchmark("world_facts", max_examples=20)
    texts = [*benchmark.queries, *benchmark.candidates]
    args = ModelArguments(
        encoder="static", vocab_size=1000, embedding_dimension=32, query_prompt="", passage_prompt=""
    )
    return benchmark, build_encoder(args, texts * 3)


def test_rounded_vectors_are_near():
    vectors = torch.nn.functional.normalize(torch.randn(200, 32, generator=torch.Generator().manual_seed(0)), dim=1)
    near = static_measures.rounded(vectors, vectors)
    torch.testing.assert_close(near.norm(dim=1), torch.ones(200))
    # A step is a 255th of a dimension's range, which is about 1.2 here: each component is at most a step off.
    assert 0 < (near - vectors).abs().max() < 1.5 / 255 * 1.5


def test_variants(benchmark_and_model):
    benchmark, model = benchmark_and_model
    rows = static_measures.variants(model, benchmark, [64, 16])["variants"]
    assert [(row["dimension"], row["precision"], row["vector_bytes"]) for row in rows] == [
        *((32, "float32", 128), (32, "int8", 32)),
        *((16, "float32", 64), (16, "int8", 16)),
    ]
    assert rows[0]["megabytes"] == pytest.approx(model[0].embedding.weight.numel() * 2 / 1e6, abs=0.05)
    assert rows[0]["mo_map"] == pytest.approx(rows[1]["mo_map"], abs=0.05) and rows[0]["mo_map"] > rows[2]["mo_map"]


def test_speed(benchmark_and_model, tmp_path):
    benchmark, model = benchmark_and_model
    rows = static_measures.speed(save_encoder(model, tmp_path / "model"), benchmark, repeats=1)
    assert [(row["what"], row["texts"]) for row in rows] == [("questions", 220), ("passages", 220)]
    assert all(row["texts_per_second"] > 0 and row["milliseconds"] > 0 for row in rows)
