"""What a launcher asked for: read from the environment, the arguments and its own command line."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from hf_hybrid.engines.launch_request import (
    Request,
    merge_requests,
    request_of_arguments,
    request_of_environment,
    request_of_launch,
)

CPU_CONFIG = "distributed_type: MULTI_CPU\nnum_processes: 3\nuse_cpu: true\nmixed_precision: bf16\n"
ZERO_CONFIG = "distributed_type: DEEPSPEED\ndeepspeed_config:\n  zero_stage: 2\n"


@pytest.mark.parametrize(
    ("command", "engine", "ranks"),
    [
        ("/bin/python /bin/accelerate launch --cpu --num_processes 2 train.py --use_cpu", None, 2),
        ("python -m accelerate.commands.launch --multi_gpu --num-processes=4 train.py --arm x-y", None, 4),
        ("python -m accelerate.commands.accelerate_cli launch --use_fsdp --num_processes 2 train.py", "FSDP", 2),
        ("accelerate-launch --use_deepspeed --num_processes 2 train.py", "DeepSpeed", 2),
        ("accelerate launch train.py --num_processes 2", None, None),
        ("accelerate launch --config_file cpu.yaml train.py", None, 3),
        ("accelerate launch --config_file cpu.yaml --num_processes 5 train.py", None, 5),
        ("accelerate launch --cpu --config_file zero.yaml --num_processes 2 train.py", "DeepSpeed", 2),
        ("accelerate launch --multi_gpu --config_file zero.yaml --num_processes 2 train.py", None, 2),
    ],
)
def test_command_lines_of_accelerate(command, engine, ranks, tmp_path):
    (tmp_path / "cpu.yaml").write_text(CPU_CONFIG)
    (tmp_path / "zero.yaml").write_text(ZERO_CONFIG)
    request = request_of_launch(command.split(), tmp_path)
    assert (request.engine, request.ranks) == (engine, ranks)
    assert bool(request.engine_source) == (engine is not None) and bool(request.ranks_source) == (ranks is not None)
    assert request.precision == ("bf16" if "cpu.yaml" in command else None)


@pytest.mark.parametrize(
    "command",
    [
        "torchrun --nproc_per_node 2 train.py",
        "python train.py --output_dir launch",
        "bash -c run",
        "accelerate config",
        "accelerate launch --config_file missing.yaml train.py",
        "accelerate launch --num_processes many train.py",
    ],
)
def test_other_commands_ask_for_nothing(command, tmp_path, capsys):
    assert request_of_launch(command.split(), tmp_path) is None
    assert capsys.readouterr().err == ""


def test_long_commands_are_cut():
    request = request_of_launch(["accelerate", "launch", "--num_processes", "2", "train.py", "--x", "y" * 500])
    assert request.ranks_source.startswith("`accelerate launch --num_processes 2 train.py")
    assert len(request.ranks_source) < 120


def test_environment(tmp_path):
    assert request_of_environment({}) == Request()
    deepspeed = {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3", "WORLD_SIZE": "4"}
    assert request_of_environment(deepspeed) == Request(
        "DeepSpeed", "ACCELERATE_USE_DEEPSPEED=true", 3, 4, "WORLD_SIZE=4"
    )
    config = tmp_path / "ds.json"
    config.write_text(json.dumps({"zero_optimization": {"stage": 1}}))
    from_file = {**deepspeed, "ACCELERATE_DEEPSPEED_CONFIG_FILE": str(config)}
    assert request_of_environment(from_file).zero_stage == 1
    unreadable = {**deepspeed, "ACCELERATE_DEEPSPEED_CONFIG_FILE": "e30="}
    assert request_of_environment(unreadable).zero_stage is None
    mpi = {"ACCELERATE_USE_FSDP": "True", "OMPI_COMM_WORLD_SIZE": "2", "ACCELERATE_MIXED_PRECISION": "bf16"}
    request = request_of_environment(mpi)
    assert (request.engine, request.ranks, request.precision) == ("FSDP", 2, "bf16")
    assert request_of_environment({"ACCELERATE_MIXED_PRECISION": "no"}).precision is None


def test_arguments():
    config = {"zero_optimization": {"stage": 2}}
    assert request_of_arguments(SimpleNamespace(deepspeed=config, fsdp=None)).zero_stage == 2
    auto = {"zero_optimization": {"stage": "auto"}}
    assert request_of_arguments(SimpleNamespace(deepspeed=auto, fsdp=None)).zero_stage is None
    assert request_of_arguments(SimpleNamespace(deepspeed=None, fsdp=True)).engine == "FSDP"
    assert request_of_arguments(SimpleNamespace(deepspeed=None, fsdp=None)) == Request()


def test_wishes_are_merged_one_by_one():
    environment = Request(ranks=2, ranks_source="WORLD_SIZE=2")
    command = Request("FSDP", "a", None, 4, "b", "bf16")
    assert merge_requests(environment, command) == Request("FSDP", "a", None, 2, "WORLD_SIZE=2", "bf16")
