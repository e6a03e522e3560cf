"""Data and encoders of the training benchmarks: real questions and passages where they are at hand, else synthetic
ones.

Real: questions with their whole passages from `qa_passages.parquet` of the data folder (language by language; tokens
are cut by the encoder's maximum). Synthetic: words of a Zipf distribution in log-normal numbers, made to have the same
quartiles.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from bench_training_common import ROOT
from datasets import Dataset
from filelock import FileLock
from sentence_transformers import SentenceTransformer

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.encoders.models import build_encoder, save_encoder

SHARED = ROOT.parent / "shared" / "data"
CACHE = Path(tempfile.gettempdir()) / "hf_hybrid_benchmarks"
COLUMNS = ("id", "lang", "query", "passage", "passage_id")
# Words of a text: log-normal, (mean, deviation) of the logarithm. Set by the quartiles of the real questions and
# passages.
QUERY_WORDS, PASSAGE_WORDS = (2.3, 0.4), (5.1, 0.9)
# LAReQA's candidates are sentences.
SENTENCE_WORDS = (3.2, 0.5)
SYNTHETIC_LANGUAGES = "ar de el en es hi ru th tr vi zh".split()


@dataclass(frozen=True)
class BenchmarkData:
    """Renditions, their texts' hash, and where they come from."""

    pairs: ParallelPairs
    description: dict[str, Any]


def question_pairs(examples: int, source: Path | None, seed: int = 0) -> BenchmarkData:
    """Questions with passages, one language each: real ones from `source` where it has them, else synthetic."""
    file = None if source is None else source / "qa_passages.parquet"
    rows = _real(file, examples, seed) if file is not None and file.is_file() else _synthetic(examples, seed)
    origin = "synthetic" if file is None or not file.is_file() else file.name
    table = pa.table(dict(zip(COLUMNS, rows, strict=True)))
    pairs = ParallelPairs(Dataset(table), name=origin)
    return BenchmarkData(pairs, {"data": origin, "examples": len(pairs), "sha256": pairs.sha256})


def _real(file: Path, examples: int, seed: int) -> list[list[str]]:
    import pyarrow.parquet as pq

    table = pq.read_table(file, columns=["id", "lang", "passage_lang", "question", "passage"]).to_pandas()
    usable = (
        (table.lang == table.passage_lang) & (table.question.str.strip() != "") & (table.passage.str.strip() != "")
    )
    # One question of each passage: the other library has no masks, so no batch may need one.
    table = table[usable].drop_duplicates(["id", "lang"]).drop_duplicates("passage")
    table = table.iloc[np.random.default_rng(seed).permutation(len(table))[:examples]]
    passages = table.passage.tolist()
    digests = [hashlib.sha256(text.encode()).hexdigest()[:20] for text in passages]
    return [(table.lang + ":" + table.id).tolist(), table.lang.tolist(), table.question.tolist(), passages, digests]


def _synthetic(examples: int, seed: int) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    languages = [SYNTHETIC_LANGUAGES[i % 4] for i in range(examples)]
    queries, passages = (texts(rng, examples, *shape) for shape in (QUERY_WORDS, PASSAGE_WORDS))
    names = [f"e{i}" for i in range(examples)]
    return [names, languages, queries, passages, [f"p{name}" for name in names]]


def texts(rng: np.random.Generator, count: int, mean: float, deviation: float, words: int = 20_000) -> list[str]:
    """Texts of Zipf-distributed words, log-normal in number."""
    lexicon = np.array(
        ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size)) for size in rng.integers(2, 10, words)]
    )
    lengths = np.maximum(1, rng.lognormal(mean, deviation, count)).astype(int)
    chances = 1 / np.arange(1, words + 1)
    picks = rng.choice(words, int(lengths.sum()), p=chances / chances.sum())
    ends = np.cumsum(lengths)
    return [" ".join(lexicon[picks[end - size : end]]) for end, size in zip(ends, lengths, strict=True)]


def texts_of(pairs: ParallelPairs, rows: int | None = None) -> list[str]:
    """Queries and passages of the first rows, or of all."""
    columns = pairs.dataset.select_columns(["query", "passage"])[:rows]
    return [*columns["query"], *columns["passage"]]


def encoder(texts: Iterable[str], sha256: str, **sizes: Any) -> SentenceTransformer:
    """An encoder from scratch with a tokenizer of the given texts; kept in a temporary folder for the next run."""
    name = hashlib.sha256(repr((sha256, sorted(sizes.items()))).encode()).hexdigest()[:16]
    folder = CACHE / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    # All ranks of a benchmark ask for the same encoder at once.
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            save_encoder(build_encoder(ModelArguments(**sizes), texts, seed=0), folder)
    return SentenceTransformer(str(folder), device="cpu")


def own_pairs(path: Path, config: str | None, languages: list[str] | None) -> BenchmarkData:
    """Renditions as `hf-hybrid train` reads them."""
    pairs = ParallelPairs.load(str(path), config=config, languages=languages)
    return BenchmarkData(pairs, {"data": path.name, "config": config, "examples": len(pairs), "sha256": pairs.sha256})


def checkpoint(path: Path) -> SentenceTransformer:
    """An encoder that is there, in float32 and without dropout: two trainers cannot draw the same."""
    model = SentenceTransformer(str(path), device="cpu")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def parallel_pairs(examples: int, languages: list[str], seed: int = 0) -> BenchmarkData:
    """Synthetic examples with a rendition in every language; three questions share a passage."""
    rng = np.random.default_rng(seed)
    pool = 20_000
    queries, passages = texts(rng, pool, *QUERY_WORDS), texts(rng, pool, *SENTENCE_WORDS)
    count, number = examples * len(languages), len(languages)
    example, lang = np.divmod(np.arange(count), number)
    which = rng.integers(0, pool, (2, count))
    rows = {
        "id": [f"e{i}" for i in example],
        "lang": [languages[code] for code in lang],
        "query": [f"{i} {queries[k]}" for i, k in zip(example, which[0], strict=True)],
        "passage": [f"{i // 3} {passages[k]}" for i, k in zip(example, which[1], strict=True)],
        "passage_id": [f"p{i // 3}" for i in example],
    }
    pairs = ParallelPairs(Dataset(pa.table(rows)), name="synthetic")
    return BenchmarkData(
        pairs, {"data": "synthetic", "examples": examples, "languages": number, "sha256": pairs.sha256}
    )


def length_quantiles(lengths: np.ndarray) -> dict[str, float]:
    """Quantiles of token counts, for the results file."""
    return {f"{q}%": float(np.percentile(lengths, q)) for q in (5, 25, 50, 75, 95)}
