"""Parameters and buffers of a loss's own: kept equal on all ranks, saved and loaded with checkpoints.

Engines see the encoder only. What they do for its parameters is done here for the loss's: gradients are averaged over
ranks and cleared after an update. Clipping and the logged norm of gradients are of the encoder's alone.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TrainerCallback

from hf_hybrid.engines.engine import DDP, NONE
from hf_hybrid.errors import InputError
from hf_hybrid.losses.gather import world_size

FILE = "loss.safetensors"


class LossState(TrainerCallback):
    """What a loss holds beside the encoder: parameters that are trained, and buffers.

    Args:
        loss: The loss, on its device.
        model: The encoder; what of it the loss holds already is not the loss's own.
        engine: Name of the active engine (`engines.engine.Engine`).

    Raises:
        InputError: The loss has parameters, and the engine trains the encoder's alone.
    """

    def __init__(self, loss: nn.Module, model: nn.Module, engine: str):
        of_model = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
        self._loss = loss
        self._parameters = {n: p for n, p in loss.named_parameters() if p.requires_grad and id(p) not in of_model}
        stored = loss.state_dict().keys()
        # Their names: a forward pass may put other tensors in their place.
        self._buffers = [n for n, b in loss.named_buffers() if n in stored and id(b) not in of_model]
        if (self._parameters or self._buffers) and engine not in (NONE, DDP):
            raise InputError(
                f"loss: {type(loss).__name__} has parameters or buffers of its own, and {engine} trains and saves the "
                "encoder's alone; train on one process or with DDP, or make them plain settings"
            )

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        """All ranks begin with the first one's values."""
        if world_size() > 1:
            for tensor in self._tensors().values():
                dist.broadcast(tensor, 0)
        self._clear_gradients()

    def on_optimizer_step(self, args, state, control, **kwargs) -> None:
        """The loop clears the encoder's gradients only."""
        self._clear_gradients()

    def average_gradients(self) -> None:
        """Average the parameters' gradients over ranks; to be called on every rank, once for each update."""
        for parameter in self._parameters.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if world_size() > 1:
                dist.all_reduce(parameter.grad)
                parameter.grad /= world_size()

    def save(self, folder: str | Path) -> None:
        """Write what there is into a checkpoint."""
        if tensors := self._tensors():
            save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, Path(folder) / FILE)

    def load(self, folder: str | Path) -> None:
        """Read what a checkpoint has.

        Raises:
            InputError: It has other parameters than the loss.
        """
        tensors, path = self._tensors(), Path(folder) / FILE
        stored = load_file(path) if path.exists() else {}
        shapes = [{name: tuple(t.shape) for name, t in group.items()} for group in (stored, tensors)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"resume: {folder} has the loss's parameters {shapes[0]}, {type(self._loss).__name__} has "
                f"{shapes[1]}; restore the loss or start a new run"
            )
        for name, tensor in tensors.items():
            tensor.copy_(stored[name])

    def _tensors(self) -> dict[str, torch.Tensor]:
        buffers = dict(self._loss.named_buffers())
        own = {**self._parameters, **{name: buffers[name] for name in self._buffers}}
        return {name: tensor.detach() for name, tensor in own.items()}

    def _clear_gradients(self) -> None:
        for parameter in self._parameters.values():
            parameter.grad = None
