"""The evaluation texts, so that others can be compared with all of them: equal forms, common n-grams, near-duplicates,
titles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hf_hybrid.overlap.comparable_text import SCALES, WRITINGS, Grams, Units, comparable, weight_of, writing_of
from hf_hybrid.overlap.near_duplicates import NearDuplicates
from hf_hybrid.overlap.sources import Row

# From the surest to the least sure: a text that is found in several ways is counted under the first.
CHECKS = ("exact", "ngram_13", "whole_inside", "ngram_8_share", "near_duplicate", "title")
# A hash that occurs in more evaluation texts than this belongs to a template; it is looked up in the first ones only.
_POSTINGS = 64
# One byte each: most n-grams that no evaluation text has are dismissed by one look, without a search.
_FILTER_BITS = 22


@dataclass(frozen=True)
class Thresholds:
    """When two texts are said to overlap.

    Attributes:
        min_letters: Equal texts of fewer letters are chance; letters of an alphabet, a Chinese character counts 2.6.
        short_share: Least share of 8-grams, of those of the text that has fewer (0.7: Chowdhery et al., 2022, section
            8).
        similarity: Least Jaccard similarity of near-duplicates.
    """

    min_letters: float = 15
    short_share: float = 0.7
    similarity: float = 0.6


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

    def __init__(self, grams: Grams, numbers: np.ndarray):
        hashes, texts = grams.hashes, numbers[grams.texts]
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

    def common(self, grams: Grams) -> Iterator[tuple[int, int, int]]:
        """Text of the grams, own text, and how many distinct n-grams they share."""
        maybe = self._filter[grams.hashes >> np.uint64(64 - _FILTER_BITS)]
        hashes, texts = grams.hashes[maybe], grams.texts[maybe]
        first = np.searchsorted(self.hashes, hashes, side="left")
        count = np.searchsorted(self.hashes, hashes, side="right") - first
        begins = np.cumsum(count) - count
        places = np.repeat(first - begins, count) + np.arange(count.sum())
        triples = np.stack([np.repeat(texts, count), self.texts[places], places], axis=1)
        # The same posting is met again where a text repeats itself.
        triples = np.unique(triples, axis=0)
        pairs, counts = np.unique(triples[:, :2], axis=0, return_counts=True)
        return zip(pairs[:, 0].tolist(), pairs[:, 1].tolist(), counts.tolist(), strict=True)


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
        self._by_writing: dict[str, _GramIndex] = {}
        for writing in WRITINGS:
            own = [(form, number) for form, number in texts.items() if writing_of(form) == writing]
            if own and {"ngram_13", "ngram_8_share", "whole_inside"} & set(checks):
                self._by_writing[writing] = _GramIndex(own, writing, thresholds.min_letters)
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
        index, units, findings = self._by_writing[writing], Units(forms, writing), []
        if "ngram_13" in self.checks:
            for text, target, count in index.long.common(units.grams(SCALES[writing].long)):
                findings.append(Finding(rows[text], "ngram_13", target, float(count)))
        if "whole_inside" in self.checks:
            for length, postings in index.whole.items():
                for text, target, _ in postings.common(units.grams(length)):
                    findings.append(Finding(rows[text], "whole_inside", target, 1.0))
        if "ngram_8_share" in self.checks:
            for text, target, count in index.short.common(units.grams(SCALES[writing].short)):
                fewer = min(int(units.counts[text]) - SCALES[writing].short + 1, index.short_counts[target])
                if count >= self.thresholds.short_share * fewer:
                    findings.append(Finding(rows[text], "ngram_8_share", target, min(1.0, count / fewer)))
        return findings


class _GramIndex:
    """n-grams of the evaluation texts of one way of writing.

    Attributes:
        long, short: Texts by 13-gram and by 8-gram.
        whole: For every number of units below 8 the texts that have so many, by their only n-gram of that length.
        short_counts: How many 8-grams each text has.
    """

    def __init__(self, own: list[tuple[str, int]], writing: str, min_letters: float):
        scale, numbers = SCALES[writing], np.array([number for _, number in own])
        units = Units([form for form, _ in own], writing)
        self.long = _Postings(units.grams(scale.long), numbers)
        self.short = _Postings(units.grams(scale.short), numbers)
        self.short_counts = dict(zip(numbers.tolist(), (units.counts - scale.short + 1).tolist(), strict=True))
        self.whole: dict[int, _Postings] = {}
        telling = np.array([weight_of(form) >= min_letters for form, _ in own])
        for length in range(scale.least, scale.short):
            rows = np.flatnonzero((units.counts == length) & telling)
            if len(rows):
                self.whole[length] = _Postings(
                    Units([own[row][0] for row in rows], writing).grams(length), numbers[rows]
                )
