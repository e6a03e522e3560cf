"""Encoding speed against `SentenceTransformer.encode`: same model, same texts, same vectors, interleaved.

    python benchmarks/bench_encode.py [--texts 26104] [--repeats 3] [--batch_sizes 32 128] [--output
    benchmarks/results]

The texts are XQuAD-R's questions and sentences in 11 languages where `HF_HYBRID_SHARED_DATA` (default: ../shared/data)
has them, otherwise synthetic ones whose lengths follow the same law. The models have random weights: a transformer of
4 layers x 256 and a static encoder of 256 dimensions, with a vocabulary of 16,000. Writes `encode.json`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_training_common import RESULTS, command_line, write_results

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.retrieval.encode_texts import batch_tokens_of, batches_of, encode_texts
from hf_hybrid.retrieval.encode_tokens import block_maker

SHARED = Path(os.environ.get("HF_HYBRID_SHARED_DATA", Path(__file__).parents[1].parent / "shared" / "data"))
LIKE_SENTENCE_TRANSFORMERS = 1e-5
VOCABULARY = 16_000


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=26104)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[32, 128], help="of SentenceTransformer.encode")
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="folder of the results file (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    texts, source = load_texts(arguments.texts)
    encoders = {}
    print(f"{len(texts):,} texts, {torch.get_num_threads()} threads")
    for encoder in ("transformer", "static"):
        args = ModelArguments(
            encoder=encoder,
            vocab_size=VOCABULARY,
            tokenizer_sample=50_000,
            embedding_dimension=256,
            max_seq_length=256,
        )
        model = build_encoder(args, training_texts=texts).eval()
        encoders[encoder] = compare(encoder, model, texts, arguments.batch_sizes, arguments.repeats)
    settings = {
        "texts": len(texts),
        "source": source,
        "repeats": arguments.repeats,
        "batch_sizes": arguments.batch_sizes,
    }
    settings["threads"] = torch.get_num_threads()
    content = {"command": command_line(__file__, argv), "results": encoders}
    print(f"\n{write_results('encode', arguments.output, settings, content)}")


def compare(name: str, model, texts: list[str], batch_sizes: list[int], repeats: int) -> dict[str, Any]:
    """Time all ways in turns; returns what the results file holds of this encoder."""
    lengths = block_maker(model, "Passage: ", "document")(texts).lengths
    ways: dict[str, Callable[[], torch.Tensor]] = {
        f"sentence-transformers, batch {size}": lambda size=size: torch.as_tensor(
            model.encode_document(texts, batch_size=size, normalize_embeddings=True)
        )
        for size in batch_sizes
    }
    ways["hf_hybrid"] = lambda: encode_texts(model, texts)
    for way in ways.values():  # warm up
        few, texts[:] = texts[256:], texts[:256]
        way()
        texts += few
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    vectors: dict[str, torch.Tensor] = {}
    for _ in range(repeats):
        for way, encode in ways.items():
            started = time.perf_counter()
            vectors[way] = encode()
            seconds[way].append(time.perf_counter() - started)
    reference = next(iter(vectors.values()))
    ours = statistics.median(seconds["hf_hybrid"])
    tokens = {"tokens": int(lengths.sum()), "median": float(np.median(lengths)), "longest": int(lengths.max())}
    rows: dict[str, dict[str, float]] = {}
    print(f"\n{name}: {tokens['tokens']:,} tokens, median {tokens['median']:.0f}, longest {tokens['longest']}")
    print(f"{'':36} {'seconds':>8} {'texts/s':>9} {'tokens/s':>10} {'padding':>8} {'ours is':>8} {'difference':>11}")
    for way, times in seconds.items():
        median = statistics.median(times)
        difference = float((vectors[way] - reference).abs().max())
        assert difference < LIKE_SENTENCE_TRANSFORMERS, f"{way} gives other vectors: {difference}"
        rows[way] = {
            "seconds": median,
            "texts_per_second": len(texts) / median,
            "tokens_per_second": tokens["tokens"] / median,
            "ours_is_times_faster": median / ours,
            "largest_difference": difference,
        }
        padding = ""
        if name != "static":
            rows[way]["padding"] = padding_of(way, model, texts, lengths)
            padding = f"{rows[way]['padding']:.1%}"
        print(
            f"{way:36} {median:8.2f} {len(texts) / median:9,.0f} {tokens['tokens'] / median:10,.0f} {padding:>8} "
            f"{median / ours:7.2f}x {difference:11.1e}"
        )
    return {**tokens, "ways": rows}


def padding_of(way: str, model, texts: list[str], lengths: np.ndarray) -> float:
    """Share of the tokens that a way computes and throws away."""
    if way == "hf_hybrid":
        batches = batches_of(lengths, batch_tokens_of(model, 128), 8192)
    else:
        size = int(way.rsplit(" ", 1)[1])
        order = np.argsort([-len(text) for text in texts])
        batches = (order[start : start + size] for start in range(0, len(order), size))
    computed = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    return 1 - int(lengths.sum()) / computed


def load_texts(count: int) -> tuple[list[str], str]:
    """The texts, and what they are of."""
    folder = SHARED / "lareqa" / "xquad-r"
    rng = np.random.default_rng(0)
    if folder.is_dir():
        benchmark = load_benchmark("xquad_r", data_dir=folder)
        texts = [*benchmark.queries, *benchmark.candidates]
        return [texts[row] for row in rng.permutation(len(texts))[:count]], "xquad_r"
    print("XQuAD-R is not here: synthetic texts")
    # Log-normal lengths in three kinds of scripts, in characters a word: alphabets, abjads, and those without spaces.
    words = [["".join(rng.choice(list(a), n)) for n in rng.integers(lo, hi, 4000)] for a, lo, hi in SCRIPTS]
    kinds = rng.integers(0, len(words), count)
    sizes = np.clip(rng.lognormal(2.9, 0.6, count), 3, 180).astype(int)
    return [" ".join(rng.choice(words[kind], size)) for kind, size in zip(kinds, sizes, strict=True)], "synthetic"


SCRIPTS = (
    ("abcdefghijklmnoprstuvwz", 2, 10),
    ("абвгдежзиклмнопрстуя", 3, 12),
    ("的一是不了在人有我他这个们中来上大为和国", 1, 3),
)

if __name__ == "__main__":
    main()
