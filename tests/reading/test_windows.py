"""Windows: they cover the passage, overlap by the stride, and know where an answer stands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_hybrid.data.squad import Answer
from hf_hybrid.errors import InputError
from hf_hybrid.reading.windows import QUESTION_TOKENS, WindowSettings, cut_windows
from tests.reading.small_readers import small_tokenizer

TOKENIZER = small_tokenizer(128)
SETTINGS = WindowSettings(max_length=100, stride=8)
WORDS = st.sampled_from(["The", "door", "is", "red", "ไทย", "日本", "Ä", " ", "\n", "x1999"])


def test_windows_cover_the_passage_and_overlap():
    text = "The door is red . " * 60
    windows = cut_windows(TOKENIZER, ["What colour ?"], [text], WindowSettings(max_length=90, stride=8))
    whole = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    assert len(windows) > 2 and all(len(window) <= 90 for window in windows)
    found: list[int] = []
    for window in windows:
        ids = window.inputs["input_ids"][window.first : window.first + len(window.offsets)]
        assert ids == whole[len(found) - (8 if found else 0) :][: len(ids)]
        found += ids[8 if found else 0 :]
    assert found == whole


def test_an_answer_is_found_in_every_window_that_holds_all_of_it():
    text = "The roof is blue . " * 20 + "The door is red . " + "The hat is pink . " * 20
    answer = Answer("door is red", text.index("door is red"))
    windows = cut_windows(TOKENIZER, ["What ?"], [text], WindowSettings(max_length=90, stride=12))
    held = 0
    for window in windows:
        first, last = window.labels(answer)
        if first == window.null:
            assert last == window.null
            continue
        held += 1
        start, end = window.offsets[first - window.first, 0], window.offsets[last - window.first, 1]
        assert text[start:end].strip() == answer.text
    assert held >= 1
    assert windows[0].labels(None) == (0, 0)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=60), st.data())
def test_places_of_any_answer(words, data):
    """The tokens of the labels hold the answer's characters, whatever script and spaces there are."""
    text = "".join(words)
    start = data.draw(st.integers(0, len(text) - 1))
    answer = Answer(text[start : data.draw(st.integers(start + 1, len(text)))], start)
    for window in cut_windows(TOKENIZER, ["Wo ?"], [text], SETTINGS):
        first, last = window.labels(answer)
        if first == window.null:
            continue
        held = window.offsets[first - window.first, 0], window.offsets[last - window.first, 1]
        assert held[0] <= start and start + len(answer.text) <= held[1] and first <= last


def test_long_questions_and_spaces_around_them():
    long = "What colour is the door ? " * 30
    window = cut_windows(TOKENIZER, [long], ["The door is red ."], SETTINGS)[0]
    # The cut is made between characters, and tokens of the end may come out otherwise.
    assert QUESTION_TOKENS - 2 <= window.first - 3 <= QUESTION_TOKENS
    same = [cut_windows(TOKENIZER, [text], ["red"], SETTINGS)[0].inputs for text in ("What ?", "  What ?\n")]
    assert same[0] == same[1]
    assert cut_windows(TOKENIZER, [], [], SETTINGS) == []
    empty = cut_windows(TOKENIZER, ["What ?"], [""], SETTINGS)[0]
    assert len(empty.offsets) == 0 and empty.labels(Answer("x", 0)) == (0, 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (WindowSettings(129, 8), "--max_length 129 is above the reader's limit of 128 tokens"),
        (WindowSettings(100, 64), "has no room for a question of 64 tokens and a stride of 64: give 140 or more"),
        (WindowSettings(100, -1), "has no room"),
    ],
)
def test_settings_that_do_not_fit(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong.check(TOKENIZER)
    SETTINGS.check(TOKENIZER)
