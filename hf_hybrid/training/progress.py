"""What a terminal shows of a running training."""

from __future__ import annotations

from transformers import ProgressCallback

from hf_hybrid.training.loss_scalars import LossScalars


class QuietProgress(ProgressCallback):
    """The Trainer's progress bar, with one readable line per log instead of a dictionary."""

    SHOWN = (
        *("loss", "grad_norm", "learning_rate"),
        *("eval_mo_map", "eval_cr_map", "eval_mul_map", "eval_rank_distance"),
    )

    def __init__(self, scalars: LossScalars):
        super().__init__()
        self._scalars = scalars

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        if state.is_world_process_zero and self.training_bar is not None and logs:
            names = {*self.SHOWN, *self._scalars.logged}
            shown = [key for key in logs if key in names or key.startswith("share_")]
            values = (f"{key.removeprefix('eval_')} {float(logs[key]):.4g}" for key in shown)
            if line := "  ".join(values):
                self.training_bar.write(f"step {state.global_step}: {line}")
