"""The commands that compare training with sentence-transformers run, at a tiny size, and refuse what does not
agree.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bench_training_common as common

HERE = Path(__file__).parents[2] / "benchmarks"
TINY = "--examples=300 --vocab_size=500 --dimension=16 --repeats=1 --threads=1".split()
STEP = [*TINY, *"--layers=1 --batch_size=16 --steps=2 --warmup=2 --source=none".split()]
COMMANDS = {
    "loss": "--repeats=1 --threads=1 --batch_sizes 64 --hard 0 2 --dimension 16 --no_memory".split(),
    "sampler": [*TINY, *"--layers=1 --languages de en --batch_size=16 --batches=3 --warmup=1 --step_count=1".split()],
    "static": STEP,
    "profile": [*STEP, "--kinds", "cached"],
}


def bench(folder: Path, commands: dict[str, list[str]]) -> dict[str, dict]:
    """Run the commands one after another in one process and read their results files."""
    calls = [[name, *flags, f"--output={folder}"] for name, flags in commands.items()]
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); import bench_training; [bench_training.main(c) for c in "
        f"{calls!r}]"
    )
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: json.loads((folder / f"training_{name}.json").read_text()) for name in commands}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return bench(tmp_path_factory.mktemp("bench"), COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_results_say_what_they_depend_on(found, command):
    assert found[command]["environment"]["threads"] == 1
    assert found[command]["environment"]["packages"]["sentence-transformers"]
    assert "/" not in json.dumps(found[command]["settings"])


def test_loss_has_equal_gradients_at_every_size(found):
    sizes = found["loss"]["results"]["sizes"]
    assert [(size["batch_size"], size["hard"]) for size in sizes] == [(64, 0), (64, 2)]
    assert all(size["largest_gradient_difference"] < 2e-5 and len(size["variants"]) == 4 for size in sizes)


def test_sampler_measures_all_loaders(found):
    results = found["sampler"]["results"]
    assert len(results["rows_per_second"]) == 5 and results["other's data sets"] == 4
    assert 0 < results["share_of_step"] < 1


def test_steps_have_one_loss_trajectory(found):
    results = found["static"]["results"]["static"]
    assert len(results["losses"]) == 4 and len(results["variants"]) == 3
    assert results["largest_loss_difference"] < 1e-3


def test_profile_finds_every_phase(found):
    phases = found["profile"]["results"]["cached"]["milliseconds"]
    assert phases["sentence-transformers"]["embed again"] > 0
    assert all(each["data"] > 0 and each["embed"] > 0 and each["optimiser"] > 0 for each in phases.values())


def test_collectives_of_the_loss_do_not_grow_with_the_chunks(tmp_path):
    results = bench(tmp_path, {"ranks": [*STEP, "--mini_batch_sizes", "4"]})["ranks"]["results"]
    counts = {name: each["collectives_of_the_loss"] for name, each in results["variants"].items()}
    assert counts["ours"] == 2
    assert counts["sentence-transformers, mini-batch 4"] > 2


def bench_gpu(folder: Path, *flags: str) -> str:
    script = [sys.executable, str(HERE / "bench_gpu.py"), "--tiny", "--output", str(folder), *flags]
    environment = {**os.environ, "TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(script, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_gpu_benchmark_runs_without_one_and_goes_on_where_it_was_cut_off(tmp_path):
    bench_gpu(tmp_path, "--shapes", "labse", "--lengths", "marco")
    file = tmp_path / "gpu_labse.json"
    whole = json.loads(file.read_text())
    parts = whole["parts"]
    assert list(parts) == ["matrix_rate", "float32", "marco_8", "marco_16"]
    assert parts["float32"]["largest_loss_difference"] < 1e-3
    cached = parts["marco_16"]["variants"]
    assert list(cached) == [
        "ours, padded",
        "ours, end to end",
        "sentence-transformers, default",
        "sentence-transformers, tuned",
    ]
    assert cached["ours, padded"]["settings"]["overhead"] == parts["marco_16"]["pass_cost"]["padded"] > 0
    assert list(parts["marco_16"]["skipped"]) == ["sentence-transformers, tuned, end to end"]
    # A CPU without bf16 instructions imitates them, dozens of times slower than the products of a step.
    most = 1 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else math.inf
    assert all(0 < each["share_of_matrix_rate"] < most for each in cached.values())
    assert all(parts[f"marco_{rows}"]["counts"] for rows in (8, 16))
    file.write_text(
        json.dumps({**whole, "parts": {name: parts[name] for name in ("matrix_rate", "float32", "marco_8")}})
    )
    shown = bench_gpu(tmp_path, "--shapes", "labse", "--lengths", "marco")
    again = json.loads(file.read_text())["parts"]
    assert "batch 16" in shown and "batch 8:" not in shown and again["marco_8"] == parts["marco_8"]


def test_gpu_benchmark_trains_adapters_and_a_compiled_encoder_or_says_why_not(tmp_path):
    bench_gpu(tmp_path, "--shapes", "e5_small", "--lora", "--compiled", "--lengths", "qa", "--batch_sizes", "16")
    parts = json.loads((tmp_path / "gpu_e5_small_lora_compiled.json").read_text())["parts"]
    assert parts["float32"]["largest_loss_difference"] < 1e-3 and parts["qa_16"]["counts"]
    compiled = parts["qa_16"]["variants"].get("ours, compiled")
    assert (compiled is None) == ("ours, compiled" in parts["qa_16"]["skipped"])


def test_no_batch_size_is_begun_that_cannot_be_finished(monkeypatch):
    from bench_gpu_parts import Clock

    now = iter([0.0, 10.0, 20.0, 55.0, 60.0, 90.0])
    monkeypatch.setattr("bench_gpu_parts.time.monotonic", lambda: next(now))
    clock = Clock(minutes=2, first=20)
    assert clock.suffices()
    # 35 seconds; then 60 are left, and 30.
    assert clock.timed(dict) == {}
    assert clock.suffices() and not clock.suffices()
    assert Clock(None).suffices()


def test_lengths_of_batches_are_those_that_were_counted():
    from bench_gpu_batches import QUANTILES, make_batch

    known = json.loads((HERE / "qa_lengths.json").read_text())["mean"]
    batch = make_batch(20_000, "qa", vocabulary=1_000, limit=256, seed=0)
    for side in ("query", "passage"):
        lengths = getattr(batch, side).lengths
        assert lengths.mean() == pytest.approx(known[side], rel=0.02)
        assert lengths.max() <= QUANTILES[side][-1] and lengths.min() >= 4
    again = make_batch(20_000, "qa", vocabulary=1_000, limit=256, seed=0)
    assert (batch.texts().values == again.texts().values).all() and batch.tokens == len(batch.texts().values)
    assert make_batch(9, "marco", vocabulary=50, limit=20, seed=1).texts().lengths.max() == 20


@pytest.mark.parametrize("recipe", ["e5_small", "xlmr_base", "xlmr_large", "labse"])
def test_gpu_benchmark_takes_encoders_from_the_recipes(recipe):
    import bench_gpu_encoders as encoders

    encoder = encoders.build(encoders.TINY[recipe], torch.device("cpu"), lora=False)
    assert [type(module).__name__ for module in encoder.model] == [
        "Transformer",
        "Pooling",
        *(["Dense"] if recipe == "labse" else []),
        "Normalize",
    ]
    scale, rate = (100.0, 6e-5) if recipe == "e5_small" else (20.0, 3e-5)
    assert (encoder.training.scale, encoder.training.learning_rate, encoder.max_tokens) == (scale, rate, 256)
    assert encoder.model.transformers_model.is_gradient_checkpointing == (recipe == "xlmr_large")


def test_losses_that_differ_stop_the_benchmark():
    assert common.require_equal({"a": [1.0, 2.0], "b": [1.0, 2.0005]}) == pytest.approx(5e-4)
    with pytest.raises(SystemExit, match=r"a and b differ by 2\.00e-03"):
        common.require_equal({"a": [1.0, 2.0], "b": [1.0, 2.002]})
    with pytest.raises(SystemExit, match="b made 1 steps, a made 2"):
        common.require_equal({"a": [1.0, 2.0], "b": [1.0]})
    with pytest.raises(SystemExit, match="differ by nan"):
        common.require_equal({"a": [1.0], "b": [float("nan")]})


def test_variants_take_turns():
    order: list[str] = []
    common.interleaved({name: lambda name=name: order.append(name) or 1.0 for name in "ab"}, repeats=3)
    assert "".join(order) == "abbaab"


def test_peak_memory_counts_what_was_freed():
    # In a process of its own: here the allocator may still hold what other tests have freed.
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); import bench_training_common as common\n"
        "with common.PeakMemory() as memory:\n"
        "    block = bytearray(64 << 20); block[::4096] = b'x' * len(block[::4096]); del block\n"
        "print(memory.extra)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert 60 < float(done.stdout) < 90
