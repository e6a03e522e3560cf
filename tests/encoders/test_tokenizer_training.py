"""The trained tokenizer: lossless, deterministic, without a language's spaces, loadable by `AutoTokenizer`."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from hf_hybrid.encoders.tokenizer_training import SPECIAL_TOKENS, rare_characters, sample_texts, train_tokenizer
from hf_hybrid.errors import InputError

TEXTS = [
    "The river flows through three countries.",
    "Der Fluss fließt durch drei Länder.",
    "แม่น้ำไหลผ่านสามประเทศ",
    "แม่น้ำนี้ยาวที่สุดในประเทศ",
    "这条河流经三个国家。",
    "这条河是国家最长的河流。",
    "النهر يمر بثلاث دول.",
]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS * 30, vocab_size=500)


def normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


@pytest.mark.parametrize("text", TEXTS)
def test_text_survives_the_round_trip(tokenizer, text):
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == normal(text)


@pytest.mark.parametrize("text", ["ꙮ", "river 🛶 🛶", "鱻", "ﬁve　rivers"])
def test_unseen_characters_are_spelled_in_bytes(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == normal(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=30))
def test_no_text_is_unknown(tokenizer, text):
    assert tokenizer.unk_token_id not in tokenizer(text.replace("<", ""))["input_ids"]


def test_special_tokens_have_xlm_rs_ids_and_places(tokenizer):
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    ids = tokenizer("river")["input_ids"]
    assert (ids[0], ids[-1]) == (0, 2)
    assert tokenizer(["river", "the river flows"], padding=True)["input_ids"][0][-1] == 1


def test_texts_without_spaces_are_cut_into_words():
    thai = ["ภูเขา", "ทะเล", "สวยงาม", "กว้างใหญ่", "อันตราย", "มาก", "ที่สุด", "เมือง"]
    chinese = ["河流", "高山", "海洋", "森林", "非常", "特别", "美丽", "危险"]
    draw = random.Random(0)
    texts = ["".join(draw.choices(words, k=draw.randint(2, 5))) for words in (thai, chinese) for _ in range(1500)]
    trained = train_tokenizer(texts, vocab_size=360)
    assert trained.tokenize("ภูเขาทะเลสวยงามที่สุด")[-2:] == ["สวยงาม", "ที่สุด"]
    assert trained.tokenize("河流森林特别美丽")[-2:] == ["特别", "美丽"]


def test_frequent_words_are_one_piece_though_no_other_word_holds_them():
    trained = train_tokenizer([f"pay with {name}" for name in ("gold", "silver", "salt", "tea")] * 20, vocab_size=400)
    assert trained.tokenize("pay with tea")[:2] == ["▁pay", "▁with"]


def test_punctuation_stands_alone(tokenizer):
    assert tokenizer.tokenize("countries.")[-1] == "."
    assert tokenizer.tokenize("国家。")[-1] == "。"


def test_training_is_deterministic(tokenizer):
    again = train_tokenizer(TEXTS * 30, vocab_size=500)
    assert again.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


def test_vocabulary_is_never_larger_than_asked():
    texts = ["".join(chr(0x4E00 + (7 * row + column) % 900) for column in range(20)) for row in range(300)]
    assert len(train_tokenizer(texts, vocab_size=400)) <= 400


def test_saved_tokenizer_loads_with_auto_tokenizer(tokenizer, tmp_path: Path):
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"]
    assert again.all_special_tokens == tokenizer.all_special_tokens


def test_sample_is_uniform_and_one_pass():
    counts = Counter(text for seed in range(3000) for text in sample_texts(iter("abcde"), size=2, seed=seed))
    # 3000 draws of 2 in 5: mean 1200, standard deviation 27.
    assert all(abs(count - 1200) < 135 for count in counts.values())
    assert len(counts) == 5
    assert sample_texts(iter("abcde"), size=2, seed=1) == sample_texts(iter("abcde"), size=2, seed=1)


def test_rare_characters_are_what_coverage_and_limit_leave():
    assert rare_characters(["aaaa", "bbb", "cc", "d"], limit=10, coverage=0.9) == {"d"}
    assert rare_characters(["aaaa", "bbb", "cc", "d"], limit=2, coverage=1.0) == {"c", "d"}
    assert rare_characters(["aaaa", "bbb", "cc", "d"], limit=10, coverage=1.0) == set()


@pytest.mark.parametrize("texts", [[], ["", "  "]])
def test_no_text_is_an_error(texts):
    with pytest.raises(InputError, match="training texts"):
        train_tokenizer(texts, vocab_size=400)


def test_too_small_a_vocabulary_is_an_error():
    with pytest.raises(InputError, match="vocab_size: 200"):
        train_tokenizer(TEXTS, vocab_size=200)
