"""`TokenizerTexts`: all texts of the training data, or as many characters of every language."""

from __future__ import annotations

import json

import pytest
from datasets import Dataset

from hf_hybrid.data.tokenizer_texts import TokenizerTexts, load_tokenizer_texts
from hf_hybrid.errors import InputError

ROWS = {
    "lang": ["de", "en", "en", "zh"],
    "query": ["eins", "one", None, "一"],
    "passage": ["eins und", "one and", "two", "一二三"],
}


def test_all_texts_in_order_as_often_as_asked_for():
    texts = TokenizerTexts([Dataset.from_dict(ROWS)])
    expected = ["eins", "one", "一", "eins und", "one and", "two", "一二三"]
    assert list(texts) == expected and list(texts) == expected


def test_only_the_languages_asked_for():
    assert list(TokenizerTexts([Dataset.from_dict(ROWS)], languages=["en"])) == ["one", "one and", "two"]
    assert set(TokenizerTexts([Dataset.from_dict(ROWS)], ["en"], 100)) == {"one", "one and", "two"}


def test_balanced_by_characters():
    long = {"lang": ["en"] * 50 + ["de"] * 2 + ["zh"] * 20, "text": [f"{i:04d}" for i in range(72)]}
    texts = list(TokenizerTexts([Dataset.from_dict(long)], characters=40))
    rows = dict(zip(long["text"], long["lang"], strict=True))
    found = [rows[text] for text in texts]
    # Four characters each; a Chinese one counts three times.
    assert {lang: found.count(lang) for lang in ("de", "en", "zh")} == {"de": 2, "en": 10, "zh": 3}
    shuffled = Dataset.from_dict({"lang": long["lang"][::-1], "text": long["text"][::-1]})
    assert list(TokenizerTexts([shuffled], characters=40)) == texts


def test_a_text_counts_once_over_all_columns_and_files():
    pairs = Dataset.from_dict({"lang": ["en"], "query": ["same"], "passage": ["same"]})
    assert list(TokenizerTexts([pairs, pairs], characters=100)) == ["same"]


def test_files(tmp_path):
    file = tmp_path / "text.jsonl"
    file.write_text("\n".join(json.dumps({"lang": lang, "text": lang * 3}) for lang in ("de", "en")) + "\n")
    assert list(load_tokenizer_texts([str(file)], ["de"])) == ["dedede"]
    file.write_text('{"lang": "de", "sentence": "eins"}\n')
    with pytest.raises(
        InputError, match=r"text\.jsonl has the columns lang, sentence; it needs lang, and one or more of query"
    ):
        load_tokenizer_texts([str(file)])


@pytest.mark.parametrize("characters", [None, 1000])
def test_spellings_of_a_language_are_one_language(characters):
    rows = Dataset.from_dict({"lang": ["EN", "en", "iw", "de"], "query": ["one", "two", "three", "four"]})
    assert sorted(TokenizerTexts([rows], characters=characters)) == ["four", "one", "three", "two"]
    assert sorted(TokenizerTexts([rows], ["En", "he"], characters)) == ["one", "three", "two"]
