"""Parallel queries: for every row of a batch the same question in another language, to compare rankings."""

from __future__ import annotations

import numpy as np

from hf_hybrid.plan.keyed_order import derive_key
from hf_hybrid.plan.types import BatchSlice, GlobalBatch, ParallelIndex

# Of the key that languages are drawn by; the plan's own keys have smaller numbers.
PURPOSE = 11


def parallel_query_rows(pairs: ParallelIndex, whole: GlobalBatch, address: BatchSlice, seed: int) -> np.ndarray:
    """Row of a query in another language for each row of a global batch, int64 `[G]`; its own row where there is none.

    Args:
        pairs: The renditions.
        whole: The global batch.
        address: Of it; the same batch draws the same languages on any number of ranks.
        seed: Of the run's batches.
    """
    rows = np.asarray(pairs.query_row[whole.examples], dtype=np.int64)
    rows[np.arange(len(rows)), whole.query_languages] = -1
    counts = (rows >= 0).sum(axis=1)
    generator = np.random.Generator(np.random.Philox(key=derive_key(seed, PURPOSE, address.epoch, address.step)))
    wanted = (generator.random(len(rows)) * counts).astype(np.int64)
    # The place of the wanted one among those that are there.
    order = np.argsort(rows < 0, axis=1, kind="stable")
    chosen = rows[np.arange(len(rows)), order[np.arange(len(rows)), wanted]]
    return np.where(counts > 0, chosen, whole.query_rows)
