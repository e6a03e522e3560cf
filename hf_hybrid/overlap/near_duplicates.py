"""Near-duplicates: texts that share most of their character n-grams, found by MinHash LSH and then measured exactly.

MinHash (Broder, 1997) with banding finds candidates, with `datasketch`; the Jaccard similarity of the two sets of
shingles then decides, so that there are no false matches, only missed ones: from a threshold of 0.6 on at most about
one in a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.overlap.comparable_text import SCALES, WRITINGS, Units, writing_of

PERMUTATIONS = 128
# From a threshold on: bands of rows. A pair of similarity s is a candidate with probability 1 - (1 - s^rows)^bands: 32
# bands of 4 rows give .9998 at .7, .988 at .6, .87 at .5; 20 of 6, in two thirds of the memory, .998 at .8, .92 at .7.
BANDS_AND_ROWS = {0.0: (32, 4), 0.8: (20, 6)}
SEED = 1


@dataclass(frozen=True)
class Match:
    """Text ``text`` of a batch is a near-duplicate of the text that was added under ``key``."""

    text: int
    key: int
    similarity: float


class NearDuplicates:
    """Texts that can be asked for near-duplicates of others.

    Args:
        threshold: Least Jaccard similarity of the sets of shingles (`comparable_text.SCALES` has their lengths).

    Raises:
        InputError: `datasketch` is not installed.

    Example:
        >>> index = NearDuplicates(0.7)
        >>> index.add([7], ["the tower of the old town is the tallest in the land"])
        >>> matches = index.matches(["the tower of the old town is the highest in the land", "another text"])
        >>> [(match.text, match.key, round(match.similarity, 2)) for match in matches]
        [(0, 7, 0.72)]
    """

    def __init__(self, threshold: float):
        try:
            from datasketch import MinHash, MinHashLSH
        except ImportError:
            raise InputError(
                'near-duplicates need datasketch; install it with `pip install "hf_hybrid[data]"`'
            ) from None
        self.threshold = threshold
        self._minhash = MinHash
        self._model = MinHash(num_perm=PERMUTATIONS, seed=SEED, hashfunc=_as_it_is)
        self._lsh = MinHashLSH(
            num_perm=PERMUTATIONS, params=BANDS_AND_ROWS[max(least for least in BANDS_AND_ROWS if least <= threshold)]
        )
        self._shingles: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._shingles)

    def add(self, keys: Sequence[int], forms: Sequence[str]) -> None:
        """Add comparable forms under keys; forms shorter than a shingle are ignored."""
        for text, shingles in shingle_sets(forms):
            self._insert(keys[text], shingles, self._signature(shingles))

    def matches(self, forms: Sequence[str]) -> list[Match]:
        """All near-duplicates of comparable forms, by text, the most similar first."""
        return [match for text, shingles in shingle_sets(forms) for match in self._of(text, shingles)]

    def first_of(self, keys: Sequence[int], forms: Sequence[str]) -> dict[int, int]:
        """Add forms one after the other, but none that is a near-duplicate of an earlier one.

        Returns:
            Key of each form that was left out -> key of the most similar earlier one.
        """
        left_out = {}
        for text, shingles in shingle_sets(forms):
            signature = self._signature(shingles)
            found = self._of(text, shingles, signature)
            if found:
                left_out[keys[text]] = found[0].key
            else:
                self._insert(keys[text], shingles, signature)
        return left_out

    def _insert(self, key: int, shingles: np.ndarray, signature: Any) -> None:
        if key in self._shingles:
            raise ValueError(f"key {key} was added before")
        self._shingles[key] = shingles
        self._lsh.insert(key, signature, check_duplication=False)

    def _of(self, text: int, shingles: np.ndarray, signature: Any = None) -> list[Match]:
        if not self._shingles:
            return []
        found = []
        for key in self._lsh.query(self._signature(shingles) if signature is None else signature):
            other = self._shingles[key]
            if min(len(shingles), len(other)) < self.threshold * max(len(shingles), len(other)):
                continue
            common = len(np.intersect1d(shingles, other, assume_unique=True))
            similarity = common / (len(shingles) + len(other) - common)
            if similarity >= self.threshold:
                found.append(Match(text, key, similarity))
        return sorted(found, key=lambda match: (-match.similarity, match.key))

    def _signature(self, shingles: np.ndarray) -> Any:
        signature = self._minhash(
            hashfunc=_as_it_is, permutations=self._model.permutations, scheme=self._model.scheme, num_perm=PERMUTATIONS
        )
        signature.update_batch(shingles)
        return signature


def _as_it_is(value: int) -> int:
    return value


def shingle_sets(forms: Sequence[str]) -> Iterator[tuple[int, np.ndarray]]:
    """The set of shingles of every form that has one, in order: index of the form, sorted uint32 hashes."""
    sets: dict[int, np.ndarray] = {}
    writings = [writing_of(form) for form in forms]
    for writing in WRITINGS:
        rows = [row for row, own in enumerate(writings) if own == writing]
        if not rows:
            continue
        grams = Units([forms[row] for row in rows], writing).shingles(SCALES[writing].shingle)
        hashes = (grams.hashes >> np.uint64(32)).astype(np.uint32)
        bounds = np.searchsorted(grams.texts, np.arange(len(rows) + 1))
        for place, row in enumerate(rows):
            if bounds[place] < bounds[place + 1]:
                sets[row] = np.unique(hashes[bounds[place] : bounds[place + 1]])
    for row in sorted(sets):
        yield row, sets[row]
