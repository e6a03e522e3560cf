"""What a plan draws: declared and realised shares of arms, languages and ordered pairs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import ARMS


@dataclass(frozen=True)
class PlanStatistics:
    """Shares drawn over some batches; each mapping or array sums to 1.

    Attributes:
        batches: Number of batches counted.
        arms: Share of batches per arm.
        query_languages, passage_languages: Share of rows per language tag.
        pairs: Share of rows per ordered pair, `[num_languages, num_languages]`, query language first.
    """

    batches: int
    arms: dict[str, float]
    query_languages: dict[str, float]
    passage_languages: dict[str, float]
    pairs: np.ndarray


def declared_statistics(plan: HybridBatchPlan) -> PlanStatistics:
    """The shares that the settings promise, averaged over a first epoch's schedule."""
    steps = np.arange(len(plan))
    mono = float(plan.mono_probability(steps).mean()) if plan.settings.arm == "hybrid" else None
    weights = {"x-x-mono": mono, "x-y": 1 - mono} if mono is not None else {plan.settings.arm: 1.0}
    weights = {arm: weight for arm, weight in weights.items() if weight > 0}
    pairs = sum(weight * plan.shares[arm] for arm, weight in weights.items())
    return _statistics(plan, len(plan), weights, pairs)


def drawn_statistics(plan: HybridBatchPlan, batches: int | None = None, epoch: int = 0) -> PlanStatistics:
    """The shares that the first `batches` of an epoch really have (default: all of it), by drawing them."""
    count = min(batches or len(plan), len(plan))
    size = len(plan.pairs.languages)
    arms: Counter[str] = Counter()
    pairs = np.zeros((size, size))
    for step in range(count):
        batch = plan.batch(step, epoch)
        arms[batch.arm] += 1
        np.add.at(pairs, (batch.query_languages, batch.passage_languages), 1)
    return _statistics(plan, count, {arm: n / count for arm, n in sorted(arms.items())}, pairs / pairs.sum())


def _statistics(plan: HybridBatchPlan, batches: int, arms: dict[str, float], pairs: np.ndarray) -> PlanStatistics:
    tags = plan.pairs.languages
    query, passage = pairs.sum(axis=1), pairs.sum(axis=0)
    return PlanStatistics(
        batches,
        arms,
        dict(zip(tags, query.tolist(), strict=True)),
        dict(zip(tags, passage.tolist(), strict=True)),
        pairs,
    )


def describe_plan(plan: HybridBatchPlan) -> str:
    """One line for the log: what will be drawn."""
    declared = declared_statistics(plan)
    arms = ", ".join(f"{arm} {share:.0%}" for arm, share in declared.arms.items())
    languages = ", ".join(f"{tag} {share:.1%}" for tag, share in declared.query_languages.items() if share > 0)
    crossing = int((declared.pairs > 0).sum())
    return (
        f"Batch plan: {plan.pairs.num_examples:,} examples, {len(plan.pairs):,} renditions; {len(plan):,} global "
        f"batches of {plan.settings.global_batch_size:,} rows per epoch; {arms}; {crossing} ordered pairs; query "
        f"languages: {languages}"
    )


class BatchStatistics:
    """What was drawn in the micro-batches since the last log.

    Args:
        languages: Tags, in the order of the codes.
    """

    def __init__(self, languages: tuple[str, ...]):
        self._languages = languages
        self._reset()

    def _reset(self) -> None:
        self._arms: Counter[str] = Counter()
        self._query = np.zeros(len(self._languages), dtype=np.int64)
        self._passage = np.zeros(len(self._languages), dtype=np.int64)
        self._batches = 0

    def add(self, inputs: dict[str, Any]) -> None:
        """Count one collated batch."""
        self._arms[ARMS[int(inputs["address"][2])]] += 1
        size = len(self._languages)
        self._query += np.bincount(inputs["query_languages"], minlength=size)
        self._passage += np.bincount(inputs["passage_languages"], minlength=size)
        self._batches += 1

    def pop(self, accelerator: Accelerator) -> dict[str, float]:
        """Shares over all ranks, then start anew. Every rank must call it."""
        if not self._batches:
            return {}
        counts = torch.as_tensor(np.concatenate([self._query, self._passage]), dtype=torch.float32)
        sums = accelerator.reduce(counts.to(accelerator.device), "sum").cpu().numpy()
        size = len(self._languages)
        logs = {f"share_{arm}": round(n / self._batches, 4) for arm, n in sorted(self._arms.items())}
        for side, counts in (("query", sums[:size]), ("passage", sums[size:])):
            total = max(float(counts.sum()), 1.0)
            logs |= {
                f"{side}_language_{t}": round(float(c) / total, 4)
                for t, c in zip(self._languages, counts, strict=True)
            }
        self._reset()
        return logs
