"""Every reason to refuse a text, and what becomes of what is left."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
from mix.filters import LENGTHS, REASONS, Kind, Refusals, choose_rows, filter_texts
from mix.language_check import LanguageIdentifier
from mix.parallel_readers import COLUMNS

from tests.hub_datasets.hybrid_mix.phrases import LANGUAGES, sentence

SEGMENTS = Kind(query="segment", passage="segment", parallel=True, of_documents=True)
HEADINGS = Kind(query="query", passage="passage", headings=True, of_documents=True)


@pytest.fixture(scope="module")
def identifier() -> LanguageIdentifier:
    return LanguageIdentifier(LANGUAGES)


def frame(rows: list[tuple], parallel: bool = True) -> pd.DataFrame:
    """Rows (id, lang, text) or (id, lang, query, passage), each of its own document unless the id has one before
    `#`.
    """
    records = []
    for key, lang, *texts in rows:
        query, passage = texts if not parallel else texts * 2
        values = (key, lang, query, passage, key, "set", "mit", None, key.split("#")[0])
        records.append(dict(zip(COLUMNS, values, strict=True)))
    return pd.DataFrame(records, columns=list(COLUMNS))


def refused(rows: list[tuple], identifier: LanguageIdentifier, kind: Kind = SEGMENTS) -> tuple[pd.DataFrame, Counter]:
    refusals = Refusals()
    kept = filter_texts(frame(rows, kind.parallel), kind, identifier, refusals)
    return kept, Counter({reason: n for (_, reason), n in refusals.counts.items()})


@pytest.mark.parametrize(
    ("lang", "text", "reason"),
    [
        ("de", "siehe https://example.org/documentation/page", "markup"),
        ("de", "1 2 3 a b c", "markup"),
        ("de", "Kurz.", "too_short"),
        ("ja", "短", "markup"),
        ("de", "Sehr lang " * 101, "too_long"),
        ("ru", "This sentence is not written in Cyrillic letters.", "script"),
        ("ja", "Only the name 東京 is in the right script here.", "script"),
        ("de", "Каждое утро в семь", "script"),
        ("de", sentence(1, "en").upper(), "untranslated"),
        ("de", "Nur ganz kurz", "length_ratio"),
        (
            "de",
            "This is surely an English sentence, is it not, my friends in the garden of the king?",
            "other_language",
        ),
    ],
)
def test_reasons(identifier: LanguageIdentifier, lang: str, text: str, reason: str) -> None:
    rows = [
        ("a", "en", sentence(1, "en")),
        ("a", "ru" if lang != "ru" else "de", sentence(1, "ru" if lang != "ru" else "de")),
    ]
    kept, reasons = refused([*rows, ("a", lang, text)], identifier)
    assert reasons == {reason: 1}
    assert lang not in set(kept.lang) and len(kept) == 2


def test_good_text_is_kept(identifier: LanguageIdentifier) -> None:
    rows = [(f"{n}", lang, sentence(n, lang)) for n in range(40) for lang in LANGUAGES]
    kept, reasons = refused(rows, identifier)
    assert len(kept) == len(rows) and not reasons


def test_texts_in_one_language_are_alone(identifier: LanguageIdentifier) -> None:
    kept, reasons = refused(
        [("a", "de", sentence(1, "de")), ("a", "en", "17"), ("b", "ja", sentence(2, "ja"))], identifier
    )
    assert reasons == {"markup": 1, "alone": 2} and kept.empty


def test_boilerplate_stands_in_many_documents(identifier: LanguageIdentifier) -> None:
    def rows(documents: int, text: str) -> list[tuple]:
        return [(f"{d}#{n}", "en", text) for d in range(documents) for n in range(2)] + [
            (f"{d}#{n}", "de", sentence(10 * d + n, "de")) for d in range(documents) for n in range(2)
        ]

    same = "See the contribution guide for how to help us."
    assert refused(rows(5, same), identifier)[1]["boilerplate"] == 10
    # Ten times in four documents it is a refrain.
    assert not refused(rows(4, same), identifier)[1]
    assert not refused(rows(5, same), identifier, Kind(query="segment", passage="segment", parallel=True))[1]


def test_generic_headings(identifier: LanguageIdentifier) -> None:
    rows = [
        (f"{d}#1", "de", "Nächste Schritte!" if d < 2 else "nächste Schritte", sentence(d, "de")) for d in range(3)
    ]
    rows += [("9#1", "de", "Wie man Brot backt", sentence(9, "de"))]
    kept, reasons = refused(rows, identifier, HEADINGS)
    assert reasons == {"generic_heading": 3, "one_sided": 3}
    assert kept.id.tolist() == ["9#1"]


def test_sides_are_refused_apart(identifier: LanguageIdentifier) -> None:
    rows = [
        ("a", "de", "?", sentence(1, "de")),
        ("a", "ru", "Где это случилось?", "42"),
        ("b", "de", "Wo ist es geschehen?", None),
    ]
    kept, reasons = refused(rows, identifier, HEADINGS)
    assert reasons == {"markup": 2, "one_sided": 1}
    sides = kept.set_index("lang")
    assert pd.isna(sides.loc["de", "query"]) and sides.loc["de", "passage"] == sentence(1, "de")
    assert sides.loc["ru", "query"] == "Где это случилось?" and pd.isna(sides.loc["ru", "passage"])


def test_rows_are_chosen_by_language_and_licence() -> None:
    rows = frame([("a", "de", "x"), ("a", "bg", "y"), ("b", "de", "z")]).assign(licence=["mit", "mit", "cc-by-sa-4.0"])
    refusals = Refusals()
    assert choose_rows(rows, ("de", "en"), "permissive", refusals).id.tolist() == ["a"]
    assert refusals.counts == {("set", "language"): 1, ("set", "licence"): 1}
    assert choose_rows(rows, ("de",), "share-alike", Refusals()).id.tolist() == ["a", "b"]


def test_every_reason_is_explained() -> None:
    assert all(meaning and not meaning.endswith(".") for meaning in REASONS.values())
    assert all(least < most for least, most in LENGTHS.values())
