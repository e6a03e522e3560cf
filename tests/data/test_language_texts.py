"""Texts by language, from renditions and plain text."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from hf_hybrid.data.language_texts import language_texts
from hf_hybrid.errors import InputError


def gathered(*args, **kwargs) -> dict[str, list[str]]:
    found = defaultdict(list)
    for lang, texts in language_texts(*args, **kwargs):
        found[lang] += texts
    return dict(found)


@pytest.fixture
def files(tmp_path):
    rows = [
        {"id": "1", "lang": "de", "query": "eins", "passage": "zwei"},
        {"id": "1", "lang": "EN", "query": "one", "passage": None},
        {"id": "2", "lang": "de", "query": "eins", "passage": "vier"},
        {"id": "2", "lang": "en", "query": "two", "passage": "eins"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "b.jsonl").write_text(json.dumps({"lang": "de", "text": "fünf"}))
    (tmp_path / "th.txt").write_text("หนึ่ง\n\nสอง\nหนึ่ง\n", encoding="utf-8")
    return tmp_path


def test_every_text_comes_once_a_language(files):
    found = gathered([str(files / "a.jsonl"), str(files / "b.jsonl"), f"th={files / 'th.txt'}"])
    assert {lang: sorted(texts) for lang, texts in found.items()} == {
        "de": ["eins", "fünf", "vier", "zwei"],
        "en": ["eins", "one", "two"],
        "th": ["สอง", "หนึ่ง"],
    }


def test_only_the_languages_that_are_wanted(files):
    assert gathered([str(files / "a.jsonl"), f"th={files / 'th.txt'}"], ["th"]) == {"th": ["หนึ่ง", "สอง"]}
    with pytest.raises(InputError, match="languages: no text in fr; the files have de"):
        gathered([str(files / "a.jsonl")], ["de", "fr"])


def test_sources_that_cannot_be_read_are_named_before_the_first_text(files):
    (files / "c.jsonl").write_text(json.dumps({"id": "1", "query": "a"}))
    good = str(files / "a.jsonl")
    for source, said in {
        str(files / "th.txt"): "does not say its language; give LANG=",
        f"th={files / 'none.txt'}": "no file .*none.txt; give LANG=FILE",
        f"Thai={files / 'th.txt'}": "unknown language tag 'Thai'",
        f"de={files / 'a.jsonl'}": "has languages of its own; give it without de=",
        str(files / "c.jsonl"): "has the columns id, query; it needs lang",
        str(files / "none.parquet"): "no such file or folder",
    }.items():
        with pytest.raises(InputError, match=said):
            next(language_texts([good, source]))
