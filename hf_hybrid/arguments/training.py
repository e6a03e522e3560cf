"""`HybridTrainingArguments`: how batches are drawn and the loss is made, on top of the Trainer's own arguments."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

import torch
from sentence_transformers import SentenceTransformerTrainingArguments
from transformers.hf_argparser import string_to_bool
from transformers.utils import is_torch_bf16_gpu_available

from hf_hybrid.arguments.reporting import check_reporting
from hf_hybrid.arguments.without_effect import WITHOUT_EFFECT, refuse_without_effect
from hf_hybrid.engines.precision import choose_precision
from hf_hybrid.errors import InputError
from hf_hybrid.plan.types import ARMS, PlanSettings

NEGATIVES = ("auto", "in_batch", "in_batch+hard", "literal")


@dataclass
class HybridTrainingArguments(SentenceTransformerTrainingArguments):
    """Arguments of hybrid batch training, on top of those of `transformers.TrainingArguments`.

    Parameters:
        arm (`str`, *optional*, defaults to `"hybrid"`):
            How batches are drawn: `x-x` (same-language pairs, languages mixed in the batch), `x-x-mono` (one language
            per batch), `x-y` (every pair crosses languages), `hybrid` (each batch `x-x-mono` or `x-y`).
        mono_probability (`float`, *optional*, defaults to `0.5`):
            Probability of a monolingual batch in the hybrid arm (the paper's alpha).
        mono_probability_end (`float`, *optional*):
            Let the probability run linearly to this value over the whole training.
        global_batch_size (`int`, *optional*, defaults to `100`):
            Rows that all ranks see in one micro-step, whatever their number; each rank takes its share of them. The
            per-device batch size follows from it.
        language_sampling (`str`, *optional*, defaults to `"uniform"`):
            Share of languages or pairs: `uniform` (the paper), by `size`, or by `temperature`.
        language_temperature (`float`, *optional*, defaults to `2.0`):
            With `temperature`, a language's share is its size to the power 1/temperature.
        one_pair_per_batch (`bool`, *optional*, defaults to `False`):
            In cross-lingual batches, one ordered language pair per batch instead of pairs mixed in it.
        source_per_batch (`bool`, *optional*, defaults to `False`):
            One source per batch, in proportion to its size, instead of sources mixed in it.
        distinct_passages (`bool`, *optional*, defaults to `False`):
            Keep rows that share a passage out of one batch; otherwise they may meet and are masked.
        batches_per_epoch (`int`, *optional*):
            Length of an epoch; default: as many rows as there are renditions with a query.
        scale (`float`, *optional*, defaults to `20.0`):
            Factor on the cosine in the loss (inverse temperature). The paper gives none.
        symmetric (`bool`, *optional*, defaults to `False`):
            Average with the passage-to-query loss. The paper's loss has one direction.
        negatives (`str`, *optional*, defaults to `"auto"`):
            `in_batch` (the global batch's other positives), `in_batch+hard` (and the hard negatives), `literal` (the
            paper's Eq. 1: hard negatives only), or `auto`: `in_batch+hard` where the data has negatives.
        num_negatives (`int`, *optional*, defaults to `1`):
            Hard negatives used per row, where the data has them.
        max_tokens (`int`, *optional*):
            Cut training texts to this many tokens; default: the encoder's own maximum.
        gradient_cache (`bool`, *optional*, defaults to `False`):
            Embed a batch of any size in little memory: chunk by chunk, and again in the backward pass. Loss and
            gradients are those of training without.
        gradient_cache_memory (`float`, *optional*):
            With `gradient_cache`, GiB of activations to keep rather than make twice; default: what is free on a GPU,
            or half of it on a CPU, less what gradients and optimiser will take. A fixed value makes a resumed run
            equal bit for bit.
        chunk_tokens (`int`, *optional*, defaults to `16384`):
            Most tokens, padding included, that a transformer embeds at a time. The texts of a batch are ordered by
            length and cut into chunks with little padding.
        chunk_overhead (`int`, *optional*):
            What one more chunk costs, in tokens, against which padding is weighed; default: measured before the first
            step, and kept with checkpoints.
        padding_free (`bool` or `str`, *optional*, defaults to `"auto"`):
            Lay the texts of a chunk end to end instead of padding them: `true`, `false`, or `auto`: on a GPU in half
            precision, where the encoder can. Attention weights then have no dropout.
        bf16 (`bool` or `str`, *optional*, defaults to `False`):
            Pass through the encoder in bfloat16: `true`, `false`, or `auto`: on a GPU that has it, and on a CPU with
            AMX or AVX512-BF16.
        teacher_vectors (`str`, *optional*):
            File of a teacher's vectors (`hf-hybrid teacher-vectors`) as a second target: texts and their translations
            are drawn to the vector of the text in the teacher's language. The encoder needs the teacher's dimension.
        teacher_weight (`float`, *optional*, defaults to `1.0`):
            With `teacher_vectors`, weight of the mean of 1 - cosine; 0 leaves the teacher out.
        parallel_weight (`float`, *optional*, defaults to `0.0`):
            Weight, from 0 to 1, of the divergence between the rankings of a question and of the same one in another
            language (LaKDA, arXiv 2509.06195); the default loss has the rest.
        gradient_cosine_steps (`int`, *optional*, defaults to `0`):
            Log the cosine of the gradients of a monolingual and a cross-lingual batch every so many steps, and write
            them to `gradient_cosine.json`; 0 for never. A measurement takes as long as two steps.
        resume (`bool`, *optional*, defaults to `False`):
            Continue the run in `output_dir` from its last checkpoint.
        resume_with_changes (`bool`, *optional*, defaults to `False`):
            With `resume`, go on with another learning rate, schedule or number of steps than the run began with; what
            changed is written to `changes.yaml` in its folder.

    Overrides of `transformers.TrainingArguments`, after the paper: `learning_rate` 3e-5, `weight_decay` 0.01.
    """

    output_dir: str | None = field(
        default=None,
        metadata={"help": "Where checkpoints, the model and the results go; default: a new folder under `outputs/`."},
    )
    # Follows from `global_batch_size`; without a default of its own, so that one that is given is noticed.
    per_device_train_batch_size: int | None = field(
        default=None, metadata={"help": "Has no effect: give `global_batch_size`."}
    )
    learning_rate: float = field(default=3e-5, metadata={"help": "Peak learning rate (the paper's 3e-5)."})
    weight_decay: float = field(default=0.01, metadata={"help": "Weight decay (the paper's 1e-2)."})
    arm: str = field(
        default="hybrid",
        metadata={
            "help": "How batches are drawn: `x-x` (same-language pairs, languages mixed in the batch), `x-x-mono` "
            "(one language per batch), `x-y` (every pair crosses languages), `hybrid` (each batch `x-x-mono` or "
            "`x-y`).",
            "choices": ARMS,
        },
    )
    mono_probability: float = field(
        default=0.5,
        metadata={"help": "Probability of a monolingual batch in the hybrid arm (the paper's alpha)."},
    )
    mono_probability_end: float | None = field(
        default=None,
        metadata={"help": "Let the probability run linearly to this value over the whole training."},
    )
    global_batch_size: int = field(
        default=100,
        metadata={
            "help": "Rows that all ranks see in one micro-step, whatever their number; each rank takes its share of "
            "them. The per-device batch size follows from it."
        },
    )
    language_sampling: str = field(
        default="uniform",
        metadata={
            "help": "Share of languages or pairs: `uniform` (the paper), by `size`, or by `temperature`.",
            "choices": ("uniform", "size", "temperature"),
        },
    )
    language_temperature: float = field(
        default=2.0,
        metadata={"help": "With `temperature`, a language's share is its size to the power 1/temperature."},
    )
    one_pair_per_batch: bool = field(
        default=False,
        metadata={
            "help": "In cross-lingual batches, one ordered language pair per batch instead of pairs mixed in it."
        },
    )
    source_per_batch: bool = field(
        default=False,
        metadata={"help": "One source per batch, in proportion to its size, instead of sources mixed in it."},
    )
    distinct_passages: bool = field(
        default=False,
        metadata={"help": "Keep rows that share a passage out of one batch; otherwise they may meet and are masked."},
    )
    batches_per_epoch: int | None = field(
        default=None,
        metadata={"help": "Length of an epoch; default: as many rows as there are renditions with a query."},
    )
    scale: float = field(
        default=20.0,
        metadata={"help": "Factor on the cosine in the loss (inverse temperature). The paper gives none."},
    )
    symmetric: bool = field(
        default=False,
        metadata={"help": "Average with the passage-to-query loss. The paper's loss has one direction."},
    )
    negatives: str = field(
        default="auto",
        metadata={
            "help": "`in_batch` (the global batch's other positives), `in_batch+hard` (and the hard negatives), "
            "`literal` (the paper's Eq. 1: hard negatives only), or `auto`: `in_batch+hard` where the data has "
            "negatives.",
            "choices": NEGATIVES,
        },
    )
    num_negatives: int = field(default=1, metadata={"help": "Hard negatives used per row, where the data has them."})
    max_tokens: int | None = field(
        default=None,
        metadata={"help": "Cut training texts to this many tokens; default: the encoder's own maximum."},
    )
    gradient_cache: bool = field(
        default=False,
        metadata={
            "help": "Embed a batch of any size in little memory: chunk by chunk, and again in the backward pass. Loss "
            "and gradients are those of training without."
        },
    )
    gradient_cache_memory: float | None = field(
        default=None,
        metadata={
            "help": "With `gradient_cache`, GiB of activations to keep rather than make twice; default: what is free "
            "on a GPU, or half of it on a CPU, less what gradients and optimiser will take. A fixed value makes a "
            "resumed run equal bit for bit."
        },
    )
    chunk_tokens: int = field(
        default=16_384,
        metadata={
            "help": "Most tokens, padding included, that a transformer embeds at a time. The texts of a batch are "
            "ordered by length and cut into chunks with little padding."
        },
    )
    chunk_overhead: int | None = field(
        default=None,
        metadata={
            "help": "What one more chunk costs, in tokens, against which padding is weighed; default: measured before "
            "the first step, and kept with checkpoints."
        },
    )
    padding_free: bool | str = field(
        default="auto",
        metadata={
            "help": "Lay the texts of a chunk end to end instead of padding them: `true`, `false`, or `auto`: on a "
            "GPU in half precision, where the encoder can. Attention weights then have no dropout."
        },
    )
    bf16: bool | str = field(
        default=False,
        metadata={
            "help": "Pass through the encoder in bfloat16: `true`, `false`, or `auto`: on a GPU that has it, and on a "
            "CPU with AMX or AVX512-BF16."
        },
    )
    teacher_vectors: str | None = field(
        default=None,
        metadata={
            "help": "File of a teacher's vectors (`hf-hybrid teacher-vectors`) as a second target: texts and their "
            "translations are drawn to the vector of the text in the teacher's language. The encoder needs the "
            "teacher's dimension."
        },
    )
    teacher_weight: float = field(
        default=1.0,
        metadata={
            "help": "With `teacher_vectors`, weight of the mean of 1 - cosine; 0 leaves the teacher out.",
        },
    )
    parallel_weight: float = field(
        default=0.0,
        metadata={
            "help": "Weight, from 0 to 1, of the divergence between the rankings of a question and of the same one in "
            "another language (LaKDA, arXiv 2509.06195); the default loss has the rest."
        },
    )
    gradient_cosine_steps: int = field(
        default=0,
        metadata={
            "help": "Log the cosine of the gradients of a monolingual and a cross-lingual batch every so many steps, "
            "and write them to `gradient_cosine.json`; 0 for never. A measurement takes as long as two steps."
        },
    )
    resume: bool = field(
        default=False,
        metadata={"help": "Continue the run in `output_dir` from its last checkpoint."},
    )
    resume_with_changes: bool = field(
        default=False,
        metadata={
            "help": "With `resume`, go on with another learning rate, schedule or number of steps than the run began "
            "with; what changed is written to `changes.yaml` in its folder."
        },
    )

    def __post_init__(self) -> None:
        if self.negatives not in NEGATIVES:
            raise InputError(f"negatives: {self.negatives!r} is not one of {', '.join(NEGATIVES)}")
        for name in ("num_negatives", "global_batch_size", "chunk_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} is below 1; give a positive number")
        if self.chunk_overhead is not None and self.chunk_overhead < 1:
            raise InputError(f"chunk_overhead: {self.chunk_overhead} is below 1; give a number of tokens")
        for name in ("padding_free", "bf16"):
            setattr(self, name, _choice(name, getattr(self, name)))
        if self.scale <= 0:
            raise InputError(f"scale: {self.scale} is not positive")
        if not 0 <= self.parallel_weight <= 1:
            raise InputError(f"parallel_weight: must lie in [0, 1], got {self.parallel_weight}")
        if self.gradient_cosine_steps < 0:
            raise InputError(f"gradient_cosine_steps: {self.gradient_cosine_steps} is negative; 0 is never")
        if self.teacher_weight < 0:
            raise InputError(f"teacher_weight: {self.teacher_weight} is negative; 0 leaves the teacher out")
        if self.gradient_cache_memory is not None and self.gradient_cache_memory < 0:
            raise InputError(
                f"gradient_cache_memory: {self.gradient_cache_memory} is negative; give GiB, 0 keeps nothing"
            )
        if self.gradient_cache_memory is not None and not self.gradient_cache:
            raise InputError("gradient_cache_memory: has no effect without gradient_cache; set that too")
        if self.resume_with_changes and not self.resume:
            raise InputError("resume_with_changes: has no effect without resume; set that too")
        given = self.per_device_train_batch_size
        # What our parents set in the copies of an object that is complete.
        own = {
            # The parser makes a truth value of "no".
            "include_num_input_tokens_seen": False,
            "do_eval": self.eval_strategy != "no",
            "ddp_find_unused_parameters": False,
        }
        refuse_without_effect(self, {**own, "per_device_train_batch_size": given})
        check_reporting(self.report_to)
        # The parent fills in a folder of its own choice; the command picks a fresh one instead.
        self.output_dir_given = self.output_dir is not None
        self._settle_precision()
        use_cpu = self.use_cpu
        # The parent would refuse bf16 on a machine without accelerator, unless told what is clear.
        self.use_cpu = use_cpu or (self.bf16 and not torch.accelerator.is_available())
        super().__post_init__()
        self.use_cpu = use_cpu
        if self.global_batch_size % self.world_size:
            raise InputError(
                f"global_batch_size: {self.global_batch_size} rows cannot be divided over {self.world_size} ranks; "
                f"use a multiple of {self.world_size}"
            )
        share = self.global_batch_size // self.world_size
        if given is not None and given != share:
            raise InputError(
                f"per_device_train_batch_size: has no effect here; {WITHOUT_EFFECT['per_device_train_batch_size']}"
            )
        # The loop's own counts (samples seen, samples per second) read the per-device size.
        self.per_device_train_batch_size = share
        self.ddp_find_unused_parameters = False

    def _settle_precision(self) -> None:
        """Say yes or no for `bf16`, and keep why in `precision_reason`."""
        asked, self.precision_reason = self.bf16, "as asked for"
        if asked == "auto":
            chosen = choose_precision(self.use_cpu)
            self.bf16, self.precision_reason = chosen.bf16 and not self.fp16, chosen.reason
        elif asked and self.fp16:
            raise InputError("bf16: fp16 is set too; choose one of them")
        elif asked and not self.use_cpu and torch.accelerator.is_available() and not is_torch_bf16_gpu_available():
            raise InputError("bf16: this accelerator has none; give false, or fp16")

    @property
    def precision(self) -> str:
        """What the passes are made in, and why.

        Example:
            >>> HybridTrainingArguments("out", bf16="auto").precision  # doctest: +SKIP
            'bf16 (this CPU has AMX)'
        """
        name = "bf16" if self.bf16 else "fp16" if self.fp16 else "float32"
        return f"{name} ({self.precision_reason})"

    def plan_settings(self, total_batches: int | None = None) -> PlanSettings:
        """The batch plan's part of the arguments.

        Args:
            total_batches: Batches of the whole training, over which a schedule of `mono_probability` runs.
        """
        return PlanSettings(
            arm=self.arm,
            global_batch_size=self.global_batch_size,
            seed=self.data_seed if self.data_seed is not None else self.seed,
            mono_probability=self.mono_probability,
            mono_probability_end=self.mono_probability_end,
            schedule_batches=total_batches if self.mono_probability_end is not None else None,
            language_sampling=self.language_sampling,
            language_temperature=self.language_temperature,
            one_pair_per_batch=self.one_pair_per_batch,
            source_per_batch=self.source_per_batch,
            distinct_passages=self.distinct_passages,
            batches_per_epoch=self.batches_per_epoch,
        )


def _choice(name: str, value: bool | str) -> bool | str:
    """`True`, `False` or `"auto"`, from a flag, a recipe or a program."""
    if isinstance(value, bool) or value == "auto":
        return value
    try:
        return string_to_bool(value)
    except argparse.ArgumentTypeError:
        raise InputError(f"{name}: {value!r} is none of auto, true, false") from None
