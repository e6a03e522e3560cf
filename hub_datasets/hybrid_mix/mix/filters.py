"""Which texts are good enough: every refusal has a name and is counted, by source.

A text is one side of a rendition. A side that is refused becomes null; a rendition without sides is dropped, and so is
an example that is left without a question or without a passage (or, of parallel text, in one language only).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tqdm.auto import tqdm

from hf_hybrid.overlap.comparable_text import comparable, weight_of
from mix.language_check import LanguageIdentifier, in_own_script, least_letters
from mix.licences import licences_of_group

REASONS = {
    "language": "the language is not one of the mix's",
    "licence": "the licence is not of the chosen group",
    "markup": "less than half of the characters are letters outside addresses, or no two letters stand together",
    "too_short": "too few letters (a Chinese character counts 2.6, a Korean syllable 2)",
    "too_long": "too many characters",
    "script": "too few letters of the language's script: 50 % where it is Latin, 30 % elsewhere",
    "untranslated": "the same as the English text",
    "length_ratio": "less than a quarter or more than four times as long as the English text",
    "other_language": "the language identifier is sure of another language of the same script",
    "boilerplate": "the same text in five documents or more",
    "generic_heading": "the same heading in three documents or more",
    "one_sided": "left without a question or without a passage in any language",
    "alone": "parallel text left in one language",
    "duplicate": "the same question with the same passage again",
    "near_duplicate": "a near-duplicate of an earlier text (Jaccard similarity of character n-grams of at least 0.8)",
    "evaluation": "overlaps an evaluation set",
    "held_out": "overlaps a text of the dev or bitext splits",
}
# Least letters and most characters of a text, by what it is.
LENGTHS = {"segment": (8, 1_000), "query": (6, 300), "passage": (15, 400), "long": (15, 2_000), "text": (12, 500)}
_MARKUP_SHARE = 0.5
_RATIO = 4.0
_RATIO_LETTERS = 8
_BOILERPLATE_DOCUMENTS, _GENERIC_DOCUMENTS = 5, 3
_IDENTIFIED_AT_ONCE = 2_000


@dataclass
class Refusals:
    """How much was refused: renditions (rows) or texts by (source, reason)."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, sources: pd.Series, reason: str) -> None:
        """Count one refusal for each source given."""
        self.counts.update({(source, reason): int(n) for source, n in sources.value_counts().items()})


@dataclass(frozen=True)
class Kind:
    """What the texts of a part are.

    Attributes:
        query, passage: Keys of `LENGTHS`; the query is None where a text stands alone.
        parallel: Query and passage are one text.
        headings: Queries are headings.
        of_documents: Many texts make up a document, so that repeated ones are boilerplate.
    """

    query: str | None
    passage: str
    parallel: bool = False
    headings: bool = False
    of_documents: bool = False


def choose_rows(frame: pd.DataFrame, languages: tuple[str, ...], group: str, refusals: Refusals) -> pd.DataFrame:
    """Rows of the languages and of the group of licences."""
    for reason, keep in (
        ("language", frame.lang.isin(languages)),
        ("licence", frame.licence.isin(licences_of_group(group))),
    ):
        keep = keep.reindex(frame.index)
        refusals.add(frame.source[~keep], reason)
        frame = frame[keep]
    return frame


def filter_texts(
    frame: pd.DataFrame, kind: Kind, identifier: LanguageIdentifier, refusals: Refusals, show_progress: bool = False
) -> pd.DataFrame:
    """Null the sides that are refused, and drop the renditions and examples that are left incomplete."""
    frame = frame.copy()
    if kind.query is None or kind.parallel:
        keep = _judge(frame, "passage", kind.passage, kind.of_documents, False, identifier, refusals, show_progress)
        frame = frame[keep]
    else:
        for side, what in (("query", kind.query), ("passage", kind.passage)):
            boilerplate, headings = kind.of_documents and side == "passage", kind.headings and side == "query"
            keep = _judge(frame, side, what, boilerplate, headings, identifier, refusals, show_progress)
            frame[side] = frame[side].where(keep, None)
        frame = frame[frame["query"].notna() | frame.passage.notna()]
    return complete_examples(frame, kind, refusals)


def complete_examples(frame: pd.DataFrame, kind: Kind, refusals: Refusals) -> pd.DataFrame:
    """Examples that can be trained on: with a question and a passage, or a parallel text in two languages."""
    if kind.parallel:
        whole, reason = frame.groupby("id").lang.transform("nunique") >= 2, "alone"
    elif kind.query is None:
        return frame
    else:
        sides = frame.groupby("id")[["query", "passage"]].transform("count")
        whole, reason = (sides > 0).all(axis=1), "one_sided"
    refusals.add(frame.source[~whole], reason)
    return frame[whole]


def _judge(
    frame: pd.DataFrame,
    side: str,
    what: str,
    boilerplate: bool,
    headings: bool,
    identifier: LanguageIdentifier,
    refusals: Refusals,
    show_progress: bool,
) -> np.ndarray:
    """Whether each row's text is kept; counts the refused ones under the first reason that holds."""
    texts = frame[frame[side].notna() & (frame[side] != "")][["id", "lang", "source", "document", side]]
    texts = texts.rename(columns={side: "text"})
    # Questions repeat their passages: every distinct text of a language is looked at once.
    forms = {text: comparable(text) for text in texts.text.unique()}
    texts["form"] = texts.text.map(forms)
    texts["weight"] = texts.form.map({form: weight_of(form) for form in texts.form.unique()}).astype(float)
    for reason, refused in _checks(texts, what, boilerplate, headings, identifier, show_progress):
        refusals.add(texts.source[refused], reason)
        texts = texts[~refused]
    return frame.index.isin(texts.index)


def _checks(
    texts: pd.DataFrame,
    what: str,
    boilerplate: bool,
    headings: bool,
    identifier: LanguageIdentifier,
    show_progress: bool,
) -> Iterator[tuple[str, pd.Series]]:
    """Reason after reason, and which of the texts that are left it refuses."""
    least, most = LENGTHS[what]

    def left(refused: np.ndarray | pd.Series) -> pd.Series:
        nonlocal texts
        series = pd.Series(np.asarray(refused, dtype=bool), index=texts.index)
        texts = texts[~series]
        return series

    yield "markup", left(_is_markup(texts.text))
    yield "too_short", left(texts.weight < least)
    yield "too_long", left(texts.text.str.len() > most)
    yield "script", left(~_by_language(texts, in_own_script))
    english = texts[texts.lang == "en"].drop_duplicates("id").set_index("id")
    yield "untranslated", left((texts.lang != "en") & (texts.form == texts.id.map(english.form)))
    ratio = texts.weight / texts.id.map(english.weight)
    unlike = (ratio > _RATIO) | (ratio < 1 / _RATIO)
    yield (
        "length_ratio",
        left(unlike & (texts[["weight"]].assign(e=texts.id.map(english.weight)).max(axis=1) >= _RATIO_LETTERS)),
    )
    yield "other_language", left(_surely_other(texts, identifier, show_progress))
    if boilerplate:
        yield "boilerplate", left(_documents_of_form(texts) >= _BOILERPLATE_DOCUMENTS)
    if headings:
        yield "generic_heading", left(_documents_of_form(texts) >= _GENERIC_DOCUMENTS)


def _is_markup(texts: pd.Series) -> np.ndarray:
    """Addresses, code, tables of numbers."""
    array = pa.array(texts, type=pa.large_string())
    words = pc.replace_substring_regex(array, r"(https?://|www\.)\S+", "")
    letters = pc.count_substring_regex(words, r"[\p{L}\p{M}]").to_numpy(zero_copy_only=False)
    characters = pc.count_substring_regex(array, r"[^\s]").to_numpy(zero_copy_only=False)
    together = pc.match_substring_regex(words, r"[\p{L}\p{M}]{2}").to_numpy(zero_copy_only=False)
    return (letters < _MARKUP_SHARE * characters) | ~together


def _by_language(texts: pd.DataFrame, check) -> np.ndarray:
    result = np.zeros(len(texts), dtype=bool)
    places = np.arange(len(texts))
    for lang, rows in pd.Series(places).groupby(texts.lang.to_numpy()):
        result[rows] = check(pa.array(texts.text.iloc[rows], type=pa.large_string()), lang)
    return result


def _surely_other(texts: pd.DataFrame, identifier: LanguageIdentifier, show_progress: bool) -> np.ndarray:
    """Of texts that are long enough; each distinct one is identified once."""
    long = texts[texts.weight >= texts.lang.map(least_letters)]
    distinct = long[["lang", "text"]].drop_duplicates().sort_values("lang", kind="stable")
    others: set[tuple[str, str]] = set()
    with tqdm(
        total=len(distinct), desc="identifying languages", unit="text", leave=False, disable=not show_progress
    ) as bar:
        for lang, own in distinct.groupby("lang", sort=False).text:
            for first in range(0, len(own), _IDENTIFIED_AT_ONCE):
                some = own.iloc[first : first + _IDENTIFIED_AT_ONCE].tolist()
                others.update(
                    (lang, t) for t, other in zip(some, identifier.surely_other(some, lang), strict=True) if other
                )
                bar.update(len(some))
    return np.array([pair in others for pair in zip(texts.lang, texts.text, strict=True)], dtype=bool)


def _documents_of_form(texts: pd.DataFrame) -> pd.Series:
    """In how many documents the same text stands, in the same language."""
    distinct = texts[["lang", "form", "document"]].drop_duplicates()
    counts = distinct.groupby(["lang", "form"]).size()
    keys = pd.MultiIndex.from_frame(texts[["lang", "form"]])
    return pd.Series(counts.reindex(keys).to_numpy(), index=texts.index)
