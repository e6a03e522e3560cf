"""Pools of examples from which batches take their rows, built without writing out any language pair.

Examples fall into *groups*: same source, same languages with a query, same languages with a passage. A cell `(a, b)`
(query in `a`, passage in `b`) is a union of groups, so 121 cells of 11 languages cost a few integers each.

- `SinglePool` serves a batch of one cell: the next rows of the cell's order.
- `MixedPool` serves a batch of many cells. Drawing a cell and then an example of that cell would let one example come
  up twice in a batch. Instead each batch takes a fixed quota from every *group* (groups are disjoint) and then draws
  each row's cell among those the group supports. With quota `u_g = n_g * sum_ab w_ab [ab in g]` and `P(ab | g) ~
  w_ab`, where `w_ab = share_ab / n_ab`, every cell keeps exactly its declared share and, within a cell, every example
  the same chance. How many rows earlier batches took from a group is a closed formula (module `apportionment`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.plan.apportionment import Apportionment
from hf_hybrid.plan.keyed_order import KeyedOrder, derive_key, unit_interval


@dataclass(frozen=True)
class Groups:
    """Examples sorted into groups of equal source and equal languages.

    Attributes:
        examples: Example codes, group after group.
        start: First position of each group in `examples`, with the total at the end, `[num_groups + 1]`.
        has_query, has_passage: bool `[num_groups, num_languages]`.
        source: Source code of each group.
    """

    examples: np.ndarray
    start: np.ndarray
    has_query: np.ndarray
    has_passage: np.ndarray
    source: np.ndarray

    @classmethod
    def of(cls, query_row: np.ndarray, passage_row: np.ndarray, source: np.ndarray) -> Groups:
        """Group examples by the presence of their queries and passages, `[num_examples, num_languages]` each."""
        has_query, has_passage = query_row >= 0, passage_row >= 0
        bits = np.concatenate([np.packbits(has_query, axis=1), np.packbits(has_passage, axis=1)], axis=1)
        columns = [source.astype(np.int64), *(bits[:, i].astype(np.int64) for i in range(bits.shape[1]))]
        order = np.lexsort(columns[::-1]) if len(bits) else np.empty(0, np.int64)
        changed = np.zeros(len(order), dtype=bool)
        for column in columns:
            changed[1:] |= column[order][1:] != column[order][:-1]
        start = np.concatenate([[0], np.flatnonzero(changed), [len(order)]]).astype(np.int64)
        first = order[start[:-1]]
        return cls(order.astype(np.int32), start, has_query[first], has_passage[first], source[first])

    @property
    def size(self) -> np.ndarray:
        return np.diff(self.start)

    def cell_sizes(self, source: int | None = None) -> np.ndarray:
        """Number of examples per cell, `[num_languages, num_languages]`, of one source or of all."""
        weight = self.size if source is None else self.size * (self.source == source)
        return (self.has_query * weight[:, None]).T.astype(np.int64) @ self.has_passage.astype(np.int64)

    def supporting(self, query_language: int, passage_language: int, source: int | None = None) -> np.ndarray:
        """Groups that have the cell."""
        of_source = True if source is None else self.source == source
        return np.flatnonzero(self.has_query[:, query_language] & self.has_passage[:, passage_language] & of_source)


@dataclass(frozen=True)
class Rows:
    """Rows of a batch: example codes with their query's and passage's language codes."""

    examples: np.ndarray
    query_languages: np.ndarray
    passage_languages: np.ndarray


class SinglePool:
    """Batches of one cell.

    Args:
        groups: All groups.
        cell: Query language and passage language.
        batch_size: Rows per batch.
        key: Key of the pool's order.
        source: Restrict to one source.
        describe: How errors call the cell.
    """

    def __init__(
        self, groups: Groups, cell: tuple[int, int], batch_size: int, key: int, source: int | None, describe: str
    ):
        self.cell, self.batch_size = cell, batch_size
        members = groups.supporting(*cell, source)
        self._examples, self._start = groups.examples, groups.start[:-1][members]
        self._ends = np.cumsum(groups.size[members])
        self.size = int(self._ends[-1]) if len(members) else 0
        if self.size < batch_size:
            raise InputError(
                f"{describe} has {self.size:,} examples, fewer than the global batch of {batch_size:,}; "
                "lower global_batch_size, leave the language out with `languages`, or add data"
            )
        self._order = KeyedOrder(self.size, batch_size, key)

    def take(self, index: int) -> Rows:
        """Rows of the pool's batch number `index`."""
        return self._rows(self._order.take(index * self.batch_size, self.batch_size))

    def substitutes(self, key: int, start: int, count: int, like: Rows, row: int) -> Rows:
        """Further rows of the same cell, in an order that `key` selects; fewer than `count` at the end of the pool."""
        order = KeyedOrder(self.size, 1, key)
        return self._rows(order.take(start, max(0, min(count, self.size - start))))

    def _rows(self, positions: np.ndarray) -> Rows:
        member = np.searchsorted(self._ends, positions, side="right")
        before = np.concatenate([[0], self._ends[:-1]])[member]
        examples = self._examples[self._start[member] + positions - before]
        a, b = (np.full(len(examples), code, dtype=np.int16) for code in self.cell)
        return Rows(examples, a, b)


class MixedPool:
    """Batches whose rows come from many cells in declared shares.

    Args:
        groups: All groups.
        shares: `[num_languages, num_languages]`, the share of every cell, summing to 1; zero where not wanted.
        batch_size: Rows per batch.
        key: Key of the pool's orders and draws.
        source: Restrict to one source.
        languages: Tags, for errors.
    """

    def __init__(
        self,
        groups: Groups,
        shares: np.ndarray,
        batch_size: int,
        key: int,
        source: int | None,
        languages: tuple[str, ...],
    ):
        self.shares, self.batch_size, self._key = shares, batch_size, key
        sizes = groups.cell_sizes(source)
        weight = np.divide(shares, sizes, out=np.zeros_like(shares), where=sizes > 0)
        mass = ((groups.has_query @ weight) * groups.has_passage).sum(axis=1)
        if source is not None:
            mass = mass * (groups.source == source)
        self._members = np.flatnonzero(mass > 0)
        self._groups, self._weight = groups, weight
        quota = (groups.size * mass)[self._members]
        self._quotas = Apportionment(quota, batch_size, key)
        window = self._quotas.most
        group_size = groups.size[self._members]
        if (short := np.flatnonzero(window > group_size)).size:
            self._raise_scarce(int(self._members[short[0]]), sizes, languages)
        self._orders = [
            KeyedOrder(int(n), max(int(w), 1), derive_key(key, int(g)))
            for n, w, g in zip(group_size, window, self._members, strict=True)
        ]
        self._cells: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def _raise_scarce(self, group: int, sizes: np.ndarray, languages: tuple[str, ...]) -> None:
        cells = self._weight * np.outer(self._groups.has_query[group], self._groups.has_passage[group])
        a, b = np.unravel_index(int(np.argmax(cells)), cells.shape)
        need = float(self.shares[a, b]) * self.batch_size
        raise InputError(
            f"language pair {languages[a]}-{languages[b]} has {int(sizes[a, b]):,} examples in common, too few for "
            f"its share of {need:.1f} rows in every batch of {self.batch_size:,}; lower global_batch_size, sample by "
            "'size' or 'temperature', or leave a language out with `languages`"
        )

    def take(self, index: int) -> Rows:
        """Rows of the pool's batch number `index`: quotas per group, one drawn cell per row, in shuffled order."""
        starts = self._quotas.before(index)
        counts = self._quotas.before(index + 1) - starts
        used = np.flatnonzero(counts)
        parts = [self._examples(i, int(starts[i]), int(counts[i])) for i in used]
        members = np.repeat(used, counts[used])
        draws = np.random.Philox(key=[self._key, 1], counter=[0, index, 0, 0]).random_raw(2 * self.batch_size)
        rows = self._with_cells(np.concatenate(parts), members, draws[: self.batch_size])
        # Ranks take contiguous slices: shuffle, so that no rank gets all rows of a group.
        shuffle = np.argsort(draws[self.batch_size :], kind="stable")
        return Rows(rows.examples[shuffle], rows.query_languages[shuffle], rows.passage_languages[shuffle])

    def substitutes(self, key: int, start: int, count: int, like: Rows, row: int) -> Rows:
        """Further examples of the group of `like`'s row, with the row's cell, in an order that `key` selects."""
        a, b = int(like.query_languages[row]), int(like.passage_languages[row])
        member = int(self._member_of_example[like.examples[row]])
        size = int(self._groups.size[self._members[member]])
        positions = KeyedOrder(size, 1, key).take(start, max(0, min(count, size - start)))
        examples = self._groups.examples[self._groups.start[self._members[member]] + positions]
        return Rows(examples, np.full(len(examples), a, np.int16), np.full(len(examples), b, np.int16))

    def _examples(self, member: int, start: int, count: int) -> np.ndarray:
        first = self._groups.start[self._members[member]]
        return self._groups.examples[first + self._orders[member].take(start, count)]

    @cached_property
    def _member_of_example(self) -> np.ndarray:
        """Number of each example's group among the members, -1 for none; only `distinct_passages` asks."""
        members = np.full(int(self._groups.examples.max()) + 1, -1, dtype=np.int32)
        for i, g in enumerate(self._members):
            members[self._groups.examples[self._groups.start[g] : self._groups.start[g + 1]]] = i
        return members

    def _with_cells(self, examples: np.ndarray, members: np.ndarray, draws: np.ndarray) -> Rows:
        uniform = unit_interval(draws)
        cells = np.empty(len(examples), dtype=np.int64)
        for member in np.unique(members):
            rows = members == member
            codes, cumulative = self._cells_of(int(member))
            cells[rows] = codes[np.searchsorted(cumulative, uniform[rows], side="right")]
        a, b = np.divmod(cells, self.shares.shape[1])
        return Rows(examples, a.astype(np.int16), b.astype(np.int16))

    def _cells_of(self, member: int) -> tuple[np.ndarray, np.ndarray]:
        """Flat cell codes that a group supports, and the cumulative chance of each."""
        if member not in self._cells:
            group = self._members[member]
            weight = self._weight * np.outer(self._groups.has_query[group], self._groups.has_passage[group])
            codes = np.flatnonzero(weight)
            cumulative = np.cumsum(weight.ravel()[codes])
            self._cells[member] = codes, cumulative[:-1] / cumulative[-1]
        return self._cells[member]
