"""Sentences and the sentence of an answer; random but fixed numbers from texts."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from mix import cleaning


def test_stable_fraction_is_the_same_everywhere() -> None:
    assert cleaning.stable_fraction("a") == 0.7913742705223816
    assert len({cleaning.stable_fraction(str(n)) for n in range(1000)}) == 1000


def test_clean_removes_anchors_and_spaces() -> None:
    texts = pd.Series(["[[anchor]] One \r\n two", "\u3000三"])
    assert cleaning.clean(texts).tolist() == ["One two", "三"]


def test_answer_sentence_cuts_at_sentence_ends() -> None:
    passage = "The town of Ulm is very old. Its tower is the tallest of its kind. Nobody knows the builder at all."
    assert cleaning.answer_sentence(passage, "tower", 33, "en") == "Its tower is the tallest of its kind."
    # A wrong offset is corrected by the text, an answer that is not there gives nothing.
    assert cleaning.answer_sentence(passage, "builder", 3, "en") == "Nobody knows the builder at all."
    assert cleaning.answer_sentence(passage, "bridge", -1, "en") is None
    chinese = "黑豹队的防守只丢了三百零八分。他们在联赛中排名第六位，仅次于海鹰队。"
    assert cleaning.answer_sentence(chinese, "第六", -1, "zh") == "他们在联赛中排名第六位，仅次于海鹰队。"


@given(st.text(alphabet="ab .。\n", max_size=600), st.sampled_from(["en", "zh", "th"]))
def test_spans_cover_the_text_in_order(text: str, lang: str) -> None:
    spans = cleaning.split_sentences(text, lang)
    assert "".join(text[a:b] for a, b in spans).split() == text.split()
    assert all(first[1] <= second[0] for first, second in zip(spans, spans[1:], strict=False))


@given(st.text(alphabet="ab .", min_size=1, max_size=900), st.integers(0, 899))
def test_answer_sentence_is_short_and_holds_the_answer(passage: str, at: int) -> None:
    answer = passage[at : at + 3].strip()
    if not answer:
        return
    start = passage.find(answer)
    sentence = cleaning.answer_sentence(passage, answer, start, "en")
    assert sentence is not None and len(sentence) <= cleaning.MAX_PASSAGE
    # The answer may run past the end of its sentence; its beginning is always inside.
    assert answer[0] in sentence


@given(st.text(alphabet="ab .", max_size=900))
def test_first_sentences_is_a_short_beginning(text: str) -> None:
    cut = cleaning.first_sentences(text)
    assert len(cut) <= cleaning.MAX_PASSAGE
    assert text.strip().startswith(cut.strip())
