"""The evaluation texts, so that others can be compared with all of them: equal forms, common n-grams, near-duplicates, titles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..comparable_text import SCALES, WRITINGS, Units, comparable, weight_of, writing_of
from ..near_duplicates import NearDuplicates
from .sources import Row

# From the surest to the least sure: a text that is found in several ways is counted under the first.
CHECKS = ("exact", "ngram_13", "ngram_8_share", "near_duplicate", "title")
# A hash that occurs in more evaluation texts than this belongs to a template; it is looked up in the first ones only.
_POSTINGS = 64
_FILTER_BITS = 24


@dataclass(frozen=True)
class Thresholds:
    """When two texts are said to overlap.

    Attributes:
        min_letters: Equal texts of fewer letters are chance; letters of an alphabet, a Chinese character counts 2.6.
        short_share: Least share of 8-grams, of those of the text that has fewer (0.7: Chowdhery et al., 2022, section 8).
        similarity: Least Jaccard similarity of near-duplicates.
    """

    min_letters: float = 15
    short_share: float = 0.7
    similarity: float = 0.7


@dataclass(frozen=True)
class Owner:
    """Where an evaluation text comes from."""

    name: str
    key: str
    lang: str
    field: str


@dataclass(frozen=True)
class Finding:
    """Text ``text`` of a batch overlaps the evaluation's text ``target``."""

    text: int
    check: str
    target: int
    score: float


@dataclass
class AgainstTexts:
    """Distinct evaluation texts by their comparable form, with all their owners."""

    forms: dict[str, int] = field(default_factory=dict)
    owners: list[list[Owner]] = field(default_factory=list)
    titles: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, row: Row) -> None:
        """Add the texts of one row."""
        for column, text in row.texts.items():
            form = comparable(text)
            if not form:
                continue
            if form not in self.forms:
                self.forms[form] = len(self.owners)
                self.owners.append([])
            self.owners[self.forms[form]].append(Owner(name, row.key, row.lang, column))
            if column == "title":
                self.titles[form] = self.forms[form]

    def owner(self, target: int, lang: str = "") -> Owner:
        """The owner to name: one in the language if there is one, a question or passage rather than a title."""
        return min(self.owners[target], key=lambda own: (own.lang != lang, own.field == "title"))


class _Postings:
    """Hash -> texts, of one way of writing and one length, as sorted arrays."""

    def __init__(self, hashes: np.ndarray, texts: np.ndarray):
        order = np.lexsort((texts, hashes))
        hashes, texts = hashes[order], texts[order]
        new = np.ones(len(hashes), dtype=bool)
        new[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
        hashes, texts = hashes[new], texts[new]
        first = np.searchsorted(hashes, hashes, side="left")
        few = np.arange(len(hashes)) - first < _POSTINGS
        self.hashes, self.texts = hashes[few], texts[few].astype(np.int32)
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=bool)
        self._filter[self.hashes >> np.uint64(64 - _FILTER_BITS)] = True

    def common(self, hashes: np.ndarray, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs (text, own text) with the number of distinct hashes they share."""
        maybe = self._filter[hashes >> np.uint64(64 - _FILTER_BITS)]
        hashes, texts = hashes[maybe], texts[maybe]
        first = np.searchsorted(self.hashes, hashes, side="left")
        count = np.searchsorted(self.hashes, hashes, side="right") - first
        begins = np.cumsum(count) - count
        places = np.repeat(first - begins, count) + np.arange(count.sum())
        triples = np.stack([np.repeat(texts, count), self.texts[places], places], axis=1)
        # The same posting is met again where a text repeats itself.
        triples = np.unique(triples, axis=0)
        pairs, counts = np.unique(triples[:, :2], axis=0, return_counts=True)
        return pairs[:, 0], pairs[:, 1], counts


class AgainstIndex:
    """Compares batches of texts with a block of evaluation texts.

    Args:
        forms: Comparable form -> its number.
        titles: Comparable form of article titles -> their number.
        thresholds: When two texts overlap.
        checks: Which comparisons are made, of `CHECKS`.
    """

    def __init__(
        self, forms: dict[str, int], titles: dict[str, int], thresholds: Thresholds, checks: Sequence[str] = CHECKS
    ):
        self.thresholds, self.checks = thresholds, tuple(checks)
        self._titles = titles
        # Titles are compared with titles only: as texts they are too short to tell anything.
        texts = {form: number for form, number in forms.items() if form not in titles}
        self._exact = {form: n for form, n in texts.items() if weight_of(form) >= thresholds.min_letters}
        self._by_writing: dict[str, tuple[_Postings, _Postings, dict[int, int]]] = {}
        for writing in WRITINGS:
            own = [(form, number) for form, number in texts.items() if writing_of(form) == writing]
            if own and {"ngram_13", "ngram_8_share"} & set(checks):
                self._by_writing[writing] = _gram_index(own, writing)
        self._near = NearDuplicates(thresholds.similarity) if "near_duplicate" in checks else None
        if self._near is not None:
            self._near.add(list(self._exact.values()), list(self._exact))

    def search(self, forms: Sequence[str]) -> list[Finding]:
        """Everything that comparable forms have in common with the evaluation's, by form and check, best first."""
        findings = []
        if "exact" in self.checks:
            findings += [
                Finding(i, "exact", self._exact[form], 1.0) for i, form in enumerate(forms) if form in self._exact
            ]
        writings = [writing_of(form) for form in forms]
        for writing in self._by_writing:
            rows = [i for i, own in enumerate(writings) if own == writing]
            if rows:
                findings += self._search_grams([forms[i] for i in rows], rows, writing)
        if self._near is not None:
            long = [i for i, form in enumerate(forms) if weight_of(form) >= self.thresholds.min_letters]
            matches = self._near.matches([forms[i] for i in long])
            findings += [Finding(long[m.text], "near_duplicate", m.key, m.similarity) for m in matches]
        return sorted(findings, key=lambda f: (f.text, CHECKS.index(f.check), -f.score, f.target))

    def search_titles(self, forms: Sequence[str]) -> list[Finding]:
        """Titles that are titles of the evaluation's articles."""
        if "title" not in self.checks:
            return []
        return [Finding(i, "title", self._titles[form], 1.0) for i, form in enumerate(forms) if form in self._titles]

    def _search_grams(self, forms: list[str], rows: list[int], writing: str) -> list[Finding]:
        long, short, short_counts = self._by_writing[writing]
        scale, units = SCALES[writing], Units(forms, writing)
        findings = []
        if "ngram_13" in self.checks:
            grams = units.grams(scale.long)
            for text, target, count in zip(*long.common(grams.hashes, grams.texts), strict=True):
                findings.append(Finding(rows[text], "ngram_13", int(target), float(count)))
        if "ngram_8_share" in self.checks:
            grams = units.grams(scale.short)
            for text, target, count in zip(*short.common(grams.hashes, grams.texts), strict=True):
                fewer = min(int(units.counts[text]) - scale.short + 1, short_counts[int(target)])
                if count >= self.thresholds.short_share * fewer:
                    findings.append(Finding(rows[text], "ngram_8_share", int(target), min(1.0, count / fewer)))
        return findings


def _gram_index(own: list[tuple[str, int]], writing: str) -> tuple[_Postings, _Postings, dict[int, int]]:
    numbers = np.array([number for _, number in own])
    units = Units([form for form, _ in own], writing)
    postings = []
    for n in (SCALES[writing].long, SCALES[writing].short):
        grams = units.grams(n)
        postings.append(_Postings(grams.hashes, numbers[grams.texts]))
    counts = dict(zip(numbers.tolist(), (units.counts - SCALES[writing].short + 1).tolist(), strict=True))
    return postings[0], postings[1], counts
