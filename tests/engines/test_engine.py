"""The engine that is active against the one that was asked for; real launches are in
`tests/distributed/test_engines.py`.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from torch import nn

from hf_hybrid.engines.engine import Engine, differences, shard_layers, wrapper_name
from hf_hybrid.engines.launch_request import Request
from tests.training.test_trainer import encoder

DEEPSPEED = Request("DeepSpeed", "ACCELERATE_USE_DEEPSPEED=true", 2, 2, "WORLD_SIZE=2")
FSDP = Request("FSDP", "ACCELERATE_USE_FSDP=true", None, 2, "WORLD_SIZE=2")
TWO = {"ranks": 2, "connected": 2, "backend": "gloo"}


@pytest.mark.parametrize(
    ("request_", "engine"),
    [
        (Request(), Engine("none")),
        (Request(ranks=1, ranks_source="WORLD_SIZE=1"), Engine("DDP", backend="gloo")),
        (Request(ranks=2, ranks_source="WORLD_SIZE=2"), Engine("DDP", **TWO)),
        (DEEPSPEED, Engine("DeepSpeed ZeRO-2", **TWO)),
        (Request("DeepSpeed", "the argument deepspeed"), Engine("DeepSpeed ZeRO-3")),
        (FSDP, Engine("FSDP2", **TWO | {"backend": "nccl"}, device="cuda")),
        (Request(precision="bf16"), Engine("none", precision="bf16")),
        (Request(), Engine("none", precision="bf16")),
    ],
)
def test_as_asked(request_, engine):
    assert differences(request_, engine) == []


@pytest.mark.parametrize(
    ("request_", "engine", "says"),
    [
        (DEEPSPEED, Engine("DDP", **TWO), "DeepSpeed ZeRO-2 was asked for .*DDP is active.*DS_ACCELERATOR=cpu"),
        (DEEPSPEED, Engine("DeepSpeed ZeRO-3", **TWO), "ZeRO-2 was asked for .*ZeRO-3 is active"),
        (DEEPSPEED, Engine("DDP", **TWO | {"backend": "nccl"}, device="cuda"), "check the launcher's flags"),
        (FSDP, Engine("DDP", **TWO), "FSDP was asked for .*FSDP needs GPUs"),
        (FSDP, Engine("none"), "no engine is active.*FSDP needs GPUs"),
        (Request(ranks=2, ranks_source="WORLD_SIZE=2"), Engine("none"), "every process would train alone.*--use_cpu"),
        (
            Request(ranks=2, ranks_source="`accelerate launch --cpu --num_processes 2 train.py`"),
            Engine("none"),
            "2 ranks were asked for .* use `accelerate launch --multi_gpu --num_processes 2`",
        ),
        (Request(), Engine("none", **TWO), "nothing averages their gradients"),
        (Request(), Engine("DeepSpeed ZeRO-2", connected=2), "2 processes are connected and accelerate counts 1"),
        (Request(), Engine("DataParallel", device="cuda"), "one process drives several GPUs"),
        (Request(precision="fp8"), Engine("DDP", precision="fp16"), "fp8 was asked for and fp16 is active"),
    ],
)
def test_differences_say_what_to_do(request_, engine, says):
    found = "; ".join(differences(request_, engine))
    assert re.search(says, found), found


def test_engine_in_one_line():
    engine = Engine("DeepSpeed ZeRO-2", **TWO, precision="bf16", accumulation=4)
    assert str(engine) == "DeepSpeed ZeRO-2, 2 ranks, gloo, cpu, mixed precision bf16, gradient accumulation 4"
    assert str(Engine("none")) == "none, 1 rank, cpu, mixed precision no, gradient accumulation 1"


def test_wrappers():
    class ZeroEngine(nn.Module):
        def zero_optimization_stage(self) -> int:
            return 3

    assert wrapper_name(nn.Linear(1, 1)) == "none"
    assert wrapper_name(nn.DataParallel(nn.Linear(1, 1))) == "DataParallel"
    assert wrapper_name(ZeroEngine()) == "DeepSpeed ZeRO-3"


def test_layers_that_fsdp_shards():
    def names(model, given=None) -> list[str]:
        plugin = SimpleNamespace(transformer_cls_names_to_wrap=given)
        shard_layers(plugin, model)
        return plugin.transformer_cls_names_to_wrap

    assert names(encoder("transformer")) == ["TransformerBlock"]
    assert names(encoder("static")) == []
    assert names(encoder("transformer"), ["Embeddings"]) == ["Embeddings"]
    named = encoder("transformer")
    named[0].auto_model._no_split_modules = ["Embeddings", "TransformerBlock", "Absent"]
    assert names(named) == ["Embeddings", "TransformerBlock"]


def test_engines_that_shard_weights():
    assert [name for name in ("none", "DDP", "DeepSpeed ZeRO-2") if Engine(name).shards_weights] == []
    assert Engine("DeepSpeed ZeRO-3").shards_weights and Engine("FSDP2").shards_weights
    assert "FSDP1 is not supported" in differences(Request(), Engine("FSDP1"))[0]
