"""The demo Space without its page: a visitor's texts, links, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from xlir_demo.checkpoints import NAMES
from xlir_demo.corpora import parse_corpus
from xlir_demo.corpus_store import Corpus, CorpusStore
from xlir_demo.limits import MAX_CORPUS_BYTES, MAX_PASSAGE, MAX_PASSAGES
from xlir_demo.permalinks import Link, link_text, read_link

from hf_hybrid.errors import InputError
from tests.spaces.payloads import PAYLOADS
from tests.spaces.small_checkpoints import BASE, HYBRID

# ---------------------------------------------------------------- a visitor's texts


def test_the_three_formats_are_one_corpus():
    rows = [("The library, it opens at nine.", "en", "a"), ("Die Bücherei ist zu.", "de", "b")]
    texts = "\n".join(row[0] for row in rows)
    table = "text,lang,id\n" + "\n".join(f'"{text}",{tag},{name}' for text, tag, name in rows)
    objects = [{"text": text, "lang": tag, "id": name} for text, tag, name in rows]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in objects)
    expected = parse_corpus(table).pool
    assert list(expected.texts) == [row[0] for row in rows]
    assert list(expected.languages) == ["en", "de"] and list(expected.ids) == ["a", "b"]
    for same in (
        lines,
        json.dumps(objects),
        "\ufeff" + table.replace("\n", "\r\n"),
        table.encode(),
        "\ufeff".encode() + lines.encode(),
    ):
        assert parse_corpus(same).pool == expected
    plain = parse_corpus(texts).pool
    assert plain.texts == expected.texts and plain.languages == expected.languages and list(plain.ids) == ["1", "2"]
    assert list(parse_corpus(texts.replace("\n", "\n\n")).pool.texts) == list(plain.texts)


def test_the_name_of_a_file_or_the_visitor_tells_the_format():
    content = "text,lang\nHello there my friend,en"
    assert len(parse_corpus(content).pool.texts) == 1
    assert len(parse_corpus(content, file_name="x.txt").pool.texts) == 2
    assert len(parse_corpus(content, "text", "x.csv").pool.texts) == 2
    assert list(parse_corpus("passage\none\ntwo", file_name="X.CSV").pool.texts) == ["one", "two"]
    assert list(parse_corpus("first line\nsecond line\n\nnext").pool.texts) == ["first line second line", "next"]
    assert list(parse_corpus("42\n🚀").pool.languages) == ["und", "und"]


@pytest.mark.parametrize(
    ("content", "form", "message"),
    [
        ("", "detect", "no text yet"),
        ("  \n", "detect", "no text yet"),
        (None, "detect", "no text yet"),
        (b"", "detect", "no text yet"),
        ("a" * (MAX_CORPUS_BYTES + 1), "text", "larger than 2 MB"),
        ("ü" * (MAX_CORPUS_BYTES // 2 + 1), "text", "larger than 2 MB"),
        (b"a" * (MAX_CORPUS_BYTES + 1), "text", "larger than 2 MB"),
        (b"\xff\xfe\x00", "detect", "not text in UTF-8"),
        ("Größe".encode("latin-1"), "text", "it seems to be Windows-1252 or Latin-1"),
        ("a\nb\ud800", "text", "half of a surrogate pair"),
        ('{"text": "a", "lang": "xx"}', "jsonl", "no language tag"),
        ("a", "html", "format must be one of"),
        ("a", None, "format must be one of"),
        ("a\n" * (MAX_PASSAGES + 1), "text", "more than 5,000 passages"),
        ("x" * (MAX_PASSAGE + 1), "text", "Line 1 has 2,001 characters"),
        ("name,lang\na,b", "csv", "one of them must be text"),
        ('text\n"open', "csv", "not CSV"),
        ("text\n" + "x" * 200_000, "csv", "not CSV"),
        ('text,lang\n"",en', "csv", "has no text"),
        ("text,lang\nhello,<b>", "csv", "no language tag"),
        ("text,id\nhello," + "i" * 101, "csv", "an id must be"),
        ("{", "jsonl", "not JSON"),
        ("[" * 100_000, "jsonl", "not JSON"),
        ("[1]", "jsonl", "Line 1 is not an object"),
        ('{"text": 1}', "jsonl", "has no text"),
        ('{"text": "a", "lang": ["de"]}', "jsonl", "no language tag"),
        ('{"text": "a", "id": true}', "jsonl", "an id must be"),
        ("[]", "jsonl", "no passages in this text"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(content, form, message):
    with pytest.raises(InputError) as caught:
        parse_corpus(content, form)
    assert message in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_only_a_line_feed_ends_a_line():
    rows = '{"text": "a\u2028b\x85c", "lang": "EN"}\r\n\r\n{"text": "d", "lang": "zh_Hans"}\n\n'
    for content in (rows, rows.encode(), b"\xef\xbb\xbf" + rows.encode()):
        pool = parse_corpus(content, "jsonl").pool
        assert list(pool.texts) == ["a b c", "d"] and list(pool.languages) == ["en", "zh-Hans"]
    assert list(parse_corpus("\ufeffone\u2028more\r\ntwo\x0cmore\r\n", "text").pool.texts) == ["one more", "two more"]


def corpus() -> Corpus:
    return Corpus(parse_corpus("hello").pool, {HYBRID: np.ones((1, 2), np.float32)})


def test_texts_are_forgotten_in_time_and_make_room():
    now = [0.0]
    store = CorpusStore(most=2, seconds=10, clock=lambda: now[0])
    first, second = store.add(corpus()), store.add(corpus())
    assert first != second and len(first) >= 20
    assert store.get(first).pool.texts == ["hello"]
    third = store.add(corpus())  # the second was used longest ago
    with pytest.raises(InputError, match="no texts to search"):
        store.get(second)
    now[0] = 9.9
    assert store.get(first) and store.get(third) and len(store) == 2
    now[0] = 10.0
    assert len(store) == 0
    store.remove(first)
    store.remove(None)
    for name in (first, None, "", "guess"):
        with pytest.raises(InputError, match="no texts to search"):
            store.get(name)


def test_a_search_in_a_visitors_texts(views):
    store_size = len(views.store)
    name = views.keep(parse_corpus("The Volga flows into the Caspian Sea.\nVanilla grows on an orchid."))
    asked = ("Where does the Volga end?", "guess", BASE, HYBRID, 5)
    view = views.own_search(name, *asked)
    lists = view.split("<ol")[1:]
    assert len(lists) == 2 and all(one.index("Caspian") < one.index("Vanilla") for one in lists)
    assert "What is right is not known" in view
    assert "2 passages" in views.corpus(name, "<b>.txt") and "&lt;b&gt;.txt" in views.corpus(name, "<b>.txt")
    # Each checkpoint embeds when it is first used, and once.
    assert set(views.store.get(name).vectors) == {BASE, HYBRID}
    steps = []
    one = views.own_search(name, "Vanilla?", "guess", HYBRID, HYBRID, 1, steps.append)
    assert steps == [] and one.count("<ol") == 1 and one.count("<li") == 1
    views.store.remove(name)
    assert 'role="alert"' in views.own_search(name, *asked) and len(views.store) == store_size


def test_the_question_of_the_example_finds_its_answer(views):
    from xlir_demo.tabs.texts_tab import EXAMPLE, EXAMPLE_QUESTION

    name = views.keep(parse_corpus(EXAMPLE))
    view = views.own_search(name, EXAMPLE_QUESTION, "guess", BASE, HYBRID, 6)
    assert all(
        one.index("opens at nine") < one.index("Dienstag" if "Dienstag" in one else "sonntags")
        for one in view.split("<ol")[1:]
    )
    views.store.remove(name)


def test_any_delimiter_of_a_csv_is_seen():
    for delimiter in ",;\t|":
        content = f'lang{delimiter}"Text"\nde{delimiter}"Hallo, Welt"\nen{delimiter}Hello'
        parsed = parse_corpus(content)
        assert list(parsed.pool.texts) == ["Hallo, Welt", "Hello"] and list(parsed.pool.languages) == ["de", "en"]
        assert parsed.problems == ()
    assert list(parse_corpus("text ; lang\na,b ; de", file_name="x.csv").pool.texts) == ["a,b"]
    # A sentence with a semicolon is no table.
    assert len(parse_corpus("One; two\nthree; four").pool.texts) == 2


def test_bad_rows_are_told_by_their_line_and_the_others_kept():
    lines = [
        '{"text": "one"}',
        "",
        '{"text": ',
        '{"text": ""}',
        "[1]",
        '{"text": "two", "lang": "xx-nope-"}',
        '{"text": "three"}',
    ]
    parsed = parse_corpus("\n".join(lines), "jsonl")
    assert list(parsed.pool.texts) == ["one", "three"] and list(parsed.pool.ids) == ["1", "6"]
    assert [problem.split(" ")[1].rstrip(":") for problem in parsed.problems] == ["3", "4", "5", "6"]
    assert parsed.problems[0] == "Line 3: not JSON (Expecting value at character 10); mend or remove it."
    table = parse_corpus("text,lang\none,en\n,en\ntwo,<b>\nthree,de")
    assert list(table.pool.texts) == ["one", "three"]
    assert table.problems == ("Line 3 has no text.", "Line 4: '<b>' is no language tag like de or zh-Hant.")
    with pytest.raises(InputError, match="^Line 2 has no text.$"):
        parse_corpus("text\n \n", "csv")
    half = parse_corpus('{"text": "a"}\n{"text": "\\udc00"}', "jsonl")
    assert list(half.pool.texts) == ["a"] and half.problems[0].startswith("Line 2: holds half of a surrogate pair")


def test_what_was_left_out_is_shown_and_counted(views):
    parsed = parse_corpus('{"text": "a"}\n' + '{"text": ""}\n' * 7, "jsonl")
    name = views.keep(parsed)
    shown = views.corpus(name, "", parsed.problems)
    assert "7 rows were left out" in shown and "Line 2 has no text." in shown and "and 2 more" in shown
    views.store.remove(name)


# ---------------------------------------------------------------- links


@pytest.mark.parametrize(
    "link",
    [
        Link(),
        Link("languages", "¿Dónde & cómo? #1 +2", "es", NAMES[0], NAMES[1], ("ar", "zh"), 50, "wf-rivers-01"),
        Link(question="<img src=x onerror=alert(1)>", only=("th",)),
    ],
)
def test_a_link_opens_what_it_was_made_of(link):
    from urllib.parse import parse_qsl

    text = link_text(link)
    assert not set(text) & set("<>\"' ")
    assert read_link(dict(parse_qsl(text[1:])), ["wf-rivers-01"]) == (link, [])


def test_whatever_is_wrong_in_a_link_becomes_the_usual_and_is_told():
    for attack in (*PAYLOADS, "../../etc/passwd", "x" * 100_000, "\0", "٣", "-1", "1e9"):
        parameters = dict.fromkeys(("tab", "lang", "checkpoint", "other", "only", "k", "fact"), attack)
        link, wrong = read_link(parameters | {"unknown": attack}, ["wf-rivers-01"])
        assert link == Link() and len(wrong) >= 5
        assert attack not in " ".join(wrong)
    assert read_link({"q": "x" * 301})[0].question == "" and read_link({"q": ""})[0] == Link()
    assert read_link({"only": "de,xx"})[0].only == ("de",)
    assert read_link({"tab": "search", "q": "x"}) == (Link(question="x"), [])  # what links of earlier pages said
    assert read_link({"checkpoint": NAMES[2]}, checkpoints=NAMES[:2]) == (
        Link(),
        ["The link asks for a checkpoint that this page does not have; the usual one is shown."],
    )
