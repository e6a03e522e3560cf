"""Engines that must be one: through the real command, each gives the loss trajectory and the model of a single
process.

Every run accumulates two micro-steps; some embed in chunks, twice, or with gradient checkpointing, which changes
nothing.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import math
import shutil
import statistics
from pathlib import Path

import pytest
from safetensors.torch import load_file

from hf_hybrid import launch_config
from hf_hybrid.train import main
from tests.launching import finish, start
from tests.test_train import write_splits

# The table of positions has more than the 100,000 numbers from which ZeRO-3 cuts a weight into pieces. Adam's epsilon
# keeps rounding in gradients that are zero in theory (of the keys' biases) from becoming steps of full size.
TINY = (
    "--encoder transformer --vocab_size 300 --hidden_size 16 --num_hidden_layers 2 --num_attention_heads 2 "
    "--intermediate_size 32 --max_seq_length 6400 --dropout 0 --global_batch_size 12 --gradient_accumulation_steps 2 "
    "--max_steps 3 --learning_rate 0.01 --adam_epsilon 1e-4 --logging_steps 1 --save_strategy steps --save_steps 3 "
    "--dev_split none --test_split none --use_cpu --disable_tqdm true"
).split()
CACHED = "--gradient_cache --gradient_cache_memory 0 --chunk_tokens 128".split()
CHECKPOINTED = ["--gradient_checkpointing"]

needs_deepspeed = pytest.mark.skipif(
    importlib.util.find_spec("deepspeed") is None or shutil.which("c++") is None,
    reason="needs DeepSpeed (pip install 'hf_hybrid[deepspeed]') and a C++ compiler, for its gloo helper",
)


@pytest.fixture(scope="module")
def flags(tmp_path_factory) -> list[str]:
    data = write_splits(tmp_path_factory.mktemp("data"))
    return [*TINY, "--dataset_name_or_path", str(data)]


def trajectory(output: Path) -> list[tuple[float, float]]:
    """(loss, gradient norm) of every update."""
    state = json.loads((output / "checkpoint-3" / "trainer_state.json").read_text())
    return [(entry["loss"], entry["grad_norm"]) for entry in state["log_history"] if "loss" in entry]


def run_here(flags: list[str], output: Path, *more: str) -> Path:
    assert main([*flags, *more, "--output_dir", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def one(flags, tmp_path_factory) -> Path:
    """The run of a single process, without engine."""
    return run_here(flags, tmp_path_factory.mktemp("one") / "run")


def assert_same_run(output: Path, one: Path) -> None:
    assert len(trajectory(one)) == 3
    for (loss, norm), (expected_loss, expected_norm) in zip(trajectory(output), trajectory(one), strict=True):
        assert loss == pytest.approx(expected_loss, abs=1e-5)
        assert norm == pytest.approx(expected_norm, rel=1e-4)
    for folder in ("model", "checkpoint-3"):
        weights, expected = (load_file(run / folder / "model.safetensors") for run in (output, one))
        assert weights.keys() == expected.keys()
        for name, weight in expected.items():
            assert weights[name].shape == weight.shape
            assert (weights[name] - weight).abs().max() < 1e-5, name


@needs_deepspeed
@pytest.mark.parametrize(
    ("config", "more", "engine"),
    [
        ("zero1", [], "DeepSpeed ZeRO-1"),
        ("zero2", CACHED, "DeepSpeed ZeRO-2"),
        ("zero3", [*CACHED, *CHECKPOINTED], "DeepSpeed ZeRO-3"),
    ],
)
def test_deepspeed_on_two_ranks(config, more, engine, flags, one, tmp_path, unused_port):
    launcher = [
        "--config_file",
        launch_config(config),
        "--num_processes",
        "2",
        "--main_process_port",
        str(unused_port),
    ]
    [(status, log)] = finish(start(launcher, [*flags, *more, "--output_dir", str(tmp_path / "run")]))
    assert status == 0, log[-3000:]
    assert log.count(f"Engine: {engine}, 2 ranks, gloo, cpu, mixed precision no, gradient accumulation 2") == 1
    assert_same_run(tmp_path / "run", one)


def test_ddp_on_two_nodes_of_two_ranks(flags, one, tmp_path, unused_port):
    launcher = ["--config_file", launch_config("multi_node"), "--num_processes", "4", "--main_process_ip", "127.0.0.1"]
    launcher += ["--main_process_port", str(unused_port), "--machine_rank"]
    nodes = [
        start([*launcher, node], [*flags, *CHECKPOINTED, "--output_dir", str(tmp_path / "run")]) for node in ("0", "1")
    ]
    (status, log), (other_status, other_log) = finish(*nodes)
    assert (status, other_status) == (0, 0), (log + other_log)[-3000:]
    assert "Engine: DDP, 4 ranks, gloo, cpu" in log and "Engine:" not in other_log
    assert_same_run(tmp_path / "run", one)


def test_bf16_stays_close_and_keeps_float32_weights(flags, one, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "hf_hybrid.engines.engine"):
        output = run_here(flags, tmp_path / "run", "--bf16")
    assert "Engine: none, 1 rank, cpu, mixed precision bf16, gradient accumulation 2" in caplog.text
    losses, expected = ([loss for loss, _ in trajectory(run)] for run in (output, one))
    assert losses == pytest.approx(expected, abs=2e-2) and losses != pytest.approx(expected, abs=1e-6)
    assert {str(weight.dtype) for weight in load_file(output / "model" / "model.safetensors").values()} == {
        "torch.float32"
    }


def test_accumulation_averages_micro_steps_and_does_not_enlarge_the_pool(flags, tmp_path):
    """With frozen weights (no learning rate) an update's loss is the mean of its micro-steps' losses."""
    frozen = ["--learning_rate", "0"]
    accumulated = run_here(flags, tmp_path / "two", *frozen)
    single = run_here(
        flags, tmp_path / "one", *frozen, "--gradient_accumulation_steps", "1", "--max_steps", "6", "--save_steps", "6"
    )
    micro = json.loads((single / "checkpoint-6" / "trainer_state.json").read_text())["log_history"]
    losses = [entry["loss"] for entry in micro if "loss" in entry]
    pairs = zip(losses[::2], losses[1::2], strict=True)
    assert [loss for loss, _ in trajectory(accumulated)] == pytest.approx([sum(pair) / 2 for pair in pairs], abs=1e-6)
    # A batch of all 24 rows has twice the candidates: its loss is larger by about log 2.
    whole = run_here(
        flags, tmp_path / "whole", *frozen, "--gradient_accumulation_steps", "1", "--global_batch_size", "24"
    )
    mean, mean_whole = (statistics.mean(loss for loss, _ in trajectory(run)) for run in (accumulated, whole))
    assert mean_whole - mean == pytest.approx(math.log(2), abs=0.3)
