"""Questions that a reader trains on, their distractors, and the windows and batches made of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hf_hybrid.data.squad import Answer, Question
from hf_hybrid.errors import InputError
from hf_hybrid.metrics.answers import holds_answer
from hf_hybrid.reading.windows import WindowSettings
from hf_hybrid.training.reader.batches import WindowBatches, labelled_windows
from hf_hybrid.training.reader.questions import Pair, chosen_questions, training_pairs
from tests.reading.small_readers import small_tokenizer


def question(number: int, lang: str = "en", **fields) -> Question:
    text = f"It is number {number}00 here"
    return Question(
        **{
            "id": str(number),
            "text": f"Which number is {number} ?",
            "context": text,
            "answers": (Answer(f"{number}00", 13),),
            "lang": lang,
            **fields,
        }
    )


def test_a_language_has_at_most_so_many_of_each_source():
    sources = [
        [question(n, "en") for n in range(30)] + [question(n, "sw") for n in range(5)],
        [question(7, "en")] * 20,
    ]
    found = chosen_questions(sources, rows_per_language=10, seed=3)
    assert Counter(one.lang for one in found) == {"en": 20, "sw": 5}
    assert found == chosen_questions(sources, rows_per_language=10, seed=3)
    assert found != chosen_questions(sources, rows_per_language=10, seed=4)
    assert len(chosen_questions(sources)) == 55
    with pytest.raises(InputError, match="no question has an answer to train on"):
        chosen_questions([[question(1, answers=())]])


def test_distractors_hold_no_answer_and_are_of_the_language():
    rows = [question(n, lang) for lang in ("en", "sw") for n in range(1, 41)]
    pairs = training_pairs(rows, distractors=0.5, seed=1)
    assert [pair.answer for pair in pairs[:80]] == [row.answers[0] for row in rows]
    added = pairs[80:]
    assert len(added) == 40 and all(pair.answer is None for pair in added)
    for pair in added:
        number = pair.question.split()[-2]
        assert not holds_answer(pair.passage, [f"{number}00"])
    assert training_pairs(rows, distractors=0.0) == pairs[:80]
    # Where every passage holds the answer, there is none to add.
    same = [question(1, context="It is number 100 here", id=str(n)) for n in range(4)]
    assert len(training_pairs(same, distractors=1.0)) == 4
    with pytest.raises(InputError, match="--distractors must lie between 0 and 1"):
        training_pairs(rows, distractors=1.5)


def test_of_a_long_passage_one_window_without_the_answer_is_kept():
    text = "The roof is blue . " * 60 + "The door is red . "
    pair = Pair("What colour ?", text, Answer("red", text.index("red")))
    windows = labelled_windows(small_tokenizer(128), [pair, Pair("Who ?", text, None)], WindowSettings(100, 8))
    without = [window.pair for window, first, _ in windows if first == window.null]
    assert without == [0, 1] and len(windows) > 2
    for window, first, last in windows:
        if first != window.null:
            start, end = window.offsets[first - window.first, 0], window.offsets[last - window.first, 1]
            assert text[start:end].strip() == "red"


def test_batches_have_every_window_once_and_little_padding():
    tokenizer = small_tokenizer(128)
    rows = [question(n, context=f"It is number {n}00 here" + " red" * (n % 40)) for n in range(1, 100)]
    windows = labelled_windows(tokenizer, training_pairs(rows), WindowSettings(100, 8))
    batches = WindowBatches(windows, rows=8, pad=1, seed=2)
    assert sorted(np.concatenate(batches.batches).tolist()) == list(range(99)) and len(batches) == 13
    plain = sum(len(window) for window, _, _ in windows)
    assert plain <= batches.tokens < 1.2 * plain
    item = batches[3]
    assert set(item) == {"input_ids", "attention_mask", "start_positions", "end_positions"}
    for row, index in enumerate(batches.batches[3]):
        window, first, last = windows[index]
        assert item["attention_mask"][row].sum() == len(window)
        assert [item[f"{side}_positions"][row].item() for side in ("start", "end")] == [first, last]
        assert (item["input_ids"][row, len(window) :] == 1).all()
