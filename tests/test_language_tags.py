"""Canonical language tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag, canonical_tags, wanted_languages


@pytest.mark.parametrize(
    ("spelt", "tag"),
    [
        ("EN", "en"),
        ("zh_Hans", "zh-Hans"),
        ("iw", "he"),
        ("he", "he"),
        ("no", "no"),
        ("pt-br", "pt-BR"),
        ("deu", "de"),
        (" de", "de"),
    ],
)
def test_one_form(spelt, tag):
    assert canonical_tag(spelt) == tag


@pytest.mark.parametrize("tag", ["German", "english", "xx", "", " ", "d", "de-", "x", None, 7, "zh/Hans"])
def test_names_that_are_no_tags(tag):
    with pytest.raises(InputError, match="unknown language tag .*; use a BCP-47 tag"):
        canonical_tag(tag)


def test_spellings_are_merged_with_a_warning(caplog):
    assert canonical_tags(["en", "EN", "de"], "file") == {"en": "en", "EN": "en", "de": "de"}
    assert caplog.messages == ["file: 'en', 'EN' are one language and are read as en"]
    with pytest.raises(InputError, match="file: unknown language tag 'German'"):
        canonical_tags(["German"], "file")


def test_one_spelling_is_no_matter_of_warning(caplog):
    assert canonical_tags(["iw", "en"], "file") == {"iw": "he", "en": "en"} and not caplog.messages


def test_chosen_languages():
    assert wanted_languages(None, "languages") is None
    assert wanted_languages(["EN", "zh_Hans", "en"], "languages") == ["en", "zh-Hans"]
    assert wanted_languages("no", "languages") == ["no"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["en", False], r'languages: YAML reads an unquoted no as False; quote it, like languages: \[en, "no"\]'),
        (False, "YAML reads an unquoted no as False"),
        ([True], "YAML reads an unquoted yes, on or true as True"),
        ([None], "languages: None is no language tag but a NoneType"),
        ([1.5], "languages: 1.5 is no language tag but a float; quote it"),
        (["German"], "languages: unknown language tag 'German'"),
    ],
)
def test_what_yaml_makes_of_tags(value, message):
    with pytest.raises(InputError, match=message):
        wanted_languages(value, "languages")


@given(st.text(max_size=12) | st.from_regex(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}", fullmatch=True))
def test_a_tag_is_canonical_or_refused(tag):
    try:
        found = canonical_tag(tag)
    except InputError:
        return
    assert canonical_tag(found) == found == canonical_tag(found.upper()) == canonical_tag(found.replace("-", "_"))
