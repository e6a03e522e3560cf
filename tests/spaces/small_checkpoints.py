"""Checkpoints of a few kilobytes for the demo Space: they know the pool by heart, and the base minds the language
most.

A token's vector is the sum of random vectors of the facts whose texts it occurs in, in any language, and of the
languages that it occurs in, times a factor. So translations of a passage are near each other where the factor is
small, and passages of a language where it is large, without any training.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.data.loading import embedded_dataset_path
from hf_hybrid.encoders.models import save_encoder
from hf_hybrid.evaluation.arms import ArmsOptions, build_arms
from hf_hybrid.evaluation.evaluate import evaluate_model
from hf_hybrid.evaluation.results import build_results
from hf_hybrid.output_files import write_json
from hf_hybrid.retrieval.encode import load_encoder
from tests.results_files import write_system

# How much each minds the language of a text.
LANGUAGE_FACTORS = {"hybrid-xlir-small": 0.06, "xlir-small-base": 0.3, "hybrid-xlir-static": 0.12}
HYBRID, BASE, STATIC = LANGUAGE_FACTORS
MAIN = HYBRID
_DIMENSION = 128


def write_small_checkpoints(folder: Path) -> None:
    """Write the three checkpoints that the Space offers."""
    files = sorted((Path(embedded_dataset_path("world_facts")) / "data").glob("*.parquet"))
    rows = [
        row for file in files for row in pq.read_table(file, columns=["id", "lang", "query", "passage"]).to_pylist()
    ]
    texts = [text for row in rows for text in (row["query"], row["passage"])]
    tokenizer = _tokenizer(texts)
    meanings, tongues = _token_sums(tokenizer, rows)
    for name, factor in LANGUAGE_FACTORS.items():
        weights = torch.from_numpy((meanings + factor * tongues).astype(np.float32)).half()
        model = SentenceTransformer(
            modules=[StaticEmbedding(tokenizer, embedding_weights=weights), Normalize()], device="cpu"
        )
        model.prompts = {"query": "", "document": ""}
        save_encoder(model, folder / name)


def _tokenizer(texts: list[str]) -> Tokenizer:
    """Byte pairs, which are learnt in a second; languages without spaces need no more."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=14_000, special_tokens=["<unk>"], show_progress=False)
    )
    return tokenizer


def _token_sums(tokenizer: Tokenizer, rows: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """For every token the sum of its facts' and of its languages' vectors, both weighted against common tokens."""
    size = tokenizer.get_vocab_size()
    draw = np.random.default_rng(0)
    sums = []
    for key in ("id", "lang"):
        names = sorted({row[key] for row in rows})
        vectors = draw.normal(size=(len(names), _DIMENSION)) / _DIMENSION**0.5
        counts = np.zeros((size, len(names)))
        for row in rows:
            for encoding in tokenizer.encode_batch([row["query"], row["passage"]], add_special_tokens=False):
                np.add.at(counts, (encoding.ids, names.index(row[key])), 1)
        total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
        sums.append(counts / total @ vectors * 20 / (20 + total))
    return sums[0], sums[1]


def write_small_results(folder: Path) -> None:
    """Write measured numbers of two checkpoints on world_facts, and arms of made-up systems beside the first."""
    for name in list(LANGUAGE_FACTORS)[:2]:
        benchmark = load_benchmark("world_facts")
        evaluation = evaluate_model(load_encoder(str(folder / name), device="cpu"), benchmark)
        build_results(evaluation, benchmark, name).save(folder / name / "results" / "world_facts.json")
    systems = {
        arm: [write_system(folder / "systems" / f"{arm}_{seed}.json", noise, seed=seed, draw=seed) for seed in (1, 2)]
        for arm, noise in (("hybrid", 0.5), ("x-x-mono", 0.8), ("x-y", 0.6))
    }
    alphas = {0.0: systems["x-y"], 0.5: systems["hybrid"], 1.0: systems["x-x-mono"]}
    arms = build_arms(systems, alphas, ArmsOptions(resamples=200), folder)
    write_json(folder / MAIN / "results" / "arms.json", arms)
