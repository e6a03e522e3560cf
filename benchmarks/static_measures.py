"""What a released static model gives when its vectors are cut or rounded, and its speed on a CPU, as its card quotes
them.

    python benchmarks/static_measures.py model_cards/hybrid-xlir-static --xquad_r lareqa/xquad-r

writes `results/variants.json` (mAP on XQuAD-R with whole vectors, their first dimensions, and int8 vectors, whose
ranges are those of the candidates) and `results/speed.json` (texts a second of `SentenceTransformer.encode` on
world_facts, one thread).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAYON_NUM_THREADS", "1")

import torch
from bench_training_common import commit, processor
from sentence_transformers import SentenceTransformer
from sentence_transformers.util.quantization import quantize_embeddings
from torch.nn.functional import normalize

from hf_hybrid.benchmarks import Benchmark, load_benchmark
from hf_hybrid.evaluation.encode_benchmark import encode_benchmark
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.output_files import write_json
from hf_hybrid.retrieval.encode import load_encoder

FIGURES = ("mo_map", "cr_map", "mul_map")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a static model")
    parser.add_argument("--xquad_r", type=Path, required=True, help="XQuAD-R's JSON files")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[256, 128, 64], help="default: 256 128 64")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--overwrite", action="store_true")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = load_encoder(str(arguments.model), device="cpu")
    results = arguments.model / "results"
    found = variants(model, load_benchmark("xquad_r", data_dir=arguments.xquad_r), arguments.dimensions)
    write_json(results / "variants.json", found, arguments.overwrite)
    rows = speed(arguments.model, load_benchmark("world_facts"), arguments.repeats)
    command = f"python benchmarks/static_measures.py {arguments.model.name} --repeats {arguments.repeats}"
    hardware = {"processor": processor(), "threads": torch.get_num_threads()}
    content = {"speed_version": 1, "hardware": hardware, "command": command, "commit": commit(), "rows": rows}
    write_json(results / "speed.json", content, arguments.overwrite)
    for entry in found["variants"]:
        print(entry)
    for row in rows:
        print(row)
    return 0


def variants(model: SentenceTransformer, benchmark: Benchmark, dimensions: Sequence[int]) -> dict[str, Any]:
    """mAP of every variant of the vectors; `megabytes` are those of the table of as many dimensions in float16."""
    queries, candidates = (part.float() for part in encode_benchmark(model, benchmark))
    vocabulary, whole = model[0].embedding.weight.shape
    rows = []
    for size in (whole, *(size for size in dimensions if size < whole)):
        cut = [normalize(part[:, :size], dim=1) for part in (queries, candidates)]
        for precision, width in (("float32", 4), ("int8", 1)):
            vectors = cut if precision == "float32" else [rounded(part, cut[1]) for part in cut]
            summary = evaluate_embeddings(*vectors, benchmark).summary()
            rows.append(
                {
                    "name": "whole vectors" if size == whole else f"first {size} dimensions",
                    "dimension": size,
                    "precision": precision,
                    "megabytes": round(vocabulary * size * 2 / 1e6, 1),
                    "vector_bytes": size * width,
                    **{name: summary[name] for name in FIGURES},
                }
            )
    return {"variants_version": 1, "benchmark": "xquad_r", "variants": rows}


def rounded(vectors: torch.Tensor, calibration: torch.Tensor) -> torch.Tensor:
    """What is left of vectors that are stored as int8: back in float32, of unit length."""
    ranges = torch.stack([calibration.min(0).values, calibration.max(0).values])
    steps = (ranges[1] - ranges[0]) / 255
    whole = torch.from_numpy(quantize_embeddings(vectors.numpy(), "int8", ranges=ranges.numpy())).float()
    return normalize((whole + 128) * steps + ranges[0], dim=1)


def speed(folder: Path, benchmark: Benchmark, repeats: int) -> list[dict[str, Any]]:
    """Median texts a second with the weights as they are stored, and milliseconds of a single text."""
    model = SentenceTransformer(str(folder), device="cpu")
    rows = []
    for what, texts in (("questions", benchmark.queries), ("passages", benchmark.candidates)):
        texts = list(texts)
        model.encode(texts[:64])
        times = [timed(lambda texts=texts: model.encode(texts, batch_size=256)) for _ in range(repeats)]
        single = [timed(lambda text=text: model.encode(text)) for text in texts[:200]]
        rows.append(
            {
                "what": what,
                "texts": len(texts),
                "batch_size": 256,
                "texts_per_second": round(len(texts) / statistics.median(times)),
                "milliseconds": round(statistics.median(single) * 1e3, 2),
            }
        )
    return rows


def timed(function: Any) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
