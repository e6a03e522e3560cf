"""The form in which texts are compared, and the hashes of its n-grams.

Two texts that differ only in case, accents, punctuation, white space, digits' script or width have one comparable
form. Its n-grams are counted in words where words are written apart, and in characters elsewhere: `SCALES` says how
many characters stand for how many words. Hashes are computed for a whole batch at once, in NumPy, and are the same on
every machine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# Combining classes of what may be left out when one writes (accents, Arabic vowels), not of vowel signs, viramas and
# voicing marks.
_OPTIONAL_MARKS = frozenset([*range(10, 37), *range(200, 241)])
_APOSTROPHES = frozenset("'\u2019\u2018\u02bc\u02bb`\u00b4")
_FOLDED = {"ı": "i", "ـ": None}
# Odd, so that both have an inverse modulo 2^64: a window's hash is then the difference of two prefix sums.
_UNIT_BASE = 0x9E3779B97F4A7C15
_GRAM_BASE = 0xD1342543DE82EF95


@dataclass(frozen=True)
class Scale:
    """How long an n-gram is in a way of writing.

    Attributes:
        long: Units of a long n-gram: 13 words (Brown et al., 2020), or the characters that 13 English words take.
        short: Units of a short n-gram: 8 words (Chowdhery et al., 2022), or the characters that 8 English words take.
        least: Units that a text must have to be looked for inside others: 5 words, or the characters of 5 English
            words.
        shingle: Characters of a shingle, of which near-duplicates share most.
        worth: Letters of an alphabet that one letter says as much as.
    """

    long: int
    short: int
    least: int
    shingle: int
    worth: float


# Characters for an English word in NTREX-128, parallel news: Chinese 1.76, Japanese 2.40, Thai 5.25 (English itself
# 4.65).
SCALES = {
    "words": Scale(long=13, short=8, least=5, shingle=5, worth=1.0),
    "han": Scale(long=23, short=14, least=9, shingle=2, worth=2.6),
    "kana": Scale(long=31, short=19, least=12, shingle=3, worth=1.9),
    "unspaced": Scale(long=68, short=42, least=26, shingle=5, worth=1.0),
}
WRITINGS = tuple(SCALES)


class _CharacterMap(dict[int, str | None]):
    """What becomes of each character; filled as characters are met."""

    def __missing__(self, code: int) -> str | None:
        self[code] = value = _mapped(chr(code))
        return value


def _mapped(character: str) -> str | None:
    category = unicodedata.category(character)
    if character in _APOSTROPHES or category == "Cf":
        return None
    if character in _FOLDED:
        return _FOLDED[character]
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category[0] == "M":
        return None if unicodedata.combining(character) in _OPTIONAL_MARKS else character
    return character if category[0] in "LN" else " "


_CHARACTERS = _CharacterMap()


def comparable(text: str) -> str:
    """The comparable form: NFKC, case-folded, without accents, punctuation and marks of format, words parted by one
    space.

    Example:
        >>> comparable("The “Städte”  of ΑΘΉΝΑ, 12th…"), comparable("the stadte of αθηνα １２th")
        ('the stadte of αθηνα 12th', 'the stadte of αθηνα 12th')
    """
    bare = unicodedata.normalize("NFKD", text).casefold().translate(_CHARACTERS)
    return unicodedata.normalize("NFKC", " ".join(bare.split()))


@lru_cache(maxsize=1 << 16)
def writing_of(form: str) -> str:
    """The way of writing that most letters of a comparable form have: a key of `SCALES`.

    Example:
        >>> [writing_of(text) for text in ("two words", "中文文字 text", "日本の首都", "ประเทศไทย")]
        ['words', 'han', 'kana', 'unspaced']
    """
    if form.isascii():
        return "words"
    codes = np.frombuffer(form.encode("utf-32-le"), dtype=np.uint32)
    kana = np.count_nonzero(((codes >= 0x3040) & (codes <= 0x30FF)) | ((codes >= 0x31F0) & (codes <= 0x31FF)))
    han = np.count_nonzero(((codes >= 0x3400) & (codes <= 0x9FFF)) | (codes >= 0x20000))
    unspaced = np.count_nonzero(
        ((codes >= 0x0E00) & (codes <= 0x0EFF))  # Thai, Lao
        | ((codes >= 0x1000) & (codes <= 0x109F))  # Burmese
        | ((codes >= 0x1780) & (codes <= 0x17FF))  # Khmer
    )
    letters = np.count_nonzero(codes != 0x20)
    # One such character takes as much room as several of an alphabet: a third is enough.
    if 3 * (kana + han) > letters:
        return "kana" if 10 * kana >= kana + han else "han"
    return "unspaced" if 3 * unspaced > letters else "words"


def weight_of(form: str) -> float:
    """How much a comparable form says, in letters of an alphabet; texts of few letters are equal by chance.

    Example:
        >>> weight_of("in 1963"), weight_of("中国的首都"), weight_of("한국의 수도")
        (6.0, 13.0, 10.0)
    """
    letters = len(form) - form.count(" ")
    if not form.isascii():
        # Korean parts its words, but writes syllables: 2.30 for an English word.
        codes = np.frombuffer(form.encode("utf-32-le"), dtype=np.uint32)
        letters += int(np.count_nonzero((codes >= 0xAC00) & (codes <= 0xD7A3)))
    return letters * SCALES[writing_of(form)].worth


@dataclass(frozen=True)
class Grams:
    """Hashes of all n-grams of a batch of texts.

    Attributes:
        hashes: uint64 ``[N]``, text after text.
        texts: int64 ``[N]``, the text of each.
    """

    hashes: np.ndarray
    texts: np.ndarray


class Units:
    """The units of a batch of comparable forms of one way of writing, hashed: words, or characters where words are not
    written apart.

    Args:
        forms: The comparable forms.
        writing: Their way of writing.

    Attributes:
        counts: int64 ``[len(forms)]``, units of each form.

    Example:
        >>> units = Units(["a b c d", "b c"], "words")
        >>> grams = units.grams(2)
        >>> units.counts.tolist(), grams.texts.tolist(), bool(grams.hashes[1] == grams.hashes[3])
        ([4, 2], [0, 0, 0, 1], True)
    """

    def __init__(self, forms: Sequence[str], writing: str):
        # Every form is followed by a line break, which ends its last word, so that boundaries are found without a
        # loop.
        self._codes = np.frombuffer("".join(f"{form}\n" for form in forms).encode("utf-32-le"), dtype=np.uint32)
        ends = np.flatnonzero(self._codes == 0x0A)
        self._text_of_character = np.repeat(np.arange(len(forms)), np.diff(ends, prepend=-1))
        apart = (self._codes == 0x20) | (self._codes == 0x0A)
        if writing == "words":
            self._hashes, firsts = _word_hashes(self._codes, apart)
        else:
            firsts = np.flatnonzero(~apart)
            self._hashes = _mixed(self._codes[firsts].astype(np.uint64))
        self._text_of_unit = self._text_of_character[firsts]
        self.counts = np.bincount(self._text_of_unit, minlength=len(forms))
        self._windows: _Windows | None = None

    def grams(self, n: int) -> Grams:
        """Hashes of the n-grams of units, in the order of the texts; a text of fewer units has none."""
        if self._windows is None:
            self._windows = _Windows(self._hashes, self._text_of_unit)
        return self._windows.grams(n)

    def shingles(self, n: int) -> Grams:
        """Hashes of the n-grams of characters, spaces included; a text of fewer characters has none."""
        inside = self._codes != 0x0A
        return _Windows(_mixed(self._codes[inside].astype(np.uint64)), self._text_of_character[inside]).grams(n)


def _word_hashes(codes: np.ndarray, apart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hash of every word and where it begins: a polynomial of its characters."""
    inside = ~apart
    begins = inside & np.concatenate([[True], apart[:-1]])
    firsts = np.flatnonzero(begins)
    if not len(firsts):
        return np.zeros(0, dtype=np.uint64), firsts
    characters = np.flatnonzero(inside)
    word = np.cumsum(begins[characters]) - 1
    place = characters - firsts[word]
    values = _mixed(codes[characters].astype(np.uint64)) * _powers(_UNIT_BASE, int(place.max()) + 1)[place]
    return _mixed(np.add.reduceat(values, np.flatnonzero(place == 0))), firsts


class _Windows:
    """All windows of a sequence of units that lie within a text; the sums behind their hashes are made once for all
    lengths.
    """

    def __init__(self, hashes: np.ndarray, texts: np.ndarray):
        self._texts = texts
        up = _powers(_GRAM_BASE, len(hashes))
        self._sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes * up, dtype=np.uint64)])
        self._down = _powers(pow(_GRAM_BASE, -1, 2**64), len(hashes))

    def grams(self, n: int) -> Grams:
        texts = self._texts
        if len(texts) < n:
            return Grams(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
        first = np.flatnonzero(texts[: len(texts) - n + 1] == texts[n - 1 :])
        return Grams(_mixed((self._sums[first + n] - self._sums[first]) * self._down[first]), texts[first])


def _powers(base: int, count: int) -> np.ndarray:
    """``base ** 0 ... base ** (count - 1)`` modulo 2^64."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64: spreads neighbouring values over all 64 bits, without collisions."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
