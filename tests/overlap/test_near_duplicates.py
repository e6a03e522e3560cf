"""Near-duplicates: the exact similarity decides, candidates are rarely missed."""

from __future__ import annotations

import random
import sys

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.overlap.comparable_text import comparable
from hf_hybrid.overlap.near_duplicates import NearDuplicates, shingle_sets

WORDS = (
    "river tower town market bridge garden castle harbour forest valley mountain island coast desert village".split()
)


def jaccard(one: str, other: str, n: int = 5) -> float:
    a, b = ({text[k : k + n] for k in range(len(text) - n + 1)} for text in (one, other))
    return len(a & b) / len(a | b)


def sentences(count: int, seed: int = 0) -> list[str]:
    chooser = random.Random(seed)
    return [" ".join(chooser.choice(WORDS) + str(chooser.randrange(90)) for _ in range(12)) for _ in range(count)]


def test_finds_what_the_exact_similarity_says() -> None:
    originals = sentences(200)
    changed = [" ".join(["other", *text.split()[1:]]) for text in originals]
    index = NearDuplicates(0.7)
    index.add(range(200), originals)
    matches = index.matches(changed)
    expected = {(i, i) for i in range(200) if jaccard(changed[i], originals[i]) >= 0.7}
    found = {(match.text, match.key) for match in matches}
    # All matches are right; at the threshold MinHash may miss one in a hundred.
    assert found <= expected
    assert len(found) >= 0.98 * len(expected) > 100
    for match in matches:
        assert match.similarity == pytest.approx(jaccard(changed[match.text], originals[match.key]))


def test_most_similar_first() -> None:
    text = sentences(1)[0]
    near, nearer = text.replace(text.split()[3], "x"), text + " y"
    index = NearDuplicates(0.5)
    index.add([1, 2], [near, nearer])
    assert [match.key for match in index.matches([text])] == [2, 1]


def test_unrelated_texts_are_not_matched() -> None:
    index = NearDuplicates(0.7)
    index.add(range(100), sentences(100, seed=1))
    assert index.matches(sentences(100, seed=2)) == []


def test_first_of_several_is_kept() -> None:
    a, b = sentences(2)
    index = NearDuplicates(0.7)
    assert index.first_of([10, 11, 12, 13], [a, b, a + " z", "ab"]) == {12: 10}
    # A second batch meets the first; a text without shingles is neither kept nor left out.
    assert index.first_of([20, 21], [b + " z", "cd"]) == {20: 11}
    assert len(index) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "巴拿马运河于一九一四年建成，连接大西洋和太平洋两大洋",
            "巴拿马运河于一九一三年建成，连接大西洋和太平洋两大洋",
        ),
        ("คลองปานามาเชื่อมมหาสมุทรแอตแลนติกกับมหาสมุทรแปซิฟิก", "คลองปานามาเชื่อมมหาสมุทรแอตแลนติกและมหาสมุทรแปซิฟิก"),
    ],
)
def test_scripts_without_spaces(one: str, other: str) -> None:
    index = NearDuplicates(0.6)
    index.add([0], [comparable(one)])
    assert [match.key for match in index.matches([comparable(other)])] == [0]


def test_short_texts_have_no_shingles() -> None:
    assert [text for text, _ in shingle_sets(["abcd", "abcde", "", "运", "运河"])] == [1, 4]


def test_keys_are_added_once() -> None:
    index = NearDuplicates(0.7)
    index.add([1], ["abcdefgh"])
    with pytest.raises(ValueError, match="key 1"):
        index.add([1], ["abcdefgh"])


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(InputError, match=r"hf_hybrid\[data\]"):
        NearDuplicates(0.7)
