"""Text as it is kept: white space and anchors out, passages cut into sentences, the sentence that holds an answer."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# LAReQA's candidates are sentences: half of the English ones are under 143 characters, nine in ten under 258.
MAX_PASSAGE = 400
SPACE = re.compile(r"\s+")
LEADING_MARKS = re.compile(r"^[^\w\"'«“(]+")
_SENTENCE_END = re.compile(r"(?<=[.!?؟।])\s+|(?<=[。！？])|\n+")
_ANCHOR = re.compile(r"\[\[[^\]]*\]\]")
# Too short a piece is an abbreviation or a number, not a sentence.
_LEAST_SENTENCE = {"th": 80, "zh": 12, "zh-Hant": 12, "ja": 12}


def stable_fraction(text: str) -> float:
    """A number in [0, 1) that depends on the text alone: the same sample on every machine and in every order."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") / 2**56


def digest(text: str) -> str:
    """Sixteen hexadecimal digits that stand for a text in ids."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def clean(texts: pd.Series) -> pd.Series:
    """Texts without anchors of documentation (`[[anchor]]`), with single spaces."""
    return texts.str.replace(_ANCHOR, "", regex=True).str.replace(SPACE, " ", regex=True).str.strip()


def split_sentences(text: str, lang: str) -> list[tuple[int, int]]:
    """Spans of the sentences. Thai has no full stop: its spaces part clauses, which are joined to about 80
    characters.
    """
    ends = [m.end() for m in (SPACE.finditer(text) if lang == "th" else _SENTENCE_END.finditer(text))]
    spans, start = [], 0
    least = _LEAST_SENTENCE.get(lang, 25)
    for end in [*ends, len(text)]:
        if end - start >= least or end == len(text):
            spans.append((start, end))
            start = end
    return [(a, b) for a, b in spans if text[a:b].strip()]


def answer_sentence(passage: str, answer: str, answer_start: int, lang: str) -> str | None:
    """The sentence of the passage that holds the answer; None where the answer cannot be found in the passage."""
    if answer_start < 0 or not passage.startswith(answer, answer_start):
        answer_start = passage.find(answer)
    if answer_start < 0:
        return None
    start, end = next(((a, b) for a, b in split_sentences(passage, lang) if answer_start < b), (0, 0))
    if start == end:
        return None
    if end - start > MAX_PASSAGE:
        start = max(start, min(answer_start, end - MAX_PASSAGE, answer_start - MAX_PASSAGE // 4))
        end = min(end, start + MAX_PASSAGE)
    return SPACE.sub(" ", passage[start:end]).strip()


def first_sentences(text: str, longest: int = MAX_PASSAGE) -> str:
    """The beginning of a text: whole sentences while they fit."""
    if len(text) <= longest:
        return text
    end = 0
    for match in _SENTENCE_END.finditer(text):
        if match.start() > longest:
            break
        end = match.start()
    return text[: end or longest].strip()


def answer_window(passage: str, answer: str, answer_start: int, lang: str, longest: int = 2_000) -> str | None:
    """The passage, or of a longer one the sentences around the answer that fit; None where the answer cannot be
    found.
    """
    if answer_start < 0 or not passage.startswith(answer, answer_start):
        answer_start = passage.find(answer)
    if answer_start < 0:
        return None
    if len(passage) <= longest:
        return SPACE.sub(" ", passage).strip() or None
    spans = split_sentences(passage, lang)
    first = last = next((place for place, (_, end) in enumerate(spans) if answer_start < end), None)
    if first is None:
        return None
    if spans[first][1] - spans[first][0] > longest:
        return answer_sentence(passage, answer, answer_start, lang)
    while True:
        # What follows an answer explains it more often than what comes before it.
        if last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= longest:
            last += 1
        elif first > 0 and spans[last][1] - spans[first - 1][0] <= longest:
            first -= 1
        else:
            return SPACE.sub(" ", passage[spans[first][0] : spans[last][1]]).strip()
