"""Numbers that a loss reports beside its value: means over ranks and over the micro-batches since the last log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import torch
from accelerate import Accelerator

from hf_hybrid.errors import InputError
from hf_hybrid.training.rank_agreement import exchange


class LossScalars:
    """Sums since the last log; kept as tensors, so that a step waits for no device.

    Attributes:
        logged: Names that were logged so far.
    """

    def __init__(self) -> None:
        self.logged: dict[str, None] = {}
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: Counter[str] = Counter()

    def add(self, scalars: Mapping[str, torch.Tensor | float]) -> None:
        """Count those of one micro-batch; any name may be missing, on any rank."""
        for name, scalar in scalars.items():
            value = torch.as_tensor(scalar).detach().float()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] += 1

    def pop(self, accelerator: Accelerator, taken: Collection[str]) -> dict[str, float]:
        """Means over the ranks and micro-batches that had a name, then start anew. Every rank must call it.

        Args:
            accelerator: The trainer's.
            taken: Names that the log has already.

        Raises:
            InputError: A scalar has a name that is taken; on every rank.
        """
        names = list(dict.fromkeys(name for own in exchange(list(self._sums)) for name in own))
        if clash := [name for name in names if name in taken]:
            raise InputError(f"loss: its scalar '{clash[0]}' has the name of another logged value; name it otherwise")
        if not names:
            return {}
        device = accelerator.device
        sums = [self._sums.get(name, torch.zeros(())).to(device) for name in names]
        counts = [torch.tensor(float(self._counts[name]), device=device) for name in names]
        sums, counts = accelerator.reduce(torch.stack([torch.stack(sums), torch.stack(counts)]), "sum").tolist()
        self._sums, self._counts = {}, Counter()
        self.logged |= dict.fromkeys(names)
        return {name: float(f"{sum_ / count:.6g}") for name, sum_, count in zip(names, sums, counts, strict=True)}
