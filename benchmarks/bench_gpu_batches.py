"""Batches of the GPU benchmark: random token ids of given lengths.

`marco`: like MS MARCO's passages, log-normal, about 16 and 160 tokens. `qa`: like the questions and passages of
`hybrid_mix` `qa` in eleven languages, drawn by the quantiles that `qa_lengths.py` found (16 and 39 tokens on average).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hf_hybrid.data.tokenised import Ragged

LENGTHS = ("qa", "marco")
# Ids below are special.
FIRST_ID = 10
FEWEST = 4
# Tokens of a query and a passage: log-normal, (median, deviation of the logarithm, most).
MARCO = ((16, 0.3, 32), (150, 0.35, 256))
QUANTILES = json.loads(Path(__file__).with_name("qa_lengths.json").read_text())["quantiles"]


@dataclass(frozen=True)
class Batch:
    """Token ids of queries and passages."""

    query: Ragged
    passage: Ragged

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int(self.query.lengths.sum() + self.passage.lengths.sum())

    def texts(self) -> Ragged:
        """All texts, queries first."""
        sides = (self.query, self.passage)
        return Ragged(
            np.concatenate([side.values for side in sides]), np.concatenate([side.lengths for side in sides])
        )


def make_batch(rows: int, lengths: str, vocabulary: int, limit: int, seed: int) -> Batch:
    """Random ids; the same arguments give the same batch.

    Args:
        rows: Pairs.
        lengths: Of `LENGTHS`.
        vocabulary: Ids are below.
        limit: Most tokens of a text.
        seed: Of the ids and lengths.
    """
    random = np.random.default_rng(seed)
    sides = []
    for number, side in enumerate(("query", "passage")):
        if lengths == "marco":
            median, deviation, most = MARCO[number]
            found = np.minimum(random.lognormal(np.log(median), deviation, rows), most)
        else:
            found = random.choice(QUANTILES[side], rows)
        sides.append(np.clip(found.round(), FEWEST, limit).astype(np.int64))
    return Batch(*(Ragged(random.integers(FIRST_ID, vocabulary, int(s.sum()), dtype=np.int32), s) for s in sides))
