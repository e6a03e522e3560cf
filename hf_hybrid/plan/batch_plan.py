"""`HybridBatchPlan`: which arm, languages and rows every *global* batch has, and `HybridBatchSampler`: one rank's
share.

The plan is stateless. Batch `t` of epoch `e` is a pure function of `(seed, e, t)`: its decisions come from a
counter-based generator (Philox), its rows from keyed orders with a cursor per pool. The same global batches come out
on 1, 2 or 4 ranks, in a straight or a resumed run, without communication.

Sampling order (paper §3 and its Algorithm): the arm by a Bernoulli draw, then the language or ordered pair, then the
source in proportion to its size, then parallel examples.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.plan.keyed_order import derive_key, unit_interval
from hf_hybrid.plan.pools import Groups, MixedPool, Rows, SinglePool
from hf_hybrid.plan.types import Arm, BatchSlice, GlobalBatch, ParallelIndex, PlanSettings


@dataclass(frozen=True)
class _EpochTable:
    """Per batch of an epoch: its pool, and how many earlier batches of the run took from that pool."""

    pool: np.ndarray
    index: np.ndarray
    next_index: np.ndarray


class HybridBatchPlan:
    """Global batches as a pure function of `(seed, epoch, step)`.

    Args:
        pairs: The renditions.
        settings: See `PlanSettings`.

    Raises:
        InputError: A language or pair with too few examples for a batch; no example in two languages for `x-y`.

    Example:
        >>> plan = HybridBatchPlan(pairs, PlanSettings(arm="hybrid", global_batch_size=4))    # doctest: +SKIP
        >>> plan.batch(step=0).arm                                                             # doctest: +SKIP
        'x-y'
    """

    def __init__(self, pairs: ParallelIndex, settings: PlanSettings | None = None):
        self.pairs = pairs
        self.settings = settings or PlanSettings()
        self._groups = Groups.of(pairs.query_row, pairs.passage_row, pairs.source_of_example)
        self._build_pools()
        rows = int((pairs.query_row >= 0).sum())
        self._length = self.settings.batches_per_epoch or max(1, rows // self.settings.global_batch_size)
        self._tables: OrderedDict[int, _EpochTable] = OrderedDict()
        self._first_index: list[np.ndarray] = [np.zeros(len(self._pools), dtype=np.int64)]

    def __len__(self) -> int:
        """Batches per epoch: exact, and the same on every rank."""
        return self._length

    # -- pools --------------------------------------------------------------------------------------------------------

    def _build_pools(self) -> None:
        settings = self.settings
        count = len(self.pairs.languages)
        diagonal = np.eye(count, dtype=bool)
        self._pools: list[SinglePool | MixedPool] = []
        self._mono_choice = self._cross_choice = None
        self.shares: dict[str, np.ndarray] = {}
        if settings.arm == "x-x":
            self._mono_choice = self._add_mixed("x-x", diagonal)
        elif settings.arm == "x-x-mono" or (settings.arm == "hybrid" and self._can_be(mono=True)):
            self._mono_choice = self._add_single("x-x-mono", diagonal)
        if settings.arm == "x-y" or (settings.arm == "hybrid" and self._can_be(mono=False)):
            add = self._add_single if settings.one_pair_per_batch else self._add_mixed
            self._cross_choice = add("x-y", ~diagonal)

    def _can_be(self, mono: bool) -> bool:
        """Whether the schedule ever draws the kind: alpha 0 or 1 needs no pools of the other kind."""
        ends = [self.settings.mono_probability, self.settings.mono_probability_end]
        return any(end is not None and (end > 0 if mono else end < 1) for end in ends)

    def _cell_shares(self, kind: str, wanted: np.ndarray, source: int | None = None) -> np.ndarray:
        """Share of each wanted cell `[L, L]`: uniform over cells that have examples, by size, or by temperature."""
        sizes = self._groups.cell_sizes(source) * wanted
        if not sizes.any():
            what = "in two languages" if kind == "x-y" else "with query and passage in one language"
            raise InputError(f"{self.pairs.name}: arm '{kind}' needs examples {what}, and there is none")
        power = {"uniform": 0.0, "size": 1.0, "temperature": 1.0 / self.settings.language_temperature}
        shares = np.where(sizes > 0, sizes.astype(np.float64) ** power[self.settings.language_sampling], 0.0)
        return shares / shares.sum()

    def _sources(self) -> list[int | None]:
        return list(range(len(self.pairs.sources))) if self.settings.source_per_batch else [None]

    def _add_single(self, kind: str, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One pool per cell (and source); returns the pools' numbers and their cumulative chances."""
        shares = self.shares[kind] = self._cell_shares(kind, wanted)
        numbers, chances = [], []
        for a, b in np.argwhere(shares > 0):
            sizes = np.array([self._groups.cell_sizes(s)[a, b] for s in self._sources()])
            for source, size in zip(self._sources(), sizes, strict=True):
                if size == 0:
                    continue
                numbers.append(len(self._pools))
                chances.append(shares[a, b] * size / sizes.sum())
                key = derive_key(self.settings.seed, 1, int(a), int(b), -1 if source is None else source)
                describe = self._describe(int(a), int(b), source)
                self._pools.append(
                    SinglePool(self._groups, (int(a), int(b)), self.settings.global_batch_size, key, source, describe)
                )
        return np.array(numbers), np.cumsum(chances)

    def _describe(self, a: int, b: int, source: int | None) -> str:
        tags = self.pairs.languages
        cell = f"language '{tags[a]}'" if a == b else f"language pair {tags[a]}-{tags[b]}"
        return cell if source is None else f"{cell} of source '{self.pairs.sources[source]}'"

    def _add_mixed(self, kind: str, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One pool of all wanted cells (per source); returns the pools' numbers and their cumulative chances."""
        numbers, chances, total = [], [], np.zeros(wanted.shape)
        for source in self._sources():
            size = int((self._groups.cell_sizes(source) * wanted).sum())
            if size == 0 and len(self._sources()) > 1:
                continue
            shares = self._cell_shares(kind, wanted, source)
            key = derive_key(self.settings.seed, 2, -1 if source is None else source)
            pool = MixedPool(self._groups, shares, self.settings.global_batch_size, key, source, self.pairs.languages)
            numbers.append(len(self._pools))
            chances.append(size)
            total += shares * size
            self._pools.append(pool)
        if not numbers:
            self._cell_shares(kind, wanted)
        self.shares[kind] = total / sum(chances)
        return np.array(numbers), np.cumsum(chances) / sum(chances)

    # -- decisions ----------------------------------------------------------------------------------------------------

    def mono_probability(self, steps: np.ndarray) -> np.ndarray:
        """Probability of a monolingual batch at the given steps of the run (counted over all epochs)."""
        start, end = self.settings.mono_probability, self.settings.mono_probability_end
        if end is None:
            return np.full(np.shape(steps), start)
        progress = np.clip(np.asarray(steps) / max(self.settings.schedule_batches - 1, 1), 0.0, 1.0)
        return start + (end - start) * progress

    def _draw_pools(self, first: int, count: int) -> np.ndarray:
        """Pool of each of `count` batches from step `first` of the run on."""
        key = [derive_key(self.settings.seed, 3), 0]
        raw = np.random.Philox(key=key, counter=[first, 0, 0, 0]).random_raw(4 * count).reshape(count, 4)
        uniform = unit_interval(raw)
        if self._mono_choice is None or self._cross_choice is None:
            mono = np.full(count, self._cross_choice is None)
        else:
            mono = uniform[:, 0] < self.mono_probability(np.arange(first, first + count))
        pool = np.empty(count, dtype=np.int64)
        for chosen, choice in ((mono, self._mono_choice), (~mono, self._cross_choice)):
            if choice is not None:
                numbers, cumulative = choice
                pool[chosen] = numbers[np.searchsorted(cumulative[:-1], uniform[chosen, 1], side="right")]
        return pool

    def _table(self, epoch: int) -> _EpochTable:
        if epoch not in self._tables:
            while len(self._first_index) <= epoch:
                self._first_index.append(self._count(len(self._first_index) - 1).next_index)
            self._tables[epoch] = self._count(epoch)
            if len(self._tables) > 2:
                self._tables.popitem(last=False)
        return self._tables[epoch]

    def _count(self, epoch: int) -> _EpochTable:
        first = self._first_index[epoch]
        pool = self._draw_pools(epoch * self._length, self._length)
        order = np.argsort(pool, kind="stable")
        counts = np.bincount(pool, minlength=len(self._pools))
        within = np.empty(self._length, dtype=np.int64)
        within[order] = np.arange(self._length) - np.repeat(np.cumsum(counts) - counts, counts)
        return _EpochTable(pool, first[pool] + within, first + counts)

    # -- batches ------------------------------------------------------------------------------------------------------

    def batch(self, step: int, epoch: int = 0) -> GlobalBatch:
        """The global batch at `step` of `epoch`: `global_batch_size` rows with distinct example ids."""
        if not 0 <= step < self._length:
            raise IndexError(f"step {step} outside an epoch of {self._length} batches")
        table = self._table(epoch)
        pool = self._pools[table.pool[step]]
        rows = pool.take(int(table.index[step]))
        if self.settings.distinct_passages:
            rows = self._separate_passages(rows, pool, derive_key(self.settings.seed, 4, epoch, step))
        return self._located(self.arm_of(step, epoch), rows)

    def arm_of(self, step: int, epoch: int = 0) -> Arm:
        """What the batch at `step` is: `x-x-mono`, `x-y` or `x-x`."""
        if self.settings.arm != "hybrid":
            return self.settings.arm
        mono = self._mono_choice is not None and self._table(epoch).pool[step] in self._mono_choice[0]
        return "x-x-mono" if mono else "x-y"

    def take(self, address: BatchSlice) -> GlobalBatch:
        """The rows that a rank takes of a global batch."""
        return self.batch(address.step, address.epoch).slice(address.start, address.stop)

    def _located(self, arm: Arm, rows: Rows) -> GlobalBatch:
        query_rows = self.pairs.query_row[rows.examples, rows.query_languages]
        passage_rows = self.pairs.passage_row[rows.examples, rows.passage_languages]
        passages = self.pairs.passage_of_row[passage_rows]
        return GlobalBatch(
            arm, rows.examples, rows.query_languages, rows.passage_languages, query_rows, passage_rows, passages
        )

    def _passages(self, rows: Rows) -> np.ndarray:
        """Codes of the rows' passage ids."""
        return self.pairs.passage_of_row[self.pairs.passage_row[rows.examples, rows.passage_languages]]

    def _separate_passages(self, rows: Rows, pool: SinglePool | MixedPool, key: int) -> Rows:
        """Replace rows whose passage came earlier in the batch by others of the same pool; the displaced wait a
        pass.
        """
        examples = rows.examples.copy()
        codes = self._passages(rows)
        first = np.unique(codes, return_index=True)[1]
        used_examples, used_passages = set(examples[first].tolist()), set(codes[first].tolist())
        for row in np.setdiff1d(np.arange(len(examples)), first):
            examples[row] = self._substitute(
                pool, derive_key(key, int(row)), rows, int(row), used_examples, used_passages
            )
        return Rows(examples, rows.query_languages, rows.passage_languages)

    def _substitute(
        self, pool: SinglePool | MixedPool, key: int, rows: Rows, row: int, examples: set[int], passages: set[int]
    ) -> int:
        start, chunk = 0, 64
        while len(candidates := (found := pool.substitutes(key, start, chunk, rows, row)).examples):
            codes = self._passages(found)
            for example, code in zip(candidates.tolist(), codes.tolist(), strict=True):
                if example not in examples and code not in passages:
                    examples.add(example)
                    passages.add(code)
                    return example
            start, chunk = start + len(candidates), chunk * 4
        a, b = int(rows.query_languages[row]), int(rows.passage_languages[row])
        raise InputError(
            f"distinct_passages: {self._describe(a, b, None)} has too few distinct passages for a batch of "
            f"{self.settings.global_batch_size:,}; lower global_batch_size or switch distinct_passages off"
        )

    # -- what a run records -------------------------------------------------------------------------------------------

    def fingerprint(self) -> dict[str, object]:
        """What must be equal for two runs to see the same batches: settings, length and the data's hash."""
        return {**asdict(self.settings), "batches_per_epoch": self._length, "data_sha256": self.pairs.sha256}

    def digest(self, step: int, epoch: int = 0) -> str:
        """Hash of a global batch (arm and rows), for comparing ranks and runs."""
        batch = self.batch(step, epoch)
        content = json.dumps([epoch, step, batch.arm, batch.query_rows.tolist(), batch.passage_rows.tolist()])
        return hashlib.sha256(content.encode()).hexdigest()


class HybridBatchSampler:
    """Batch sampler that yields the address of one rank's rows in every global batch.

    Args:
        plan: The global plan.
        rank: This process, 0 to `world_size - 1`; it takes rows `[rank * G / W, (rank + 1) * G / W)`.
        world_size: Number of ranks W; must divide the global batch size G.

    Addresses are cheap: a loader that skips to a position pays nothing for what it skips.

    Example:
        >>> list(HybridBatchSampler(plan, rank=1, world_size=2))[0]            # doctest: +SKIP
        BatchSlice(epoch=0, step=0, start=2, stop=4)
    """

    def __init__(self, plan: HybridBatchPlan, rank: int = 0, world_size: int = 1):
        size = plan.settings.global_batch_size
        if size % world_size:
            raise InputError(
                f"global_batch_size: {size} rows cannot be divided over {world_size} ranks; use a multiple of "
                f"{world_size}"
            )
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} outside a world of {world_size}")
        self.plan = plan
        self.batch_size = size // world_size
        self.rank = rank
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[BatchSlice]:
        start = self.rank * self.batch_size
        epoch = self.epoch
        for step in range(len(self.plan)):
            yield BatchSlice(epoch, step, start, start + self.batch_size)
