"""What a run was begun with besides its batches, kept in every checkpoint: a resumed run goes on with the same, or
says that it does not.

The optimiser and its schedule come back from a checkpoint as they were, so a new learning rate would be ignored, while
a new scale of the loss would apply from there on: neither is what a run's arguments say. Hence a difference is
refused; with `resume_with_changes` the rate, its schedule and the number of steps may change, and do.
"""

from __future__ import annotations

import json
import logging
import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from hf_hybrid.encoders.frozen_parts import has_frozen_word_table
from hf_hybrid.encoders.prompts import prompt_texts
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_bytes
from hf_hybrid.retrieval.provenance import model_sha256, modules_of
from hf_hybrid.training.plan_state import PlanState, check_fingerprint

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.arguments import HybridTrainingArguments

logger = logging.getLogger(__name__)

CHANGES = "changes.yaml"
STATE = "trainer_state.json"
# What may change from a step on.
CHANGEABLE = (
    "learning_rate",
    "lr_scheduler_type",
    "lr_scheduler_kwargs",
    "warmup_steps",
    "max_steps",
    "num_train_epochs",
)
ARGUMENTS = (
    *CHANGEABLE,
    *("learning_rate_mapping", "weight_decay", "optim", "optim_args", "adam_beta1", "adam_beta2", "adam_epsilon"),
    *("max_grad_norm", "gradient_accumulation_steps", "max_tokens"),
)


def run_settings(
    model: SentenceTransformer, args: HybridTrainingArguments, loss: dict[str, Any], num_negatives: int
) -> dict[str, Any]:
    """What decides a run's weights besides its batches, as JSON types.

    Args:
        model: The encoder as it is before training.
        args: Of the run.
        loss: Settings of the loss.
        num_negatives: Hard negatives that a row brings.
    """
    values = {name: getattr(args, name) for name in ARGUMENTS}
    if args.max_steps > 0:
        # Epochs say nothing then.
        values.pop("num_train_epochs")
    values = {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
    query, passage = prompt_texts(model)
    encoder = {
        "query_prompt": query,
        "passage_prompt": passage,
        "base_model": model.model_card_data.base_model,
        "base_weights_sha256": model_sha256(model),
        "modules": modules_of(model),
        "word_table_is_frozen": has_frozen_word_table(model),
        "trained_parameters": sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
    }
    return json.loads(json.dumps({**values, **loss, "num_negatives": num_negatives, **encoder}, default=str))


class RunSettings(TrainerCallback, ExportableState):
    """Keeps a run's settings in the trainer state, with what was changed on the way.

    Attributes:
        settings: See `run_settings`.
        changes: `{"step": n, "changes": {name: {"was": ..., "is": ...}}}` for every time that the run went on
            otherwise.
    """

    def __init__(self, settings: dict[str, Any], changes: list[dict[str, Any]] | None = None):
        self.settings = settings
        self.changes = changes or []

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"settings": self.settings, "changes": self.changes}}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> RunSettings:
        return cls(state["attributes"]["settings"], state["attributes"]["changes"])

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        # The state of a checkpoint without settings has no place for them, and the trainer makes none.
        state.stateful_callbacks.setdefault(type(self).__name__, self.state())

    def check(
        self, checkpoint: str | os.PathLike[str], fingerprint: dict[str, Any], allow_changes: bool = False
    ) -> bool:
        """Compare the run with the one that wrote a checkpoint, before anything of it is loaded.

        Args:
            checkpoint: Its folder.
            fingerprint: Of this run's batches, see `plan_state`.
            allow_changes: Take over what may change, and note it in `changes`.

        Returns:
            Whether the run goes on otherwise.

        Raises:
            InputError: Batches or settings differ; names what, and both values.
        """
        step, stored_by = _callback_states(checkpoint)
        stored = stored_by.get(PlanState.__name__, {}).get("stored")
        if stored is not None:
            check_fingerprint(stored, fingerprint)
        before = stored_by.get(type(self).__name__)
        if before is None:
            logger.warning(
                "%s does not say with which settings its run was begun: they are not compared; make sure they are "
                "the same",
                checkpoint,
            )
            return False
        self.changes = list(before["changes"])
        changed = different_settings(before["settings"], self.settings)
        refused = {name: pair for name, pair in changed.items() if name not in CHANGEABLE}
        if refused or (changed and not allow_changes):
            raise InputError(_refusal(changed, refused, allow_changes))
        if changed:
            self.changes.append({"step": step, "changes": changed})
        return bool(changed)


def check_batches(checkpoint: str | os.PathLike[str], fingerprint: dict[str, Any]) -> None:
    """Compare a plan with the one that a checkpoint was trained on, before an encoder is built for it.

    Raises:
        InputError: Plan or data differ.
    """
    stored = _callback_states(checkpoint)[1].get(PlanState.__name__, {}).get("stored")
    if stored is not None:
        check_fingerprint({name: stored.get(name) for name in fingerprint}, fingerprint)


def different_settings(before: dict[str, Any], now: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Settings that two runs have both, with other values.

    Example:
        >>> different_settings({"scale": 20.0, "symmetric": False}, {"scale": 50.0, "symmetric": False})
        {'scale': {'was': 20.0, 'is': 50.0}}
    """
    # Where a model lies says nothing of what it is: its name is shown, its weights are compared.
    names = [name for name in before if name != "base_model"]
    changed = {
        name: {"was": before.get(name), "is": now.get(name)}
        for name in names
        if before.get(name) != now.get(name) and (name in now or name in CHANGEABLE)
    }
    if weights := changed.pop("base_weights_sha256", None):
        sides = {"was": before.get("base_model"), "is": now.get("base_model")}
        changed["base model"] = {
            side: f"{sides[side] or 'an encoder without a Hub name'} (weights {weights[side][:12]})" for side in sides
        }
    return changed


def write_changes(folder: str | os.PathLike[str], changes: list[dict[str, Any]]) -> Path:
    """Write `changes.yaml`: from which step on a run went on with other settings than `arguments.yaml` says."""
    text = yaml.safe_dump(changes, allow_unicode=True, sort_keys=False)
    return write_bytes(Path(folder) / CHANGES, text.encode(), overwrite=True)


def set_rates(optimizer: Optimizer, scheduler: Any, rates: list[float]) -> None:
    """Let an optimiser that was loaded from a checkpoint go on with the rates, and the schedule, that it was made
    with.

    Args:
        optimizer: Its groups hold the rates of the run before.
        scheduler: Made for this run; it has counted to where the checkpoint was.
        rates: Peak rate of every group, as they were before loading.

    Raises:
        InputError: The schedule is of a kind that depends on the way it went.
    """
    scheduler = getattr(scheduler, "scheduler", scheduler)
    if not isinstance(scheduler, LambdaLR):
        raise InputError(
            f"resume_with_changes: the rate of a schedule of kind {type(scheduler).__name__} depends on the steps "
            "before; restore the settings, or start a new run"
        )
    scheduler.base_lrs = list(rates)
    now = [rate * factor(scheduler.last_epoch) for rate, factor in zip(rates, scheduler.lr_lambdas, strict=True)]
    for group, peak, rate in zip(optimizer.param_groups, rates, now, strict=True):
        group["initial_lr"], group["lr"] = peak, rate
    scheduler._last_lr = now


def _callback_states(checkpoint: str | os.PathLike[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    """Step of a checkpoint, and what the callbacks of its run have kept, by their classes."""
    try:
        state = json.loads((Path(checkpoint) / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"resume: cannot read {Path(checkpoint) / STATE} ({error}); go on from another checkpoint"
        ) from error
    kept = {
        name: entry.get("attributes", {})
        for name, entry in state.get("stateful_callbacks", {}).items()
        if isinstance(entry, dict)
    }
    return state["global_step"], kept


def _refusal(changed: dict[str, Any], refused: dict[str, Any], allow_changes: bool) -> str:
    values = "; ".join(
        f"{name} was {pair['was']!r}, is {pair['is']!r}"
        for name, pair in (refused if allow_changes else changed).items()
    )
    if not refused and not allow_changes:
        return (
            f"resume: the run was begun with other settings ({values}); restore these, or give --resume_with_changes "
            f"too, which writes the change to {CHANGES}"
        )
    return f"resume: the run was begun with other settings ({values}); restore these or start a new run"
