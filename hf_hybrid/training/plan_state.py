"""What must be equal for a run to go on from a checkpoint: the plan and the data, the loss, the teacher where there is
one.
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from hf_hybrid.data.teacher_vectors import TeacherVectors
from hf_hybrid.errors import InputError
from hf_hybrid.losses import HybridContrastiveLoss, TrainingLoss
from hf_hybrid.losses.protocol import loss_settings
from hf_hybrid.plan.batch_plan import HybridBatchPlan


def run_fingerprint(plan: HybridBatchPlan, teacher: TeacherVectors | None, loss: TrainingLoss) -> dict[str, Any]:
    """Settings and data of a plan, the digest of a teacher's file, and the loss's settings; its name if it is a user's
    own.

    Raises:
        InputError: A setting of the loss cannot be stored, or has the name of another.
    """
    targets = {} if teacher is None else {"teacher_vectors_sha256": teacher.sha256}
    name = {} if type(loss) is HybridContrastiveLoss else {"loss": type(loss).__name__}
    others, settings = {**plan.fingerprint(), **targets, **name}, loss_settings(loss)
    if clash := sorted(others.keys() & settings.keys()):
        raise InputError(
            f"loss: the setting {clash[0]} of {type(loss).__name__} is one of the run's; name it otherwise"
        )
    return {**others, **settings}


class PlanState(TrainerCallback, ExportableState):
    """Keeps a run's fingerprint in the trainer state, and refuses to resume it with other batches, targets or another
    loss.
    """

    def __init__(self, fingerprint: dict[str, Any]):
        self.fingerprint = fingerprint

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"stored": self.fingerprint}}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> PlanState:
        instance = cls.__new__(cls)
        instance.fingerprint = state["attributes"]["stored"]
        return instance

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        stored = state.stateful_callbacks.get(type(self).__name__, {}).get("attributes", {}).get("stored")
        if state.global_step and stored is not None:
            check_fingerprint(stored, self.fingerprint)


def check_fingerprint(stored: dict[str, Any], current: dict[str, Any]) -> None:
    """Compare the fingerprint of a checkpoint with the run's.

    Raises:
        InputError: They differ; names what differs, and both values.
    """
    different = [key for key in {**stored, **current} if stored.get(key) != current.get(key)]
    if different:
        values = "; ".join(f"{key} was {stored.get(key)!r}, is {current.get(key)!r}" for key in different)
        raise InputError(f"resume: the checkpoint is of another run ({values}); restore these or start a new run")
