"""A teacher's vectors as a second target: `weight * mean(1 - cos(student, teacher))` over the texts that have one.

Multilingual distillation (Reimers & Gurevych, 2020) in cosine form: a text and its translations are drawn to the
vector that the teacher has for the text in its own language. The mean is over the global batch, whatever the ranks:
each rank divides its sum by the global count, which the plan tells without communication, and multiplies by the number
of ranks, since engines average over them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import normalize

from hf_hybrid.losses.gather import world_size


def teacher_similarity(texts: torch.Tensor, inputs: dict[str, Any]) -> torch.Tensor | None:
    """A number whose mean over the ranks is the mean cosine of student and teacher over the global batch.

    Args:
        texts: `[n, d]`, the student's unit vectors: queries, then passages, then what else there is.
        inputs: Of a collated batch: `teacher_texts` int64 `[k]`, `teacher_vectors` `[k, d]`, `teacher_count`, the
            global number.

    Returns:
        A scalar with gradients, or None where no text of the global batch has a target.

    Example:
        >>> batch = {"teacher_texts": torch.tensor([1]), "teacher_vectors": torch.eye(2)[:1], "teacher_count": 1}
        >>> teacher_similarity(torch.tensor([[0.0, 1.0], [0.6, 0.8]]), batch).item()
        0.6000000238418579
    """
    if not inputs["teacher_count"]:
        return None
    dtype = torch.float64 if texts.dtype == torch.float64 else torch.float32
    # As in the contrastive loss: mixed precision is for the encoder.
    with torch.autocast(texts.device.type, enabled=False):
        student = texts[inputs["teacher_texts"]].to(dtype)
        # Rounded to float16 on disk, so not quite of unit length.
        teacher = normalize(inputs["teacher_vectors"].to(dtype), dim=1)
        return (student * teacher).sum() * (world_size() / inputs["teacher_count"])
