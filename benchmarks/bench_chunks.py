"""How batches are cut into passes, by what a pass costs: passes a step, padding, and the time of the cut itself.

    python benchmarks/bench_chunks.py --output benchmarks/results/chunks.json
    python benchmarks/bench_chunks.py --data hybrid_mix/qa/train.parquet --tokenizer model/ --output chunks.json

Lengths are those of the data's questions and passages, and of passages like MS MARCO's: questions of about 9 tokens,
passages of about 80 (log-normal). Nothing is trained: the cuts depend on lengths alone. "64" is what a pass cost on
CPUs and was assumed everywhere before it was measured.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.data.chunks import cut_chunks, fill_chunks
from hf_hybrid.evaluation.provenance import hardware, versions
from hf_hybrid.output_files import write_json

COSTS = (64, 4_000, 30_000)
BATCHES = (256, 1_024, 8_192, 65_536)
CHUNK_TOKENS = (16_384, 65_536)
REPEATS = 5
Sample = Callable[[np.random.Generator, int], np.ndarray]


def marco_like(random: np.random.Generator, rows: int) -> np.ndarray:
    """Tokens of `rows` questions and as many passages."""
    questions = np.clip(random.lognormal(np.log(8.5), 0.35, rows).round(), 4, 40)
    passages = np.clip(random.lognormal(np.log(72), 0.45, rows).round(), 12, 256)
    return np.concatenate([questions, passages]).astype(np.int64)


def of_data(path: Path, tokenizer: str, limit: int, texts: int = 60_000) -> Sample:
    """Sampler of the lengths of a data set's own questions and passages, cut at `limit` tokens."""
    import pyarrow.parquet as pq
    from transformers import AutoTokenizer

    table = pq.read_table(path, columns=["query", "passage"])
    rows = np.random.default_rng(0).choice(table.num_rows, min(texts, table.num_rows), replace=False)
    encode = AutoTokenizer.from_pretrained(tokenizer).backend_tokenizer
    encode.enable_truncation(limit)
    sides = []
    for column in ("query", "passage"):
        found = [text for text in table.column(column).take(rows).to_pylist() if text]
        sides.append(np.array([len(encoding.ids) for encoding in encode.encode_batch_fast(found)]))
    return lambda random, count: np.concatenate([random.choice(side, count) for side in sides])


def measure(sample: Sample, batch: int, chunk_tokens: int, cost: int | None) -> dict[str, Any]:
    """Medians over batches of one way to cut; `cost` None: texts laid end to end."""
    random = np.random.default_rng(1)
    passes, padding, seconds = [], [], []
    for _ in range(REPEATS):
        lengths = sample(random, batch)
        start = time.perf_counter()
        chunks = fill_chunks(lengths, chunk_tokens) if cost is None else cut_chunks(lengths, chunk_tokens, cost)
        seconds.append(time.perf_counter() - start)
        tokens = sum(len(chunk) * lengths[chunk].max() for chunk in chunks) if cost is not None else lengths.sum()
        passes.append(len(chunks))
        padding.append(float(1 - lengths.sum() / tokens))
    return {
        "batch": batch,
        "chunk_tokens": chunk_tokens,
        "pass_cost": cost,
        "tokens": int(lengths.sum()),
        "passes": statistics.median(passes),
        "padding": round(statistics.median(padding), 4),
        "milliseconds": round(1000 * statistics.median(seconds), 3),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, write the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="Parquet file of renditions whose lengths are measured, too")
    parser.add_argument("--tokenizer", help="folder or Hub name of the tokenizer for --data")
    parser.add_argument("--max_tokens", type=int, default=256, help="texts are cut at this length")
    parser.add_argument("--output", type=Path, help="write a results file")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    arguments = parser.parse_args(argv)
    if (arguments.data is None) != (arguments.tokenizer is None):
        parser.error("--data and --tokenizer go together")
    samples: dict[str, Sample] = {"MS MARCO-like": marco_like}
    if arguments.data:
        samples = {"data": of_data(arguments.data, arguments.tokenizer, arguments.max_tokens), **samples}
    rows = []
    for name, sample in samples.items():
        print(f"\n{name}\n   batch  chunk   pass cost  passes  padding  cut, ms")
        for batch in BATCHES:
            for chunk_tokens in CHUNK_TOKENS:
                for cost in (*COSTS, None):
                    row = measure(sample, batch, chunk_tokens, cost)
                    rows.append({"lengths": name, **row})
                    shown = "packed" if cost is None else f"{cost:,}"
                    found = f"{row['passes']:7g} {row['padding']:8.1%} {row['milliseconds']:8.2f}"
                    print(f"{batch:8,} {chunk_tokens:6,} {shown:>11} {found}")
    if arguments.output:
        command = ["python", "benchmarks/bench_chunks.py"]
        command += (
            ["--data", arguments.data.name, "--tokenizer", Path(arguments.tokenizer).name] if arguments.data else []
        )
        content = {"command": " ".join(command), "cuts": rows, "versions": versions(), "hardware": hardware()}
        write_json(arguments.output, content, overwrite=arguments.overwrite)
    return 0


if __name__ == "__main__":
    sys.exit(main())
