"""What a batch plan is made of: its settings, and the batches and addresses that it gives out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np

from hf_hybrid.errors import InputError

Arm = Literal["x-x", "x-x-mono", "x-y", "hybrid"]
ARMS: tuple[Arm, ...] = ("x-x", "x-x-mono", "x-y", "hybrid")


class ParallelIndex(Protocol):
    """What a plan asks of its renditions, of which it never sees a text; `hf_hybrid.data.pairs.ParallelPairs` is one.

    Attributes:
        name: For messages.
        languages, sources: Tags and names, referred to by number.
        num_examples: E.
        query_row, passage_row: int64 `[E, languages]`: the row of an example's query or passage in a language, or -1.
        source_of_example: int64 `[E]`.
        passage_of_row: int64 `[rows]`: rows with the same number show one passage, in any language.
        sha256: Of everything above.
    """

    name: str
    languages: tuple[str, ...]
    sources: tuple[str, ...]
    query_row: np.ndarray
    passage_row: np.ndarray
    source_of_example: np.ndarray
    passage_of_row: np.ndarray

    @property
    def num_examples(self) -> int: ...

    @property
    def sha256(self) -> str: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class PlanSettings:
    """What decides the batches, apart from the data.

    Parameters:
        arm: `x-x`, `x-x-mono`, `x-y` or `hybrid`.
        global_batch_size: Rows that all ranks see in one micro-step.
        seed: Seed of every draw.
        mono_probability: Probability of a monolingual batch in the `hybrid` arm (the paper's alpha).
        mono_probability_end: Where the linear schedule ends; `None` keeps `mono_probability` constant.
        schedule_batches: Batches over which the schedule runs.
        language_sampling: `uniform` (the paper), `size` or `temperature` (share ~ size^(1/temperature)).
        language_temperature: Temperature of that sampling: 1 is by size, infinity is uniform.
        one_pair_per_batch: In cross-lingual batches, one ordered pair for the whole batch instead of pairs mixed in
            it.
        source_per_batch: One source for the whole batch, drawn in proportion to its size, instead of sources mixed in
            it.
        distinct_passages: Keep rows that share a passage out of one batch (otherwise they may meet and are masked).
        batches_per_epoch: Length of an epoch; default: as many rows as there are renditions with a query.
    """

    arm: Arm = "hybrid"
    global_batch_size: int = 100
    seed: int = 42
    mono_probability: float = 0.5
    mono_probability_end: float | None = None
    schedule_batches: int | None = None
    language_sampling: Literal["uniform", "size", "temperature"] = "uniform"
    language_temperature: float = 2.0
    one_pair_per_batch: bool = False
    source_per_batch: bool = False
    distinct_passages: bool = False
    batches_per_epoch: int | None = None

    def __post_init__(self) -> None:
        if self.arm not in ARMS:
            raise InputError(f"arm: unknown arm '{self.arm}'; choose one of {', '.join(ARMS)}")
        if self.global_batch_size < 1:
            raise InputError(f"global_batch_size: must be at least 1, got {self.global_batch_size}")
        for name in ("mono_probability", "mono_probability_end"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise InputError(f"{name}: must lie in [0, 1], got {value}")
        if self.language_sampling not in ("uniform", "size", "temperature"):
            raise InputError(
                f"language_sampling: unknown value '{self.language_sampling}'; choose uniform, size or temperature"
            )
        if self.language_temperature <= 0:
            raise InputError(f"language_temperature: must be positive, got {self.language_temperature}")
        if self.mono_probability_end is not None and not self.schedule_batches:
            raise InputError(
                "mono_probability_end: needs schedule_batches, the number of batches the schedule runs over"
            )


@dataclass(frozen=True)
class GlobalBatch:
    """One batch of the plan, or a rank's slice of it.

    Attributes:
        arm: `x-x-mono`, `x-y` or `x-x`: what this batch is (never `hybrid`).
        examples, query_languages, passage_languages: Codes, one per row.
        query_rows, passage_rows: Row numbers in the pairs' data set.
        passages: Codes of the passages' ids; rows that share one are never each other's negatives.
    """

    arm: Arm
    examples: np.ndarray
    query_languages: np.ndarray
    passage_languages: np.ndarray
    query_rows: np.ndarray
    passage_rows: np.ndarray
    passages: np.ndarray

    def __len__(self) -> int:
        return len(self.examples)

    def slice(self, start: int, stop: int) -> GlobalBatch:
        """Rows `start` to `stop`."""
        return GlobalBatch(self.arm, *(getattr(self, f)[start:stop] for f in _ROW_FIELDS))


_ROW_FIELDS = ("examples", "query_languages", "passage_languages", "query_rows", "passage_rows", "passages")


class BatchSlice(NamedTuple):
    """Address of a rank's rows: cheap to make, to skip over and to send to a worker; `plan.take` gives the rows."""

    epoch: int
    step: int
    start: int
    stop: int
