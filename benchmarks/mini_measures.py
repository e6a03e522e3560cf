"""What a compact transformer gives with rounded vectors and on ONNX Runtime, int8 too, and its speed on a CPU, as its
card quotes them.

    python -m venv onnx && onnx/bin/pip install "sentence-transformers[onnx]"
    python benchmarks/mini_measures.py model_cards/hybrid-xlir-mini --xquad_r lareqa/xquad-r --onnx_python
    onnx/bin/python

writes `results/variants.json` (mAP on XQuAD-R with float32 and int8 vectors, and with vectors of the exported ONNX
file and its int8 version) and `results/speed.json` (texts a second on world_facts, OMP_NUM_THREADS threads, one by
default). The exports are sentence-transformers' own. Its extra `onnx` needs an older transformers than this project,
hence an environment of its own; without it the ONNX rows are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
# First: it sets the number of threads before torch is imported.
from static_measures import FIGURES, rounded, timed  # isort: skip
import statistics

import numpy as np
import torch
from bench_training_common import commit, processor
from sentence_transformers import SentenceTransformer

from hf_hybrid.benchmarks import Benchmark, load_benchmark
from hf_hybrid.encoders.absent_pooler import add_pooler, has_no_pooler
from hf_hybrid.encoders.models import save_encoder
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.encode_benchmark import encode_benchmark
from hf_hybrid.evaluation.evaluate import evaluate_embeddings
from hf_hybrid.output_files import write_json
from hf_hybrid.retrieval.encode import load_encoder

# Vectors of the float32 export must be those of torch to this.
ONNX_TOLERANCE = 1e-4


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write both files; 2 is the exit status of a mistake in the input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a transformer")
    parser.add_argument("--xquad_r", type=Path, required=True, help="XQuAD-R's JSON files")
    parser.add_argument(
        "--onnx_python", type=Path, help="interpreter of an environment with sentence-transformers[onnx]"
    )
    parser.add_argument(
        "--instructions", default="avx512_vnni", help="for int8: arm64, avx2, avx512, avx512_vnni (default)"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--overwrite", action="store_true")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    try:
        measure(arguments, load_benchmark("xquad_r", data_dir=arguments.xquad_r), load_benchmark("world_facts"))
    except InputError as error:
        sys.stderr.write(f"mini_measures.py: error: {error}\n")
        return 2
    return 0


def measure(arguments: argparse.Namespace, scored: Benchmark, spoken: Benchmark) -> None:
    """Write variants, scored on one benchmark, and speed, on the texts of the other."""
    model = load_encoder(str(arguments.model), device="cpu")
    vectors = [part.float() for part in encode_benchmark(model, scored)]
    weights = sum(path.stat().st_size for path in arguments.model.glob("*.safetensors"))
    rows = [variant("whole vectors", "float32", weights, vectors, scored)]
    rows.append(variant("whole vectors", "int8", weights, [rounded(part, vectors[1]) for part in vectors], scored))
    speeds = speed(model, spoken, arguments.repeats)
    onnx = {}
    if arguments.onnx_python:
        found, onnx_rows = onnx_variants(arguments, model, scored, spoken, vectors)
        rows += onnx_rows
        speeds += [
            {**row, "what": f"{row['what']}, ONNX {name}"}
            for name, own in found["variants"].items()
            for row in own["rows"]
        ]
        onnx = {"onnx": {key: found[key] for key in ("instructions", "versions", "largest_difference")}}
    results = arguments.model / "results"
    content = {"variants_version": 1, "benchmark": "xquad_r", "variants": rows, **onnx}
    write_json(results / "variants.json", content, arguments.overwrite)
    command = f"python benchmarks/mini_measures.py {arguments.model.name} --repeats {arguments.repeats}"
    hardware = {"processor": processor(), "threads": torch.get_num_threads()}
    content = {"speed_version": 1, "hardware": hardware, "command": command, "commit": commit(), "rows": speeds}
    write_json(results / "speed.json", content, arguments.overwrite)
    for row in (*rows, *speeds):
        print(row)


def variant(
    name: str, precision: str, weight_bytes: int, vectors: Sequence[torch.Tensor], benchmark: Benchmark
) -> dict[str, Any]:
    """A row of `variants.json`: mAP of vectors, `precision` being that of the vectors, `megabytes` those of the
    weights.
    """
    dimension = vectors[0].shape[1]
    summary = evaluate_embeddings(*vectors, benchmark).summary()
    return {
        "name": name,
        "dimension": dimension,
        "precision": precision,
        "megabytes": round(weight_bytes / 1e6, 1),
        "vector_bytes": dimension * (1 if precision == "int8" else 4),
        **{figure: summary[figure] for figure in FIGURES},
    }


def speed(model: SentenceTransformer, benchmark: Benchmark, repeats: int) -> list[dict[str, Any]]:
    """Median texts a second of `SentenceTransformer.encode` in float32, and milliseconds of a single text."""
    rows = []
    for what, texts in (("questions", list(benchmark.queries)), ("passages", list(benchmark.candidates))):
        model.encode(texts[:64])
        times = [timed(lambda texts=texts: model.encode(texts, batch_size=32)) for _ in range(repeats)]
        single = [timed(lambda text=text: model.encode(text)) for text in texts[:100]]
        rate, alone = len(texts) / statistics.median(times), statistics.median(single) * 1e3
        sizes = {"what": what, "texts": len(texts), "batch_size": 32}
        rows.append({**sizes, "texts_per_second": round(rate, 1), "milliseconds": round(alone, 2)})
    return rows


def onnx_variants(
    arguments: argparse.Namespace,
    model: SentenceTransformer,
    scored: Benchmark,
    spoken: Benchmark,
    vectors: Sequence[torch.Tensor],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What `onnx_variants.py` found, and the rows of its two files.

    Raises:
        InputError: It failed, or the float32 export gives other vectors than torch.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy, texts, output = (Path(folder) / name for name in ("model", "texts.json", "output"))
        output.mkdir()
        if has_no_pooler(model):
            add_pooler(model)  # As `hf-hybrid export --add_pooler` does.
        save_encoder(model.float(), copy)
        asked = {"queries": scored.queries, "candidates": scored.candidates}
        asked |= {"questions": spoken.queries, "passages": spoken.candidates}
        texts.write_text(json.dumps({name: list(some) for name, some in asked.items()}), encoding="utf-8")
        script = str(Path(__file__).with_name("onnx_variants.py"))
        settings = ["--instructions", arguments.instructions, "--repeats", str(arguments.repeats)]
        command = [str(arguments.onnx_python), script, str(copy), str(texts), str(output), *settings]
        if subprocess.run(command).returncode:
            raise InputError("onnx_variants.py failed, see above; --onnx_python needs sentence-transformers[onnx]")
        found = json.loads((output / "onnx.json").read_text(encoding="utf-8"))
        read = {name: np.load(output / f"{name}.npz") for name in found["variants"]}
    parts = {name: [torch.from_numpy(own[part]) for part in ("queries", "candidates")] for name, own in read.items()}
    difference = max(float((a - b.cpu()).abs().max()) for a, b in zip(parts["float32"], vectors, strict=True))
    if difference > ONNX_TOLERANCE:
        raise InputError(f"the ONNX export gives other vectors than torch: they differ by {difference:.1e}")
    names = {"float32": "ONNX", "int8": "ONNX, int8 weights"}
    rows = [
        variant(names[name], "float32", own["bytes"], parts[name], scored) for name, own in found["variants"].items()
    ]
    return {**found, "largest_difference": difference}, rows


if __name__ == "__main__":
    sys.exit(main())
