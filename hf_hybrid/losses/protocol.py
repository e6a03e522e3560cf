"""What the trainer asks of a loss: two methods of a `torch.nn.Module`, and nothing about the trainer."""

from __future__ import annotations

import json
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from hf_hybrid.errors import InputError


@runtime_checkable
class TrainingLoss(Protocol):
    """A loss that `HybridTrainer(loss=...)` takes: any `torch.nn.Module` with these two methods.

    The trainer keeps the encoder in the loss's attribute `model`. Parameters of the loss's own are trained with the
    encoder's, and they and its buffers are saved with every checkpoint; engines that replace the optimiser or cut
    weights refuse them.
    """

    def forward(
        self, model: nn.Module, inputs: dict[str, Any]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor | float]]:
        """Loss of a rank's rows, and numbers to log.

        Args:
            model: The encoder; `losses.embed(model, inputs)` gives the rows' vectors.
            inputs: The rank's collated rows (`HybridCollator`).

        Returns:
            A scalar whose mean over ranks is the loss of the global batch (module `batch`), and named numbers. These
            are logged under their names as means over ranks and over the steps since the last log that had them.
        """

    def settings(self) -> dict[str, Any]:
        """What must be equal for a run to be resumed, and is recorded in it: names with numbers, texts, booleans or
        None.
        """


def check_loss(loss: Any) -> None:
    """Refuse what does not follow the protocol.

    Raises:
        InputError: Says what is missing.
    """
    name = type(loss).__name__
    if not isinstance(loss, nn.Module):
        raise InputError(f"loss: {name} is no torch.nn.Module; give an instance of one")
    if not callable(getattr(loss, "settings", None)):
        raise InputError(f"loss: {name} has no method settings(); let it return what must be equal on resume, or {{}}")


def loss_settings(loss: TrainingLoss) -> dict[str, Any]:
    """Settings of a loss, checked to be what a checkpoint can store and compare.

    Raises:
        InputError: Names the setting that is of another type.
    """
    settings = loss.settings()
    for name, value in settings.items():
        if not isinstance(value, str | bool | int | float | None):
            raise InputError(
                f"loss: the setting {name} of {type(loss).__name__} is a {type(value).__name__}; let settings() "
                "return numbers, texts, booleans or None"
            )
    return json.loads(json.dumps(settings))


def call_loss(loss: nn.Module, model: nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any]]:
    """Call a loss and check what it returns.

    Raises:
        InputError: It is not a scalar with a dictionary.
    """
    result = loss(model, inputs)
    match result:
        case (torch.Tensor() as value, dict() as scalars) if value.ndim == 0:
            return value, scalars
    raise InputError(
        f"loss: {type(loss).__name__}.forward must return (loss, scalars): a tensor of no dimension, a dict"
    )
