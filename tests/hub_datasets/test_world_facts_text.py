"""The text of world_facts: the same facts in every language, well formed, in the right script, with the same
numbers.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

TEXT = Path(__file__).resolve().parents[2] / "hub_datasets" / "world_facts" / "text"
XQUAD_R = {"ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"}
LANGUAGES = sorted(path.stem for path in TEXT.glob("*.jsonl"))
FIELDS = ["id", "topic", "question", "passage", "answer"]
FACTS_PER_TOPIC = 8
TOPICS = 13

# First words of Unicode character names. Latin is let through in small amounts for symbols and names such as Au or
# SOS.
SCRIPT = {"ar": "ARABIC", "el": "GREEK", "hi": "DEVANAGARI", "ru": "CYRILLIC", "th": "THAI", "zh": "CJK"}
MOST_LATIN = {"zh": 0.25, "": 0.1}  # a Chinese character is a word, so a Latin word weighs more there
# Letters beyond a-z: those of the language, and those that names such as Elcano's keep.
LATIN_LETTERS = {"en": "áéç", "de": "äöüßáéç", "es": "áéíóúüñçè", "tr": "çğıöşüâîûéá"}
# A Turkish or Vietnamese sentence of some length always has letters beyond a-z; one that has none lost its marks.
OWN_LETTERS = {
    "tr": set("çğıöşü"),
    "vi": set("ăâđêôơư") | set("áàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữự"),
}
QUESTION_MARK = {"ar": "؟", "el": ";", "zh": "？", "th": ""}
# Thai has no mark that ends a sentence, so its sentences are not counted.
SENTENCE_END = {"zh": r"[。！？]", "hi": r"[।!?](?=\s|$)", "el": r"[.!;](?=\s|$)", "ar": r"[.!؟](?=\s|$)"}
WESTERN_SENTENCE_END = r"[.!?][”»“]?(?=\s|$)"
QUESTION_LENGTH = {"zh": (7, 45), "": (15, 130)}
PASSAGE_LENGTH = {"zh": (30, 150), "": (90, 420)}
NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f٫٬]\d+)*")

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def texts() -> dict[str, Rows]:
    return {
        lang: [json.loads(line) for line in (TEXT / f"{lang}.jsonl").read_text("utf-8").splitlines()]
        for lang in LANGUAGES
    }


def numbers(text: str) -> Counter[str]:
    """The numbers of a text as plain digits: 1,642, 1.642 and ١٬٦٤٢ are one number, and so are 42.195 and 42,195."""
    return Counter("".join(str(int(c)) for c in n if c.isdigit()) for n in NUMBER.findall(text))


def letter_scripts(text: str) -> list[str]:
    return [unicodedata.name(c).split()[0] for c in text if c.isalpha()]


def test_the_languages_are_those_of_xquad_r() -> None:
    assert "en" in LANGUAGES
    assert set(LANGUAGES) == XQUAD_R


def test_ids_and_topics() -> None:
    rows = [json.loads(line) for line in (TEXT / "en.jsonl").read_text("utf-8").splitlines()]
    assert Counter(Counter(row["topic"] for row in rows).values()) == {FACTS_PER_TOPIC: TOPICS}
    places: Counter[str] = Counter()
    for row in rows:
        places[row["topic"]] += 1
        assert row["id"] == f"wf-{row['topic']}-{places[row['topic']]:02d}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_same_facts_in_the_same_order(texts: dict[str, Rows], lang: str) -> None:
    assert all(list(row) == FIELDS for row in texts[lang])
    assert [(row["id"], row["topic"]) for row in texts[lang]] == [(row["id"], row["topic"]) for row in texts["en"]]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("field", ["question", "passage"])
def test_nothing_appears_twice(texts: dict[str, Rows], lang: str, field: str) -> None:
    assert [text for text, count in Counter(row[field].casefold() for row in texts[lang]).items() if count > 1] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_file_is_clean_unicode(lang: str) -> None:
    text = (TEXT / f"{lang}.jsonl").read_bytes().decode("utf-8")
    assert text.endswith("}\n") and "\r" not in text
    assert "\\" not in text  # no escapes: the text is readable as it stands, and has no straight double quotes
    assert unicodedata.normalize("NFC", text) == text
    invisible = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn"}} - {"\n"}
    assert invisible - set("\u200c\u200d" if lang == "hi" else "") == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_spaces(texts: dict[str, Rows], lang: str) -> None:
    for row in texts[lang]:
        for text in row.values():
            assert text == text.strip() and text, row["id"]
            assert not re.search(r"\s\s|\s[.,?!]|[\[\]]", text), (row["id"], text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_answer_stands_in_the_passage_and_not_in_the_question(texts: dict[str, Rows], lang: str) -> None:
    for row in texts[lang]:
        assert row["answer"] in row["passage"], row["id"]
        assert row["answer"].casefold() not in row["question"].casefold(), row["id"]
        assert len(row["answer"]) < len(row["passage"]) / 2, row["id"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_questions_end_as_questions(texts: dict[str, Rows], lang: str) -> None:
    mark = QUESTION_MARK.get(lang, "?")
    for row in texts[lang]:
        question = row["question"]
        assert question.endswith(mark) and len(re.findall(r"[?;؟？]", question)) == len(mark), row["id"]
        assert question.startswith("¿") == (lang == "es"), row["id"]


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "th"])
def test_passages_have_two_or_three_sentences(texts: dict[str, Rows], lang: str) -> None:
    end = re.compile(SENTENCE_END.get(lang, WESTERN_SENTENCE_END))
    for row in texts[lang]:
        ends = [found.end() for found in end.finditer(row["passage"])]
        assert len(ends) in (2, 3), (row["id"], row["passage"])
        assert ends[-1] == len(row["passage"]), row["id"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("field", "bounds"), [("question", QUESTION_LENGTH), ("passage", PASSAGE_LENGTH)])
def test_lengths(texts: dict[str, Rows], lang: str, field: str, bounds: dict[str, tuple[int, int]]) -> None:
    least, most = bounds.get(lang, bounds[""])
    lengths = {row["id"]: len(row[field]) for row in texts[lang]}
    assert {key: length for key, length in lengths.items() if not least <= length <= most} == {}


@pytest.mark.parametrize("lang", sorted(set(LANGUAGES) & set(SCRIPT)))
@pytest.mark.parametrize("field", ["question", "passage"])
def test_other_scripts_than_latin(texts: dict[str, Rows], lang: str, field: str) -> None:
    for row in texts[lang]:
        scripts = Counter(letter_scripts(row[field]))
        assert set(scripts) <= {SCRIPT[lang], "LATIN"}, (row["id"], scripts)
        assert scripts["LATIN"] <= MOST_LATIN.get(lang, MOST_LATIN[""]) * scripts.total(), (row["id"], scripts)
        if lang in ("el", "ru"):  # a Latin letter inside a Greek or Cyrillic word looks right and is wrong
            mixed = [word for word in re.findall(r"[^\W\d_]+", row[field]) if len(set(letter_scripts(word))) > 1]
            assert mixed == [], row["id"]


@pytest.mark.parametrize("lang", sorted(set(LANGUAGES) - set(SCRIPT)))
def test_latin_script(texts: dict[str, Rows], lang: str) -> None:
    for row in texts[lang]:
        text = row["question"] + " " + row["passage"]
        assert set(letter_scripts(text)) == {"LATIN"}, row["id"]
        if lang in LATIN_LETTERS:
            letters = {c for c in text if c.isalpha() and not c.isascii()}
            strange = {c for c in letters if c.lower() not in LATIN_LETTERS[lang] and c != "İ"}
            assert strange == set(), (row["id"], strange)
        if lang in OWN_LETTERS:
            assert set(row["passage"].lower()) & OWN_LETTERS[lang], row["id"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("field", ["question", "passage", "answer"])
def test_numbers_written_in_digits_are_those_of_the_english_text(
    texts: dict[str, Rows], lang: str, field: str
) -> None:
    for row, english in zip(texts[lang], texts["en"], strict=True):
        assert numbers(row[field]) == numbers(english[field]), (row["id"], row[field])


def test_numbers_are_read_in_every_format() -> None:
    same = ["299,792,458", "299.792.458", "299\u00a0792\u00a0458", "299792458", "٢٩٩٬٧٩٢٬٤٥٨", "२९९,७९२,४५८"]
    assert {tuple(numbers(text + " m.")) for text in same} == {("299792458",)}
    assert numbers("In 1815, 300 or 42.195, 1.") == Counter(["1815", "300", "42195", "1"])
