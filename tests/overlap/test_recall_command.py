"""The benchmark of planted contamination: what it plants, and that its figures follow from what is found."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import decontamination_recall as recall

from hf_hybrid.overlap.comparable_text import comparable

WORDS = (
    "harbour lantern meadow granite orchard pilot violin copper sparrow timber glacier saddle marble candle fossil "
    "ladder"
).split()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Six paragraphs of two sentences and a question, of random words, in English and in Chinese characters."""
    rng = random.Random(0)
    for lang in ("en", "zh"):
        word = (
            (lambda: rng.choice(WORDS) + str(rng.randrange(10_000)))
            if lang == "en"
            else (lambda: chr(rng.randrange(0x4E00, 0x9000)) * 1)
        )
        join = " ".join if lang == "en" else "".join
        paragraphs = []
        for n in range(6):
            sentences = [join(word() for _ in range(30)) + "." for _ in range(2)]
            question = {"id": f"q{n}", "question": join(word() for _ in range(20)) + "?"}
            paragraphs.append({"context": join(sentences), "sentences": sentences, "qas": [question]})
        (tmp_path / f"{lang}.json").write_text(
            json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}), encoding="utf-8"
        )
    return tmp_path


def test_changes_are_what_they_say() -> None:
    rng = random.Random(1)
    text = "The old lantern, made of copper, hung above the orchard gate for years."
    other = "Nobody knows when the granite steps were laid. They are steep."
    assert comparable(recall.case_and_punctuation(text, rng, other)) == comparable(text)
    words = text.split()
    assert len(recall.truncated(text, rng, other).split()) == round(0.6 * len(words))
    replaced = recall.one_word_replaced(text, rng, other).split()
    assert len(replaced) == len(words) and sum(a != b for a, b in zip(replaced, words, strict=True)) <= 1
    assert f" {text} " in recall.inside_another(text, rng, other)
    assert recall.words_of("港口的旧灯笼") == ["港口", "的旧", "灯笼"]


def test_figures(source: Path) -> None:
    rows = recall.plant(recall.read_halves(source), count=2, seed=1)
    assert len({row["id"] for row in rows}) == len(rows)
    planted = [row["id"] for row in rows if row["id"].startswith("planted/exact copy/question")]
    clean = [row["id"] for row in rows if row["id"].startswith("clean/clean/question")]
    figures = recall.measure(
        rows, {planted[0]: ("exact",), planted[1]: ("exact", "ngram_13"), clean[0]: ("near_duplicate",)}
    )
    cell = figures["by_type"]["exact copy"]["question"]
    # Two of four found, and one of as many clean ones.
    assert cell == {
        "planted": 4,
        "recall": 0.5,
        "precision": pytest.approx(2 / 3),
        "found_by": {"exact": 2, "ngram_13": 1},
    }
    assert figures["clean"]["question"] == {"texts": 4, "false_alarms": 1} and figures["false_alarms"] == [clean[0]]


def test_command(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    output = tmp_path / "recall.json"
    assert recall.main(["--source", str(source), "--count", "2", "--output", str(output)]) == 0
    report = json.loads(output.read_text())
    for kind in recall.KINDS:
        assert report["default"]["by_type"]["exact copy"][kind]["recall"] == 1
        assert report["default"]["clean"][kind]["false_alarms"] == 0
    assert report["across_languages"]["strings"]["recall"] == 0
    assert report["across_languages"]["strings_where_the_evaluation_has_the_language"] == 1
    assert recall.main(["--source", str(tmp_path / "none")]) == 2
    assert "no XQuAD-R files" in capsys.readouterr().err
