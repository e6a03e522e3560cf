"""Configurations of `accelerate launch`: found by name, understood by accelerate, and silent about the training
itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file

from hf_hybrid import InputError, launch_config
from hf_hybrid.engines.launch_configs import FOLDER
from hf_hybrid.engines.launch_request import request_of_launch

NAMES = {
    "ddp": None,
    "fsdp2": "FSDP",
    "multi_node": None,
    "zero1": "DeepSpeed",
    "zero2": "DeepSpeed",
    "zero3": "DeepSpeed",
}


def test_every_file_is_listed():
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize(("name", "engine"), NAMES.items())
def test_accelerate_reads_it(name, engine):
    path = launch_config(name)
    config = load_config_from_file(path)
    assert config.num_machines == (2 if name == "multi_node" else 1)
    # How many processes there are is for the command to say, precision and accumulation for the recipe.
    assert config.num_processes == -1 and config.mixed_precision is None
    assert "gradient_accumulation_steps" not in str(yaml.safe_load(Path(path).read_text()))
    request = request_of_launch(["accelerate", "launch", "--config_file", path, "--num_processes", "4", "train.py"])
    assert (request.engine, request.ranks, request.precision) == (engine, 4, None)
    if engine == "DeepSpeed":
        assert config.deepspeed_config["zero_stage"] == int(name[-1])


@pytest.mark.parametrize("name", NAMES)
def test_its_head_shows_the_command(name):
    head = Path(launch_config(name)).read_text().split("compute_environment")[0]
    assert f"accelerate launch --config_file hf_hybrid/recipes/accelerate/{name}.yaml --num_processes" in head


def test_an_unknown_name_is_one_line():
    with pytest.raises(InputError, match="no configuration 'zero'; did you mean 'zero"):
        launch_config("zero")
    with pytest.raises(InputError, match="choose one of ddp, fsdp2, multi_node, zero1, zero2, zero3"):
        launch_config("xyz")
