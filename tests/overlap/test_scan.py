"""What is found, by which check, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.overlap.index import Thresholds
from hf_hybrid.overlap.scan import Hit, Scan, scan
from tests.overlap.lighthouse import QUESTIONS, SENTENCES

Write = Callable[..., Path]
FIRST, SECOND = SENTENCES["en"]
OTHER = "Bakers in the harbour town sell dark bread with caraway to the crews of passing ships every single morning."


def hits(train: Path, against: Path, **options: object) -> list[Hit]:
    return scan([train], {"eval": against}, **options).hits


@pytest.mark.parametrize(
    ("lang", "text", "check"),
    [
        ("en", FIRST, "exact"),
        ("en", FIRST.upper().replace(",", " ;") + "!!", "exact"),
        ("en", f"{FIRST} {SECOND}", "exact"),
        ("en", f"{OTHER} {SECOND} {OTHER}", "ngram_13"),
        ("en", " ".join(FIRST.split()[3:18]), "ngram_13"),
        ("en", " ".join(FIRST.split()[2:11]), "ngram_8_share"),
        ("en", FIRST.replace("brothers", "sisters"), "near_duplicate"),
        ("zh", SENTENCES["zh"][0], "exact"),
        ("zh", f"港口城市的面包师每天早上卖黑面包。{SENTENCES['zh'][1]}", "ngram_13"),
        ("zh", SENTENCES["zh"][0][4:20], "ngram_8_share"),
        ("zh", SENTENCES["zh"][0].replace("兄弟", "姐妹"), "near_duplicate"),
    ],
)
def test_overlap_is_found(write_train: Write, against: Path, lang: str, text: str, check: str) -> None:
    train = write_train([("a", lang, "Some question of no importance at all?", text), ("b", lang, "?", OTHER)])
    (hit,) = hits(train, against)
    assert (hit.key, hit.lang, hit.source, hit.field) == ("a", lang, "set-a", "passage")
    assert check in hit.checks
    assert hit.check == hit.checks[0]
    assert hit.against.lang == lang and hit.against.name == "eval"


def test_question_is_found_and_its_words_shown(write_train: Write, against: Path) -> None:
    question = QUESTIONS["en"].replace("old", "ancient")
    (hit,) = hits(write_train([("a", "en", question, OTHER)]), against)
    assert (hit.field, hit.against.key, hit.against.field) == ("query", "q1", "query")
    assert hit.shared == "lighthouse that stands on the northern cape"


@pytest.mark.parametrize(
    "text",
    [
        OTHER,
        "The old lighthouse on the southern hill was painted by two sisters.",
        "in the winter of 1871",
        "Der alte Leuchtturm am Nordkap wurde im Winter 1871 von drei Brüdern gebaut.",
    ],
)
def test_unrelated_and_translated_texts_are_not_found(write_train: Write, against: Path, text: str) -> None:
    assert hits(write_train([("a", "en", "What?", text)]), against) == []


def test_text_on_both_sides_is_one_hit(write_train: Write, against: Path) -> None:
    (hit,) = hits(write_train([("a", "en", FIRST, FIRST)]), against)
    assert hit.field == "both"


def test_short_texts_are_compared_as_titles_only(write_train: Write, against: Path) -> None:
    train = write_train([("a", "en", "x", "Cape lighthouse", None), ("b", "ja", "x", "y", "CAPE LIGHTHOUSE")])
    (hit,) = hits(train, against)
    assert (hit.key, hit.field, hit.check, hit.against.field) == ("b", "title", "title", "title")


def test_checks_can_be_chosen(write_train: Write, against: Path) -> None:
    train = write_train([("a", "en", "x", FIRST)])
    (hit,) = hits(train, against, checks=["near_duplicate"])
    assert hit.checks == ("near_duplicate",)
    assert hits(train, against, checks=["title"]) == []
    with pytest.raises(InputError, match="unknown check 'exactly'"):
        hits(train, against, checks=["exactly"])


def test_thresholds(write_train: Write, against: Path) -> None:
    train = write_train([("a", "en", "x", FIRST.replace("brothers", "sisters"))])
    assert hits(train, against, checks=["near_duplicate"], thresholds=Thresholds(similarity=0.95)) == []
    assert hits(train, against, checks=["exact"], thresholds=Thresholds(min_letters=0)) == []
    assert (
        hits(
            write_train([("a", "en", "x", FIRST)], "again"),
            against,
            thresholds=Thresholds(min_letters=500),
            checks=["exact"],
        )
        == []
    )


def test_blocks_of_evaluation_texts_give_the_same_hits(write_train: Write, against: Path) -> None:
    train = write_train(
        [("a", "en", QUESTIONS["en"], FIRST), ("b", "zh", None, SENTENCES["zh"][1]), ("c", "en", "x", OTHER)]
    )
    whole = scan([train], {"eval": against})
    # Less than one text fits: every text is a block of its own.
    parts = scan([train], {"eval": against}, max_memory_mb=0.001)
    key = lambda hit: (hit.key, hit.field, hit.check, hit.against.key)  # noqa: E731
    assert sorted(map(key, whole.hits)) == sorted(map(key, parts.hits))
    assert (whole.train_rows, whole.against_texts, whole.against_hit) == (
        parts.train_rows,
        parts.against_texts,
        parts.against_hit,
    )


def test_counts(write_train: Write, against: Path) -> None:
    found: Scan = scan([write_train([("a", "en", QUESTIONS["en"], FIRST), ("b", "de", "x", "y")])], {"eval": against})
    assert found.train_rows == {("set-a", "en"): 1, ("set-b", "de"): 1}
    assert found.against_texts["eval", "passage", "en"] == 3
    # The sentence, and the paragraph that holds it.
    assert found.against_hit["eval", "passage", "en"] == 2
    assert found.against_hit["eval", "query", "en"] == 1
    assert found.against_hit["eval", "passage", "zh"] == 0


def test_common_phrases_of_a_template_do_not_explode(write_train: Write, tmp_path: Path) -> None:
    phrase = "this phrase of more than a dozen words is a part of every single text of the template"
    evaluation = write_train([(f"e{n}", "en", "x", f"{phrase} number{n}") for n in range(300)], "templates")
    (hit,) = hits(write_train([("a", "en", "x", f"{phrase} but not here")]), evaluation)
    assert "ngram_13" in hit.checks


def test_nothing_to_compare_with(write_train: Write, tmp_path: Path) -> None:
    empty = tmp_path / "en.jsonl"
    empty.write_text("")
    with pytest.raises(InputError, match="no text in it"):
        hits(write_train([("a", "en", "x", "y")]), empty)


def test_short_evaluation_text_inside_another(write_train: Write) -> None:
    rows = [("q", "en", "Which harbour sells caraway bread?", None), ("t", "th", "ร้านไหนในเมืองท่าขายขนมปังยี่หร่า", None)]
    evaluation = write_train(rows, "evaluation")
    train = write_train(
        [
            ("a", "en", None, f"{OTHER} People ask: which harbour sells caraway bread? Nobody knows."),
            ("b", "th", None, "คนเดินเรือถามว่าร้านไหนในเมืองท่าขายขนมปังยี่หร่าแต่ไม่มีใครรู้คำตอบ"),
            ("c", "en", None, f"{OTHER} Which harbour sells bread with caraway?"),
        ]
    )
    found = hits(train, evaluation)
    assert [(hit.key, hit.check, hit.against.key) for hit in found] == [
        ("a", "whole_inside", "q"),
        ("b", "whole_inside", "t"),
    ]
