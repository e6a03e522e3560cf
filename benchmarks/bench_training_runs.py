"""One way to run a trainer for some steps and time them, for ours and for sentence-transformers', on the same batches.

Both run through their own `Trainer.train`, so that a step is what a user gets: data loader, forward pass, loss,
backward pass, clipping, fused AdamW, callbacks. Our plan draws the batches; the other trainer gets the same texts as a
data set in the order of the batches, and a batch sampler that takes them in that order.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.util import cos_sim, dot_score
from transformers import PrinterCallback, TrainerCallback

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.data.pairs import ParallelPairs
from hf_hybrid.encoders.prompts import prompt_texts
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import PlanSettings
from hf_hybrid.training.trainer import HybridTrainer

SIMILARITIES = {"cos_sim": cos_sim, "dot_score": dot_score}


@dataclass(frozen=True)
class Work:
    """What all variants train: the data, the encoder's first weights, the batches and the optimiser's settings."""

    pairs: ParallelPairs
    model: SentenceTransformer
    weights: dict[str, torch.Tensor]
    batch_size: int
    warmup: int
    steps: int
    learning_rate: float = 3e-4
    bf16: bool = False

    @classmethod
    def of(cls, pairs: ParallelPairs, model: SentenceTransformer, *settings: Any) -> Work:
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        return cls(pairs, model, weights, *settings)

    @property
    def plan_arguments(self) -> dict[str, Any]:
        """Distinct passages: sentence-transformers has no masks, so no row may need one."""
        return {
            "arm": "x-x",
            "global_batch_size": self.batch_size,
            "language_sampling": "size",
            "distinct_passages": True,
            "seed": 1,
        }

    def plan(self) -> HybridBatchPlan:
        return HybridBatchPlan(self.pairs, PlanSettings(**self.plan_arguments))

    def trainer_arguments(self) -> dict[str, Any]:
        return {
            "max_steps": self.warmup + self.steps,
            "learning_rate": self.learning_rate,
            "weight_decay": 0.01,
            "lr_scheduler_type": "constant",
            "max_grad_norm": 1.0,
            "optim": "adamw_torch_fused",
            "logging_strategy": "no",
            "save_strategy": "no",
            "eval_strategy": "no",
            "report_to": [],
            "disable_tqdm": True,
            "use_cpu": True,
            "bf16": self.bf16,
        }


@dataclass
class Run:
    """What a run of some steps gave."""

    seconds: float
    processor_seconds: float
    losses: list[float]
    trainer: Any = field(repr=False, default=None)


class StepTimes(TrainerCallback):
    """When each optimiser step ended: by the clock, and by the processor time of this process."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def on_step_end(self, args, state, control, **kwargs) -> None:
        self.ends.append((time.perf_counter(), time.process_time()))


class InOrder(DefaultBatchSampler):
    """Batches of consecutive rows, in their order."""

    def __iter__(self):
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield list(range(start, start + self.batch_size))

    def __len__(self) -> int:
        return len(self.sampler) // self.batch_size


def run(make: Callable[[Work], Any], work: Work, prepare: Callable[[Any], None] | None = None) -> Run:
    """Train from the first weights; seconds of a step after the warm-up, and the loss of every step."""
    work.model.load_state_dict(work.weights)
    torch.manual_seed(0)
    trainer = make(work)
    times, losses = StepTimes(), []
    trainer.add_callback(times)
    trainer.remove_callback(PrinterCallback)
    compute = trainer.compute_loss

    def recorded(*args: Any, **kwargs: Any) -> Any:
        loss = compute(*args, **kwargs)
        losses.append(loss.detach())
        return loss

    trainer.compute_loss = recorded
    if prepare is not None:
        prepare(trainer)
    trainer.train()
    first, last = times.ends[work.warmup - 1], times.ends[-1]
    clock, processor = ((b - a) / work.steps for a, b in zip(first, last, strict=True))
    return Run(clock, processor, [float(loss) for loss in losses], trainer)


def ours(work: Work, **settings: Any) -> HybridTrainer:
    """Our trainer; `settings` are training arguments."""
    folder = tempfile.mkdtemp(prefix="bench_")
    arguments = HybridTrainingArguments(folder, **work.trainer_arguments(), **work.plan_arguments, **settings)
    return HybridTrainer(work.model, arguments, work.pairs)


def sentence_transformers(
    work: Work,
    cached: bool = False,
    workers: int = 0,
    presorted: bool = False,
    similarity: str = "cos_sim",
    gather: bool = False,
    ranks: int = 1,
    find_unused: bool | None = None,
    **loss_settings: Any,
) -> SentenceTransformerTrainer:
    """The other trainer, default or tuned.

    Args:
        cached: The cached loss; `loss_settings` are its mini-batch sizes.
        workers: Processes of the data loader.
        presorted: Rows of a batch in the order of their passages' lengths, so that mini-batches pad less.
        similarity: `dot_score` saves normalising embeddings that already are.
        gather: Negatives of all ranks.
        ranks: Number of ranks that share a batch.
        find_unused: Whether DDP looks for parameters without gradient; the library's default is to look.
    """
    folder = tempfile.mkdtemp(prefix="bench_")
    query, passage = prompt_texts(work.model)
    arguments = SentenceTransformerTrainingArguments(
        folder,
        **work.trainer_arguments(),
        per_device_train_batch_size=work.batch_size // ranks,
        batch_sampler=lambda dataset, **kwargs: InOrder(dataset, **kwargs),
        dataloader_num_workers=workers,
        dataloader_drop_last=True,
        ddp_find_unused_parameters=find_unused,
        prompts={"query": query, "passage": passage},
    )
    loss_class = CachedMultipleNegativesRankingLoss if cached else MultipleNegativesRankingLoss
    loss = loss_class(
        work.model, similarity_fct=SIMILARITIES[similarity], gather_across_devices=gather, **loss_settings
    )
    return SentenceTransformerTrainer(work.model, arguments, texts_in_order(work, presorted), loss=loss)


def texts_in_order(work: Work, presorted: bool = False) -> Dataset:
    """Query and passage of every row of every batch, batch after batch."""
    plan = work.plan()
    batches = [plan.batch(step % len(plan), step // len(plan)) for step in range(work.warmup + work.steps)]
    if presorted:
        lengths = np.array([len(text or "") for text in work.pairs.dataset["passage"]])
        orders = [np.argsort(-lengths[batch.passage_rows], kind="stable") for batch in batches]
    else:
        orders = [np.arange(len(batch)) for batch in batches]
    rows = {
        side: np.concatenate([getattr(b, f"{side}_rows")[o] for b, o in zip(batches, orders, strict=True)])
        for side in ("query", "passage")
    }
    return Dataset.from_dict({side: _texts(work.pairs, side, numbers) for side, numbers in rows.items()})


def _texts(pairs: ParallelPairs, side: str, rows: Sequence[int]) -> list[str]:
    return pairs.dataset.select_columns([side])[np.asarray(rows)][side]
