"""Token lengths of a data set's questions and passages, as quantiles that `bench_gpu.py` draws from.

    python benchmarks/qa_lengths.py --data hybrid_mix/qa/train.parquet --tokenizer base --output lengths.json

Every language has the same share, as in training: by default the eleven of the trimmed encoder, whose
pieces are theirs. Prompts and special tokens are counted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from transformers import AutoTokenizer

from hf_hybrid.output_files import write_json

STEPS = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Count, print means, write the quantiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Parquet file of renditions")
    parser.add_argument("--tokenizer", required=True, help="folder or Hub name of the tokenizer")
    parser.add_argument("--languages", nargs="+", default="ar de el en es hi ru th tr vi zh".split())
    parser.add_argument("--prompts", nargs=2, default=["query: ", "passage: "], metavar="PROMPT")
    parser.add_argument("--max_tokens", type=int, default=256, help="texts are cut at this length")
    parser.add_argument("--per_language", type=int, default=4000)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args(argv)
    table = pq.read_table(arguments.data, columns=["lang", "query", "passage"])
    encode = AutoTokenizer.from_pretrained(arguments.tokenizer).backend_tokenizer
    encode.enable_truncation(arguments.max_tokens)
    languages = np.array(table.column("lang").to_pylist())
    generator, quantiles, means = np.random.default_rng(0), {}, {}
    for side, prompt in zip(("query", "passage"), arguments.prompts, strict=True):
        lengths = []
        for language in arguments.languages:
            rows = generator.permutation(np.flatnonzero(languages == language))[: arguments.per_language]
            texts = [prompt + text for text in table.column(side).take(rows).to_pylist() if text]
            found = np.array([len(each.ids) for each in encode.encode_batch_fast(texts)])
            # As many of each, also of languages with few.
            lengths.append(generator.choice(found, arguments.per_language))
        every = np.concatenate(lengths)
        # The middles of equal shares: drawn evenly they have the mean of all.
        quantiles[side] = np.quantile(every, (np.arange(STEPS) + 0.5) / STEPS).round(1).tolist()
        means[side] = round(float(every.mean()), 1)
    print(means)
    command = (
        f"python benchmarks/qa_lengths.py --data {arguments.data.name} --tokenizer {Path(arguments.tokenizer).name}"
    )
    write_json(arguments.output, {"command": command, "mean": means, "quantiles": quantiles}, overwrite=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
