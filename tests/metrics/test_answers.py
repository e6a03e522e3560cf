"""Answers by the rules of SQuAD 1.1: against the official script's steps, on any strings."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hf_hybrid.metrics.answers import exact_match, f1_score, holds_answer, normalised_answer


# The steps of the official evaluation script of SQuAD 1.1, in its order, written down for comparison.
def official_normalise(s: str) -> str:
    lowered = s.lower()
    exclude = set(string.punctuation)
    without_punctuation = "".join(ch for ch in lowered if ch not in exclude)
    without_articles = re.sub(r"\b(a|an|the)\b", " ", without_punctuation)
    return " ".join(without_articles.split())


def official_f1(prediction: str, ground_truth: str) -> float:
    prediction_tokens = official_normalise(prediction).split()
    ground_truth_tokens = official_normalise(ground_truth).split()
    common = Counter(prediction_tokens) & Counter(ground_truth_tokens)
    num_same = sum(common.values())
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(prediction_tokens)
    recall = 1.0 * num_same / len(ground_truth_tokens)
    return (2 * precision * recall) / (precision + recall)


def official_max(measure, prediction: str, ground_truths: list[str]) -> float:
    return max(measure(prediction, ground_truth) for ground_truth in ground_truths)


# Letters of several scripts, signs of ASCII and others, articles in all cases, kinds of white space.
PIECES = st.sampled_from(
    ["a", "A", "an", "the", "The", "theatre", "ein", "Ä", "İ", "ß", "й", "ا", "ไทย", "日本", "1,999", "3.5"]
    + [" ", "\t", "\n", "\u00a0", "\u3000", "\u200b", "-", "–", ".", "…", "«", '"', "'", "’", "_", "a.n", "th-e"]
)
TEXTS = st.one_of(st.text(max_size=20), st.lists(PIECES, max_size=10).map("".join))


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
@example("the", ["a"])
@example("th-e end", ["end"])
@example("", [""])
def test_equal_to_the_official_script(prediction, answers):
    assert normalised_answer(prediction) == official_normalise(prediction)
    em = official_max(lambda a, b: official_normalise(a) == official_normalise(b), prediction, answers)
    assert exact_match(prediction, answers) == float(em)
    assert f1_score(prediction, answers) == pytest.approx(official_max(official_f1, prediction, answers), abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_bounds(prediction, answers):
    em, f1 = exact_match(prediction, answers), f1_score(prediction, answers)
    assert 0 <= f1 <= 1
    # Two answers of which nothing is left are equal, and share no token.
    assert f1 == 1 or not em or not normalised_answer(prediction)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.text(min_size=1, max_size=10), TEXTS)
def test_a_passage_holds_what_was_cut_from_it(before, answer, after):
    spaced = f"{before} {answer} {after}"
    assert holds_answer(spaced, ["something else entirely", answer])


def test_by_hand():
    assert f1_score("in the year 1999", ["1999"]) == pytest.approx(2 * 1 / (3 + 1))
    assert exact_match("日本。", ["日本"]) == 0.0  # the ideographic full stop is no ASCII punctuation
    assert exact_match("x", []) == f1_score("x", []) == 0.0
    assert not holds_answer("Nairobi", ["Mombasa"]) and holds_answer("NAIROBI!", ["nairobi"])
    assert holds_answer("x the y", ["the"]) and not holds_answer("x y", ["the"])
