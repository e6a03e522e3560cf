"""The comparable form, and n-gram hashes against n-grams made one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_hybrid.overlap.comparable_text import SCALES, Units, comparable, weight_of, writing_of

PAIRS = [
    ("Türkiye'nin İSTANBUL şehri, ILICA", "türkiyenin istanbul şehri ılıca"),
    ("ΤΟΥΣ ΑΝΘΡΩΠΟΥΣ — Αθήνα", "Τους ανθρώπους  ΑΘΗΝΑ"),
    ("مُحَمَّدٌ ـ ١٢٣", "محمد 123"),
    ("Straße", "STRASSE"),
    ("Ｗｉｄｅ ｶﾞﾗｽ", "wide ガラス"),
    ("don\u2019t, “stop”…", "dont stop"),
    ("می\u200cخواهم", "میخواهم"),
    ("हिन्दी १२", "हिन्दी 12"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_forms_of_one_text_are_equal(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(
    ("one", "other"), [("कि", "की"), ("か", "が"), ("เขา", "เขต"), ("1963", "1964"), ("на", "но")]
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert comparable(one) != comparable(other)


@given(st.text(max_size=60))
def test_form_is_stable_and_has_no_double_spaces(text: str) -> None:
    form = comparable(text)
    assert comparable(form) == form
    assert form == " ".join(form.split()) and "\n" not in form


def test_writing_follows_the_letters() -> None:
    texts = {
        "words": ["plain words", "слова", "한국어 문장", ""],
        "han": ["巴拿马运河 in 1914", "中國"],
        "kana": ["運河はパナマにあります", "カタカナ"],
        "unspaced": ["คลองปานามา 1914", "ປານາມາ"],
    }
    for writing, examples in texts.items():
        assert [writing_of(comparable(text)) for text in examples] == [writing] * len(examples)


def test_a_chinese_character_weighs_more_than_a_letter() -> None:
    assert weight_of("ab cd") == 4
    assert weight_of("运河") == pytest.approx(2 * SCALES["han"].worth)


forms = st.lists(st.text(alphabet="ab ", max_size=12).map(lambda text: " ".join(text.split())), max_size=6)


@given(forms, st.integers(1, 4))
def test_grams_are_those_of_the_words(texts: list[str], n: int) -> None:
    expected = [
        (i, tuple(text.split()[k : k + n])) for i, text in enumerate(texts) for k in range(len(text.split()) - n + 1)
    ]
    _check(Units(texts, "words").grams(n), expected)
    assert Units(texts, "words").counts.tolist() == [len(text.split()) for text in texts]


@given(forms, st.integers(1, 4))
def test_grams_of_unspaced_writings_are_characters(texts: list[str], n: int) -> None:
    bare = [text.replace(" ", "") for text in texts]
    expected = [(i, text[k : k + n]) for i, text in enumerate(bare) for k in range(len(text) - n + 1)]
    _check(Units(texts, "han").grams(n), expected)


@given(forms, st.integers(1, 4))
def test_shingles_are_characters_with_spaces(texts: list[str], n: int) -> None:
    expected = [(i, text[k : k + n]) for i, text in enumerate(texts) for k in range(len(text) - n + 1)]
    _check(Units(texts, "words").shingles(n), expected)


def _check(grams, expected: list) -> None:
    """Same texts in the same order, and hashes that are equal exactly where the n-grams are."""
    assert grams.texts.tolist() == [text for text, _ in expected]
    hash_of = dict(zip([gram for _, gram in expected], grams.hashes.tolist(), strict=True))
    assert [hash_of[gram] for _, gram in expected] == grams.hashes.tolist()
    assert len(set(hash_of.values())) == len(hash_of)


def test_hashes_are_the_same_on_every_machine() -> None:
    grams = Units(["the tower of the town", "运河"], "words").grams(2)
    assert grams.hashes.dtype == np.uint64
    assert [f"{value:016x}" for value in grams.hashes.tolist()[:2]] == HASHES


HASHES = ["ab478ebea37234b0", "498ac97f6ebe4b29"]
