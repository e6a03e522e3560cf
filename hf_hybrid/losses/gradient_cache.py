"""Gradient caching: embed a batch of any size chunk by chunk, holding the graphs of as many chunks as memory allows.

The published algorithm (https://huggingface.co/papers/2101.06983) has three steps: embed all chunks without graphs;
make the loss and its gradients with respect to the embeddings; embed each chunk again with its graph, and
backpropagate into it. Here:

    (1) every chunk is embedded under `torch.utils.checkpoint`, which drops its graph and remembers its random state;
    (2) the loss core makes loss and gradients of all embeddings at once, tile by tile;
    (3) one ordinary backward pass embeds each chunk again as it comes to it, frees it, and goes on to the next.

Since (3) is one backward pass through one forward pass of the wrapped model, engines see nothing unusual: DDP and
DeepSpeed reduce each parameter's gradient once, not once a chunk, and the loss's collectives happen once. Chunks whose
graphs fit into a budget are not checkpointed, and so not embedded twice; with budget for all of them this is plain
training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from accelerate.utils import extract_model_from_parallel
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from hf_hybrid.losses.gather import world_size

Features = dict[str, torch.Tensor]
GIB = 1 << 30


def embed_chunks(model: nn.Module, chunks: list[Features], budget: float | None = None) -> torch.Tensor:
    """Sentence embeddings of all chunks' texts, in their order, `[texts, d]`.

    Args:
        model: The encoder, wrapped by an engine or not. The wrapper's forward pass runs once, whatever the number of
            chunks.
        chunks: Features of the encoder, a dictionary each.
        budget: Bytes of activations to keep for the backward pass; chunks beyond are embedded again there. `None`
            keeps all. What is embedded again, a chunk at a time, comes on top, and so does a layer at a time of
            encoders whose layers are checkpointed themselves: who plans memory leaves room for both.

    The embeddings are the same for every budget, and so are the gradients but for the order of summation.
    """

    def run(encode: Callable[[Features], torch.Tensor], encoder: nn.Module) -> torch.Tensor:
        if not is_sharded(encoder):
            return torch.cat(list(_embed(encode, encoder, chunks, budget, agreed=_alone)))
        # Each of a sharded encoder's passes is a collective: every rank has to make as many, of the same kind.
        device = chunks[0]["input_ids"].device
        even = split_chunks(chunks, _agreed(len(chunks), device, dist.ReduceOp.MAX))
        return torch.cat(
            list(_embed(encode, encoder, even, budget, agreed=lambda n: _agreed(n, device, dist.ReduceOp.MIN)))
        )

    return run_inside(model, run)


def _embed(
    encode: Callable[[Features], torch.Tensor],
    encoder: nn.Module,
    chunks: list[Features],
    budget: float | None,
    agreed: Callable[[int], int],
) -> Iterator[torch.Tensor]:
    if budget is None or not torch.is_grad_enabled():
        yield from (encode(chunk) for chunk in chunks)
        return
    start = kept = 0
    if budget > 0:
        # The first chunk has the longest texts, so its activations per token bound those of the others.
        with measure_graph(encoder) as size:
            yield encode(chunks[0])
        tokens = torch.tensor([chunk["input_ids"].numel() for chunk in chunks], dtype=torch.float64)
        fitting = int((tokens.cumsum(0) * (size() / tokens[0]) <= budget).sum())
        start, kept = 1, agreed(fitting)
    # Sharded weights have no size outside of a pass, which the check of sizes would take for a difference.
    check = "none" if is_sharded(encoder) else "default"
    for number, chunk in enumerate(chunks[start:], start):
        if number < kept:
            yield encode(chunk)
        else:
            yield checkpoint(encode, chunk, use_reentrant=False, determinism_check=check)


def split_chunks(chunks: list[Features], count: int) -> list[Features]:
    """Halve the padded chunks of most tokens until there are `count`; rows keep their order.

    Raises:
        ValueError: There are fewer rows than `count`.
    """
    chunks = list(chunks)
    while len(chunks) < count:
        largest = max(range(len(chunks)), key=lambda i: chunks[i]["input_ids"].numel() * (_rows(chunks[i]) > 1))
        rows = _rows(chunks[largest])
        if rows < 2 or "offsets" in chunks[largest]:
            raise ValueError(f"{len(chunks)} chunks cannot be cut into {count}")
        halves = [
            {
                name: value[part] if isinstance(value, torch.Tensor) else value
                for name, value in chunks[largest].items()
            }
            for part in (slice(rows // 2), slice(rows // 2, None))
        ]
        chunks[largest : largest + 1] = halves
    return chunks


def run_inside(model: nn.Module, function: Callable[[Callable[[Features], torch.Tensor], nn.Module], Any]) -> Any:
    """Call `function` as if it were the forward pass of the innermost model, through all that wraps it.

    Engines prepare the backward pass in the wrapper's forward pass: it has to run exactly once a step, although a step
    embeds many chunks. `function` gets the model's own forward pass as a function from features to embeddings.
    """
    encoder = extract_model_from_parallel(model, keep_fp32_wrapper=True, keep_torch_compile=False)
    forward = encoder.forward
    patched = "forward" in vars(encoder)

    def encode(features: Features) -> torch.Tensor:
        return forward(dict(features))["sentence_embedding"]

    def restore() -> None:
        if patched:
            encoder.forward = forward
        else:
            vars(encoder).pop("forward", None)

    def once() -> Any:
        restore()
        return function(encode, encoder)

    encoder.forward = once
    try:
        return model()
    finally:
        restore()


@contextmanager
def measure_graph(encoder: nn.Module, apart: Iterable[Any] = ()) -> Iterator[Callable[[], int]]:
    """Count the bytes that autograd saves for the backward pass, parameters apart and shared storage once.

    Of layers that are checkpointed themselves (`gradient_checkpointing`) these are the layers' inputs. What such a
    layer takes when the backward pass makes it again is `measure_layer`'s.

    Args:
        encoder: Its parameters are not counted.
        apart: Tensors that are not counted either.
    """
    # FSDP2's pieces have no address; what it gathers of them for a pass is counted, so that rather too few chunks are
    # kept.
    whole = (parameter for parameter in encoder.parameters() if not hasattr(parameter, "full_tensor"))
    others = (value for value in apart if isinstance(value, torch.Tensor))
    seen = {tensor.untyped_storage().data_ptr() for tensor in (*whole, *others)}
    total = 0

    def count(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal total
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        yield lambda: total


@contextmanager
def measure_layer(encoder: nn.Module) -> Iterator[Callable[[], int]]:
    """Count the bytes that autograd saves within one checkpointed layer, the first that the passes inside the block
    come to; 0 where no layers are checkpointed.

    As much is taken for a moment when the backward pass makes a layer again: checkpoints drop it in the forward pass,
    so that `measure_graph` does not see it. The layer's input, which is kept all along, is left out.
    """
    total = 0

    def measure(layer: nn.Module, inputs: tuple, named: dict[str, Any]) -> None:
        nonlocal total
        if total:
            return
        layer.gradient_checkpointing = False
        devices = {parameter.device for parameter in layer.parameters() if parameter.device.type == "cuda"}
        try:
            with torch.random.fork_rng(devices), torch.enable_grad(), measure_graph(layer, inputs) as size:
                # Through its class: its hooks are not to run twice.
                kept = type(layer).forward(layer, *inputs, **named)
                total = size()
            del kept
        finally:
            layer.gradient_checkpointing = True

    hooks = [
        layer.register_forward_pre_hook(measure, with_kwargs=True)
        for layer in encoder.modules()
        if isinstance(layer, GradientCheckpointingLayer) and layer.gradient_checkpointing
    ]
    try:
        yield lambda: total
    finally:
        for hook in hooks:
            hook.remove()


def is_sharded(encoder: nn.Module) -> bool:
    """Whether an engine (FSDP2, DeepSpeed ZeRO-3) keeps the weights in pieces, so that every forward pass
    communicates.
    """
    # Inside FSDP2's forward pass the parameters outside of the layers are whole: one of the others tells.
    return any(hasattr(parameter, "ds_id") or hasattr(parameter, "full_tensor") for parameter in encoder.parameters())


def _rows(chunk: Features) -> int:
    return len(chunk["offsets"] if "offsets" in chunk else chunk["input_ids"])


def _agreed(number: int, device: torch.device, operation: Any) -> int:
    if world_size() == 1:
        return number
    value = torch.tensor([number], device=device)
    dist.all_reduce(value, operation)
    return int(value.item())


def _alone(number: int) -> int:
    return number
