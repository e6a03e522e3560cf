"""FSDP2 on two real processes (gloo): accelerate's own wrapping, with our configuration file, around a transformer.

Through accelerate's launcher FSDP2 needs GPUs. Here its sharding runs on a CPU: the plugin reads the variables that
the launcher sets for `fsdp2.yaml`, and loss, gradients, an update and the gathered weights are those of one process.
"""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import FullyShardedDataParallelPlugin
from accelerate.utils.fsdp_utils import fsdp2_prepare_model
from accelerate.utils.launch import prepare_multi_gpu_env
from torch.distributed.fsdp import FSDPModule

from hf_hybrid import launch_config
from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder
from hf_hybrid.engines.engine import shard_layers, wrapper_name
from hf_hybrid.engines.whole_weights import gather_weights, skeleton, with_weights
from hf_hybrid.losses import HybridContrastiveLoss
from hf_hybrid.losses.gradient_cache import is_sharded
from tests.distributed.test_gather import join

ROWS, TOKENS = 8, 6
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "dropout": 0.0}
# Keep all graphs, none, or those of some chunks.
BUDGETS = (None, 0.0, 60_000.0)
TEXTS = [f"passage {number} of words" for number in range(40)]


def encoder() -> torch.nn.Module:
    args = ModelArguments(encoder="transformer", vocab_size=300, max_seq_length=16, **SIZES)
    return build_encoder(args, training_texts=TEXTS).double()


def inputs(rank: int, ranks: int) -> dict:
    """A rank's rows of the global batch as the collator gives them; the ranks have different numbers of chunks."""
    generator = torch.Generator().manual_seed(7)
    texts = torch.randint(5, 40, (2, ROWS, TOKENS), generator=generator)
    own = texts[:, rank * ROWS // ranks : (rank + 1) * ROWS // ranks].reshape(-1, TOKENS)
    ids = torch.arange(ROWS)[rank * ROWS // ranks : (rank + 1) * ROWS // ranks]
    chunks = [{"input_ids": part, "attention_mask": torch.ones_like(part)} for part in own.split(2 + rank)]
    return {"chunks": chunks, "positions": torch.arange(len(own)), "example_ids": ids, "passage_ids": ids // 2}


def step(model: torch.nn.Module, batch: dict, budget: float | None) -> torch.Tensor:
    model.zero_grad()
    loss, _ = HybridContrastiveLoss()(model, {**batch, "cache_budget": budget})
    loss.backward()
    return loss.detach()


def shard(model: torch.nn.Module, rank: int) -> torch.nn.Module:
    """Prepare the model as accelerate does for a process that was launched with our file."""
    flags = ["--config_file", launch_config("fsdp2"), "--num_processes", "2", "--main_process_port", "0", "train.py"]
    args, _, _ = _validate_launch_command(launch_command_parser().parse_args(flags))
    os.environ.update({name: value for name, value in prepare_multi_gpu_env(args).items() if name.startswith("FSDP_")})
    plugin = FullyShardedDataParallelPlugin()
    shard_layers(plugin, model)
    state = SimpleNamespace(fsdp_plugin=plugin)
    return fsdp2_prepare_model(SimpleNamespace(state=state, mixed_precision="no", is_main_process=not rank), model)


def worker(rank: int, port: int, results) -> None:
    join(rank, 2, port)
    model = encoder()
    empty = skeleton(model)
    model = shard(model, rank)
    units = [type(module).__name__ for module in model.modules() if isinstance(module, FSDPModule)]
    assert wrapper_name(model) == "FSDP2" and is_sharded(model)
    assert units.count("FSDPTransformerBlock") == 2
    first = next(model.parameters())
    assert first.to_local().numel() < first.numel()
    for budget in BUDGETS:
        loss = step(model, inputs(rank, 2), budget)
        dist.all_reduce(loss)
        gradients = {name: parameter.grad.full_tensor() for name, parameter in model.named_parameters()}
        results.append((rank, loss.item() / 2, {name: gradient.tolist() for name, gradient in gradients.items()}))
    torch.optim.AdamW(model.parameters(), lr=0.01, eps=1e-3).step()
    weights = gather_weights(model, keep=rank == 0)
    assert bool(weights) == (rank == 0)
    if weights:
        whole = with_weights(empty, weights)
        assert wrapper_name(whole) == "none"
        results.append(("whole", whole.encode(TEXTS[:3]).tolist(), {name: w.tolist() for name, w in weights.items()}))
    dist.barrier()
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def expected():
    model = encoder()
    loss = step(model, inputs(0, 1), None)
    return model, loss.item(), {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def test_sharded_layers_train_as_one_process(expected, unused_port):
    with mp.get_context("spawn").Manager() as manager:
        results = manager.list()
        mp.spawn(worker, args=(unused_port, results), nprocs=2)
        results = list(results)
    model, loss, gradients = expected
    steps = [values for who, *values in results if who != "whole"]
    [(vectors, weights)] = [values for who, *values in results if who == "whole"]
    assert len(steps) == 2 * len(BUDGETS)
    for sharded_loss, sharded in steps:
        assert sharded_loss == pytest.approx(loss, abs=1e-12)
        assert sharded.keys() == gradients.keys()
        for name, gradient in gradients.items():
            torch.testing.assert_close(torch.tensor(sharded[name], dtype=torch.float64), gradient, rtol=0, atol=1e-11)
    torch.optim.AdamW(model.parameters(), lr=0.01, eps=1e-3).step()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(torch.tensor(weights[name], dtype=torch.float64), parameter.data, rtol=0, atol=1e-9)
    torch.testing.assert_close(torch.tensor(vectors), torch.tensor(model.encode(TEXTS[:3])).float(), rtol=0, atol=1e-6)
