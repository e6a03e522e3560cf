"""What the released transformer is measured by: the form of the card's files, a copy for older libraries, and the ONNX
part's errors.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.errors import InputError

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import mini_measures

SIZES = {"vocab_size": 1000, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
SIZES |= {"intermediate_size": 32, "max_seq_length": 32}
# Stands for the environment with the other libraries: it gives torch's vectors, `SHIFT` added to some.
STAND_IN = """
import json, sys
from pathlib import Path
import numpy as np
from sentence_transformers import SentenceTransformer

model, texts, output = sys.argv[2:5]
model, texts = SentenceTransformer(model, device="cpu"), json.loads(Path(texts).read_text())
queries, candidates = model.encode_query(texts["queries"]), model.encode_document(texts["candidates"])
found = {}
for name, shift in (("float32", SHIFT), ("int8", 0.1)):
    np.savez(f"{output}/{name}.npz", queries=queries, candidates=candidates + np.float32(shift))
    row = {"what": "questions", "texts": 3, "batch_size": 32, "texts_per_second": 7.0, "milliseconds": 1.0}
    found[name] = {"bytes": 2_000_000, "rows": [row]}
Path(output, "onnx.json").write_text(json.dumps({"instructions": "avx2", "versions": {}, "variants": found}))
"""


@pytest.fixture(scope="module")
def benchmark():
    return load_benchmark("world_facts", max_examples=4)


@pytest.fixture(scope="module")
def model(benchmark, tmp_path_factory) -> Path:
    encoder = build_encoder(
        ModelArguments(encoder="transformer", **SIZES), [*benchmark.queries, *benchmark.candidates] * 9
    )
    return save_encoder(encoder, tmp_path_factory.mktemp("model") / "small")


def arguments(model: Path, tmp_path: Path, shift: float = 0.0) -> argparse.Namespace:
    """Of the command, with an interpreter that runs the stand-in, whatever script it is given."""
    script, python = tmp_path / "stand_in.py", tmp_path / "python"
    script.write_text(STAND_IN.replace("SHIFT", str(shift)))
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    python.chmod(0o755)
    settings = {"repeats": 1, "overwrite": True, "instructions": "avx2"}
    return argparse.Namespace(model=model, onnx_python=python, **settings)


def test_both_files(model, benchmark, tmp_path):
    mini_measures.measure(arguments(model, tmp_path), benchmark, benchmark)
    variants, speed = (json.loads((model / f"results/{name}.json").read_text()) for name in ("variants", "speed"))
    rows = {(row["name"], row["precision"]): row for row in variants["variants"]}
    assert list(rows) == [
        ("whole vectors", "float32"),
        ("whole vectors", "int8"),
        ("ONNX", "float32"),
        ("ONNX, int8 weights", "float32"),
    ]
    plain, onnx = rows["whole vectors", "float32"], rows["ONNX", "float32"]
    assert plain["mul_map"] == pytest.approx(onnx["mul_map"], abs=1e-6) and onnx["megabytes"] == 2.0
    assert plain["vector_bytes"] == 4 * rows["whole vectors", "int8"]["vector_bytes"] == 128
    assert variants["onnx"]["largest_difference"] < 1e-5
    assert [row["what"] for row in speed["rows"]] == [
        "questions",
        "passages",
        "questions, ONNX float32",
        "questions, ONNX int8",
    ]
    assert all(row["texts_per_second"] > 0 and row["milliseconds"] > 0 for row in speed["rows"])


def test_other_vectors_are_no_export(model, benchmark, tmp_path):
    with pytest.raises(InputError, match=r"gives other vectors than torch: they differ by 1\.0e-02"):
        mini_measures.measure(arguments(model, tmp_path, shift=0.01), benchmark, benchmark)


def test_another_environment_that_fails(model, benchmark, tmp_path):
    given = arguments(model, tmp_path)
    given.onnx_python.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(InputError, match=r"--onnx_python needs sentence-transformers\[onnx\]"):
        mini_measures.measure(given, benchmark, benchmark)
