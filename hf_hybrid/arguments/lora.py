"""`LoraArguments`: whether and how a low-rank adapter is trained instead of all weights; names and meanings are
TRL's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from hf_hybrid.errors import InputError


# Keywords only, so that `model_name_or_path` stays the first of `ModelArguments`, which inherits these.
@dataclass(kw_only=True)
class LoraArguments:
    """Arguments of LoRA, the part of `ModelArguments` that TRL's `ModelConfig` has under the same names.

    Left out of TRL's: `lora_task_type` (an encoder's is always `FEATURE_EXTRACTION`), `lora_target_parameters` (for
    layers of experts), quantisation, and `use_dora`: transformers 5 loads such an adapter without its magnitudes, and
    so does sentence-transformers, which then gives other vectors.

    Parameters:
        use_peft (`bool`, *optional*, defaults to `False`):
            Train a low-rank adapter (LoRA) on a pretrained transformer, whose own weights stay as they are.
        lora_r (`int`, *optional*, defaults to `16`):
            Rank of the adapter.
        lora_alpha (`int`, *optional*, defaults to `32`):
            The adapter's output is scaled by `lora_alpha / lora_r`.
        lora_dropout (`float`, *optional*, defaults to `0.05`):
            Dropout of the adapter's input.
        lora_target_modules (`list[str]`, *optional*):
            Ends of the names of the layers that get an adapter (`query value`), one regular expression, or
            `all-linear`, which is the default: every linear layer that the vectors pass through.
        lora_modules_to_save (`list[str]`, *optional*):
            Ends of the names of modules that are trained in full and stored with the adapter.
        use_rslora (`bool`, *optional*, defaults to `False`):
            Scale by `lora_alpha / sqrt(lora_r)` instead (rank-stabilised LoRA).
    """

    use_peft: bool = field(
        default=False,
        metadata={
            "help": "Train a low-rank adapter (LoRA) on a pretrained transformer, whose own weights stay as they are. "
            "It wants about ten times the learning rate."
        },
    )
    lora_r: int = field(default=16, metadata={"help": "Rank of the adapter."})
    lora_alpha: int = field(
        default=32, metadata={"help": "The adapter's output is scaled by `lora_alpha` / `lora_r`."}
    )
    lora_dropout: float = field(default=0.05, metadata={"help": "Dropout of the adapter's input."})
    lora_target_modules: list[str] | None = field(
        default=None,
        metadata={
            "help": "Ends of the names of the layers that get an adapter (`query value`), one regular expression, or "
            "`all-linear`, which is the default: every linear layer that the vectors pass through."
        },
    )
    lora_modules_to_save: list[str] | None = field(
        default=None,
        metadata={"help": "Ends of the names of modules that are trained in full and stored with the adapter."},
    )
    use_rslora: bool = field(
        default=False,
        metadata={"help": "Scale by `lora_alpha` / sqrt(`lora_r`) instead (rank-stabilised LoRA)."},
    )

    def __post_init__(self) -> None:
        for name in ("lora_target_modules", "lora_modules_to_save"):
            value = getattr(self, name)
            # In a recipe, one name may stand without brackets.
            setattr(self, name, [value] if isinstance(value, str) else value or None)
        for name in ("lora_r", "lora_alpha"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} is below 1; give a positive number")
        if not 0 <= self.lora_dropout < 1:
            raise InputError(f"lora_dropout: {self.lora_dropout} is outside [0, 1)")

    def unused_lora_arguments(self) -> list[str]:
        """Names of the arguments that differ from their defaults and have no effect, because `use_peft` is off."""
        names = [] if self.use_peft else [each.name for each in fields(LoraArguments)]
        defaults = LoraArguments()
        return [name for name in names if getattr(self, name) != getattr(defaults, name)]
