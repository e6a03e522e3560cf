"""Cut vocabularies: what stays, and that texts of kept pieces are segmented as before."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from hf_hybrid.encoders.trimming.vocabulary import cut_tokenizer, new_order, required_pieces, unknown_id, vocabulary
from hf_hybrid.errors import InputError

STRINGS = st.text("abc", min_size=1, max_size=3)
TEXTS = st.lists(st.text("abcd ", max_size=12), min_size=1, max_size=5)


def content(tokenizer: Tokenizer) -> dict:
    return json.loads(tokenizer.to_str())


def unigram(pieces: dict[str, float]) -> Tokenizer:
    made = Tokenizer(models.Unigram([("<s>", 0.0), ("<unk>", 0.0), *pieces.items()], unk_id=1))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.add_special_tokens(["<s>", "<unk>"])
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return made


def wordpiece(pieces: set[str]) -> Tokenizer:
    vocab = {piece: number for number, piece in enumerate(["[UNK]", *sorted(pieces)])}
    made = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def check_same_segments(whole: Tokenizer, kept: np.ndarray, texts: list[str]) -> None:
    order = new_order(kept, None)
    cut = Tokenizer.from_str(json.dumps(cut_tokenizer(content(whole), order)))
    unknown = unknown_id(content(whole))
    for text in texts:
        before = whole.encode(text)
        if kept[before.ids].all() and (unknown not in before.ids):
            after = cut.encode(text)
            assert after.tokens == before.tokens
            assert order[after.ids].tolist() == before.ids


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.dictionaries(st.one_of(STRINGS, STRINGS.map("▁".__add__)), st.floats(-9, -1), min_size=1, max_size=12),
    texts=TEXTS,
    data=st.data(),
)
def test_unigram_texts_of_kept_pieces_are_segmented_alike(pieces, texts, data):
    whole = unigram(pieces)
    required = required_pieces(content(whole))
    kept = required | np.array(data.draw(st.lists(st.booleans(), min_size=len(required), max_size=len(required))))
    check_same_segments(whole, kept, texts)


@settings(max_examples=200, deadline=None)
@given(pieces=st.sets(st.one_of(STRINGS, STRINGS.map("##".__add__)), min_size=1), texts=TEXTS, data=st.data())
def test_wordpiece_texts_of_kept_pieces_are_segmented_alike(pieces, texts, data):
    whole = wordpiece(pieces)
    required = required_pieces(content(whole))
    kept = required | np.array(data.draw(st.lists(st.booleans(), min_size=len(required), max_size=len(required))))
    check_same_segments(whole, kept, texts)


def test_what_stays():
    whole = unigram({"▁": -2.0, "a": -5.0, "ab": -3.0, "▁ab": -4.0, "<0x0A>": -3.5, "abc": -9.0, "c": -6.0})
    names = vocabulary(content(whole))
    stays = {names[number] for number in np.flatnonzero(required_pieces(content(whole)))}
    # "abc" is the least likely piece, from which the penalty of the unknown is measured.
    assert stays == {"<s>", "<unk>", "▁", "a", "c", "<0x0A>", "abc"}
    seen = np.array([piece == "ab" for piece in names])
    stays = {names[number] for number in np.flatnonzero(required_pieces(content(whole), seen=seen))}
    assert stays == {"<s>", "<unk>", "a", "<0x0A>", "abc"}
    stays = {names[number] for number in np.flatnonzero(required_pieces(content(whole), [names.index("ab")], seen))}
    assert "ab" in stays


def test_ids_change_everywhere_in_the_file():
    whole = wordpiece({"a", "b", "##b", "aa", "[CLS]", "[SEP]"})
    whole.add_special_tokens(["[CLS]", "[SEP]", "[UNK]", "[MASK]"])
    ids = whole.get_vocab()
    whole.post_processor = processors.Sequence(
        [processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"])), processors.ByteLevel()]
    )
    whole.enable_padding(pad_id=ids["[MASK]"], pad_token="[MASK]")
    before = content(whole)
    kept = np.array([piece != "aa" for piece in vocabulary(before)])
    after = cut_tokenizer(before, new_order(kept, None))
    assert content(whole) == before
    cut = Tokenizer.from_str(json.dumps(after))
    assert cut.encode("ab").tokens == ["[CLS]", "a", "##b", "[SEP]"]
    assert cut.padding["pad_id"] == cut.token_to_id("[MASK]") == ids["[MASK]"] - 1
    assert {token["content"]: token["id"] for token in after["added_tokens"]} == {
        name: cut.get_vocab()[name] for name in ("[CLS]", "[SEP]", "[UNK]", "[MASK]")
    }


def test_tokenizers_of_other_kinds_are_refused():
    with pytest.raises(InputError, match="of the kind BPE; only those of the kinds Unigram and WordPiece"):
        vocabulary(content(Tokenizer(models.BPE({"a": 0}, []))))
    with pytest.raises(InputError, match="leaves out some ids"):
        vocabulary({"model": {"type": "WordPiece", "vocab": {"a": 0, "b": 2}}})
