"""The engine that really trains: what it is, and whether it is the one that was asked for.

Several configurations fall back in silence: DeepSpeed is off, FSDP becomes DDP, or processes train alone that should
train together. So what is active is compared with what the launcher asked for (module `launch_request`), before
training and once more on the prepared model, and any difference is an error that says what to do. Otherwise one line
tells what is active.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from sentence_transformers import SentenceTransformer
from torch import nn
from torch.distributed.fsdp import FSDPModule, FullyShardedDataParallel
from transformers import TrainerCallback

from hf_hybrid.engines.launch_request import DEEPSPEED, FSDP, Request, read_request
from hf_hybrid.errors import InputError

logger = logging.getLogger(__name__)

NONE, DDP, DATA_PARALLEL = "none", "DDP", "DataParallel"


@dataclass(frozen=True)
class Engine:
    """What is active.

    Attributes:
        name: `none`, `DDP`, `DataParallel`, `DeepSpeed ZeRO-1` (or 0, 2, 3), `FSDP1`, `FSDP2`.
        ranks: Processes that the engine counts.
        connected: Processes of the process group, 1 without one.
        backend: Of the process group (`gloo`, `nccl`), None without one.
        device: `cpu`, `cuda` ...
        precision: `no`, `bf16`, `fp16`, `fp8`.
        accumulation: Micro-steps an update of the weights.
    """

    name: str
    ranks: int = 1
    connected: int = 1
    backend: str | None = None
    device: str = "cpu"
    precision: str = "no"
    accumulation: int = 1

    @property
    def shards_weights(self) -> bool:
        """Whether every rank holds only a part of the weights."""
        return self.name == f"{DEEPSPEED} ZeRO-3" or self.name.startswith(FSDP)

    def __str__(self) -> str:
        ranks = "1 rank" if self.ranks == 1 else f"{self.ranks} ranks"
        backend = [self.backend] if self.backend else []
        settings = [f"mixed precision {self.precision}", f"gradient accumulation {self.accumulation}"]
        return ", ".join([self.name, ranks, *backend, self.device, *settings])


def differences(request: Request, engine: Engine) -> list[str]:
    """What is active other than asked for, each with its remedy; empty where all is as asked.

    Example:
        >>> differences(Request(ranks=2, ranks_source="WORLD_SIZE=2"), Engine("DDP", ranks=2, connected=2))
        []
    """
    found = [_engine_difference(request, engine), _ranks_difference(request, engine)]
    if engine.name == DATA_PARALLEL:
        found.append(
            "one process drives several GPUs (DataParallel): start one process a GPU with `accelerate launch "
            "--multi_gpu --num_processes N`, or let it see one with CUDA_VISIBLE_DEVICES=0"
        )
    if engine.name == f"{FSDP}1":
        found.append("FSDP1 is not supported: set fsdp_version: 2, as hf_hybrid/recipes/accelerate/fsdp2.yaml does")
    if request.precision and request.precision != engine.precision:
        found.append(
            f"mixed precision {request.precision} was asked for and {engine.precision} is active: give the launcher's "
            "--mixed_precision and the training arguments bf16/fp16 the same value"
        )
    return [difference for difference in found if difference]


def _engine_difference(request: Request, engine: Engine) -> str | None:
    if request.engine is None or (engine.name.startswith(request.engine) and _stage_fits(request, engine)):
        return None
    wanted = request.engine if request.zero_stage is None else f"{request.engine} ZeRO-{request.zero_stage}"
    active = "no engine" if engine.name == NONE else engine.name
    asked = f"{wanted} was asked for ({request.engine_source}) and {active} is active"
    if request.engine == FSDP and engine.device == "cpu":
        remedy = "on a CPU use DDP, `accelerate launch --multi_gpu` with --use_cpu behind train.py"
        return f"{asked}: FSDP needs GPUs; {remedy}"
    if request.engine == DEEPSPEED and engine.device == "cpu":
        return (
            f"{asked}: on a CPU leave the launcher's --cpu and ACCELERATE_USE_CPU out, set DS_ACCELERATOR=cpu, and "
            "give --use_cpu behind train.py"
        )
    return f"{asked}: check the launcher's flags and configuration file against the training arguments"


def _stage_fits(request: Request, engine: Engine) -> bool:
    return request.zero_stage is None or engine.name == f"{DEEPSPEED} ZeRO-{request.zero_stage}"


def _ranks_difference(request: Request, engine: Engine) -> str | None:
    if engine.connected > engine.ranks:
        return (
            f"{engine.connected} processes are connected and accelerate counts {engine.ranks}: on a CPU add --use_cpu "
            "behind train.py, otherwise check that every process sees a GPU"
        )
    if engine.ranks > 1 and engine.name == NONE:
        return (
            f"{engine.ranks} processes are connected and nothing averages their gradients: on a CPU add --use_cpu "
            "behind train.py, otherwise check that every process sees a GPU"
        )
    if request.ranks is None or request.ranks == engine.ranks:
        return None
    asked = f"{request.ranks} ranks were asked for ({request.ranks_source}) and {engine.ranks} is active"
    if "accelerate launch" in request.ranks_source:
        return (
            f"{asked}: use `accelerate launch --multi_gpu --num_processes {request.ranks}`, on a CPU with --use_cpu "
            "behind train.py; --cpu, MULTI_CPU and a machine with one GPU start a single process"
        )
    return (
        f"{asked}, so that every process would train alone: on a CPU add --use_cpu behind train.py, otherwise check "
        "that every process sees a GPU"
    )


def active_engine(accelerator: Accelerator, args: Any) -> Engine:
    """The engine that accelerate has set up; `wrapper_name` tells later whether it has wrapped the model, too."""
    kind, state = accelerator.distributed_type, accelerator.state
    if kind == DistributedType.DEEPSPEED:
        name = f"{DEEPSPEED} ZeRO-{state.deepspeed_plugin.zero_stage}"
    elif kind == DistributedType.FSDP:
        name = f"{FSDP}{state.fsdp_plugin.fsdp_version}"
    elif kind == DistributedType.NO:
        name = DATA_PARALLEL if args.n_gpu > 1 else NONE
    else:
        name = DDP if kind.value.startswith("MULTI_") else kind.value
    return Engine(
        name,
        accelerator.num_processes,
        *_process_group(),
        torch.device(accelerator.device).type,
        str(accelerator.mixed_precision),
        args.gradient_accumulation_steps,
    )


def wrapper_name(model: nn.Module) -> str:
    """The engine that has wrapped a model, by the names of `Engine`.

    Example:
        >>> wrapper_name(nn.Linear(1, 1))
        'none'
    """
    model = getattr(model, "_orig_mod", model)
    if callable(stage := getattr(model, "zero_optimization_stage", None)):
        return f"{DEEPSPEED} ZeRO-{stage()}"
    names = {
        nn.parallel.DistributedDataParallel: DDP,
        nn.DataParallel: DATA_PARALLEL,
        FSDPModule: f"{FSDP}2",
        FullyShardedDataParallel: f"{FSDP}1",
    }
    return next((name for kind, name in names.items() if isinstance(model, kind)), NONE)


def check_engine(accelerator: Accelerator, args: Any) -> Engine:
    """Compare the engine that is active with the one that was asked for.

    Args:
        accelerator: The trainer's.
        args: Its training arguments.

    Returns:
        The active engine.

    Raises:
        InputError: They differ; says in what, and what to do.
    """
    engine = active_engine(accelerator, args)
    _refuse(differences(read_request(args), engine))
    return engine


def check_launch(args: Any) -> None:
    """Refuse what can be seen to go wrong before anything is built: processes that do not know of each other, FSDP on
    a CPU.

    Raises:
        InputError: As `check_engine`.
    """
    request, state = read_request(args), args.distributed_state
    name = NONE if state.distributed_type == DistributedType.NO else DDP
    engine = Engine(name, state.num_processes, *_process_group(), device=args.device.type)
    no_gpu = request.engine == FSDP and engine.device == "cpu"
    found = [_engine_difference(request, engine) if no_gpu else None, _ranks_difference(request, engine)]
    _refuse([difference for difference in found if difference])


def shard_layers(plugin: FullyShardedDataParallelPlugin, model: SentenceTransformer) -> None:
    """Let FSDP shard the transformer's layers one by one: sentence-transformers does not say what they are called.

    Names that the configuration gives stay.
    """
    # accelerate shards the last child with "Norm" in its type as well. Looked for in the whole encoder, that is the
    # module that makes vectors of unit length, whose class torch cannot extend.
    model.base_model_prefix = "transformers_model"
    if plugin.transformer_cls_names_to_wrap is None:
        names = getattr(model.transformers_model, "_no_split_modules", None) or _layer_types(model)
        present = {type(module).__name__ for module in model.modules()}
        plugin.transformer_cls_names_to_wrap = [name for name in names if name in present]


def _layer_types(model: nn.Module) -> list[str]:
    """Types in the list of modules that holds the most parameters: a transformer's layers."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    layers = max(lists, key=lambda modules: sum(p.numel() for p in modules.parameters()), default=())
    return sorted({type(layer).__name__ for layer in layers})


class EngineReport(TrainerCallback):
    """When training begins: checks that the model was wrapped by the engine that is active, and tells the engine in
    one line.
    """

    def __init__(self, trainer: Any, engine: Engine):
        self.trainer, self.engine = trainer, engine

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        wrapped = wrapper_name(self.trainer.model_wrapped)
        if wrapped != self.engine.name:
            _refuse(
                [
                    f"{self.engine.name} is set up and the model was prepared for {wrapped}: do not wrap the model "
                    "yourself"
                ]
            )
        if state.is_world_process_zero:
            logger.info("Engine: %s", self.engine)


def _process_group() -> tuple[int, str | None]:
    """Number of connected processes and their backend."""
    connected = dist.is_available() and dist.is_initialized()
    return (dist.get_world_size(), dist.get_backend()) if connected else (1, None)


def _refuse(found: list[str]) -> None:
    if found:
        raise InputError("engine: " + "; ".join(found))
