"""Export an encoder to ONNX and to int8 by sentence-transformers' own means, encode texts with both, and time it on a
CPU.

    PYTHON benchmarks/onnx_variants.py MODEL TEXTS.json OUTPUT --instructions avx512_vnni

A part of `mini_measures.py`. PYTHON is that of an environment with `sentence-transformers[onnx]`, which needs an older
transformers than this
project: hence nothing of this project is imported here, and MODEL is the copy that `mini_measures.py` makes.
TEXTS.json has lists `queries` and `candidates`, of which vectors are written to OUTPUT/<variant>.npz, and `questions`
and `passages`, which are timed; OUTPUT/onnx.json tells the rest.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model

PACKAGES = ("sentence-transformers", "transformers", "optimum", "optimum-onnx", "onnx", "onnxruntime")


def main() -> None:
    """Export, encode, time, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--instructions", default="avx512_vnni", help="arm64, avx2, avx512, avx512_vnni (the default)")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    folder = arguments.output / "exported"
    exported = load(arguments.model)
    exported.save_pretrained(str(folder))
    export_dynamic_quantized_onnx_model(exported, arguments.instructions, str(folder))
    rounded = f"model_qint8_{arguments.instructions}.onnx"
    found = {}
    for variant, file in (("float32", "model.onnx"), ("int8", rounded)):
        model = load(folder, file)
        queries, candidates = model.encode_query(texts["queries"]), model.encode_document(texts["candidates"])
        np.savez(arguments.output / f"{variant}.npz", queries=queries, candidates=candidates)
        rows = [speed(model, what, texts[what], arguments.repeats) for what in ("questions", "passages")]
        found[variant] = {"bytes": (folder / "onnx" / file).stat().st_size, "rows": rows}
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    content = {"instructions": arguments.instructions, "versions": versions, "variants": found}
    (arguments.output / "onnx.json").write_text(json.dumps(content), encoding="utf-8")


def load(folder: Path, file: str | None = None) -> SentenceTransformer:
    """The encoder on ONNX Runtime, on as many threads as OMP_NUM_THREADS says."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    settings = {"session_options": options, "provider": "CPUExecutionProvider"}
    settings |= {} if file is None else {"file_name": f"onnx/{file}"}
    return SentenceTransformer(str(folder), backend="onnx", device="cpu", model_kwargs=settings)


def speed(model: SentenceTransformer, what: str, texts: list[str], repeats: int) -> dict[str, Any]:
    """Median texts a second, and milliseconds of a single text, in the form of `speed.json`."""
    model.encode(texts[:64])
    times = [seconds(lambda: model.encode(texts, batch_size=32)) for _ in range(repeats)]
    single = [seconds(lambda text=text: model.encode(text)) for text in texts[:100]]
    rate = round(len(texts) / statistics.median(times), 1)
    milliseconds = round(statistics.median(single) * 1e3, 2)
    return {
        "what": what,
        "texts": len(texts),
        "batch_size": 32,
        "texts_per_second": rate,
        "milliseconds": milliseconds,
    }


def seconds(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
