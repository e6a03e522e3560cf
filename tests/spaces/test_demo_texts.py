"""The demo Space without its page: a visitor's texts, links, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from xlir_demo.checkpoints import HYBRID, MONOLINGUAL, NAMES
from xlir_demo.corpora import Corpus, CorpusStore, parse_corpus
from xlir_demo.limits import MAX_CORPUS_BYTES, MAX_PASSAGE, MAX_PASSAGES
from xlir_demo.permalinks import Link, link_text, read_link

from hf_hybrid.errors import InputError
from tests.spaces.payloads import PAYLOADS

# ---------------------------------------------------------------- a visitor's texts


def test_the_three_formats_are_one_corpus():
    rows = [("The library, it opens at nine.", "en", "a"), ("Die Bücherei ist zu.", "de", "b")]
    texts = "\n".join(row[0] for row in rows)
    table = "text,lang,id\n" + "\n".join(f'"{text}",{tag},{name}' for text, tag, name in rows)
    objects = [{"text": text, "lang": tag, "id": name} for text, tag, name in rows]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in objects)
    expected = parse_corpus(table)
    assert list(expected.texts) == [row[0] for row in rows]
    assert list(expected.languages) == ["en", "de"] and list(expected.ids) == ["a", "b"]
    for same in (
        lines,
        json.dumps(objects),
        "\ufeff" + table.replace("\n", "\r\n"),
        table.encode(),
        "\ufeff".encode() + lines.encode(),
    ):
        assert parse_corpus(same) == expected
    plain = parse_corpus(texts)
    assert plain.texts == expected.texts and plain.languages == expected.languages and list(plain.ids) == ["1", "2"]
    assert parse_corpus(texts.replace("\n", "\n\n")) == plain


def test_the_name_of_a_file_or_the_visitor_tells_the_format():
    content = "text,lang\nHello there my friend,en"
    assert len(parse_corpus(content).texts) == 1
    assert len(parse_corpus(content, file_name="x.txt").texts) == 2
    assert len(parse_corpus(content, "text", "x.csv").texts) == 2
    assert list(parse_corpus("passage\none\ntwo", file_name="X.CSV").texts) == ["one", "two"]
    assert list(parse_corpus("first line\nsecond line\n\nnext").texts) == ["first line second line", "next"]
    assert list(parse_corpus("42\n🚀").languages) == ["und", "und"]


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
        ('{"text": "a"}\n{"text": "\\udc00"}', "jsonl", "line 2: holds half of a surrogate pair"),
        ('{"text": "a", "lang": "xx"}', "jsonl", "no language tag"),
        ("a", "html", "format must be one of"),
        ("a", None, "format must be one of"),
        ("a\n" * (MAX_PASSAGES + 1), "text", "more than 5,000 passages"),
        ("x" * (MAX_PASSAGE + 1), "text", "Row 1 has 2,001 characters"),
        ("name,lang\na,b", "csv", "one of them must be text"),
        ('text\n"open', "csv", "not CSV"),
        ("text\n" + "x" * 200_000, "csv", "not CSV"),
        ('text,lang\n"",en', "csv", "Row 1 has no text"),
        ("text,lang\nhello,<b>", "csv", "no language tag"),
        ("text,id\nhello," + "i" * 101, "csv", "an id must be"),
        ("{", "jsonl", "not JSONL"),
        ("[" * 100_000, "jsonl", "not JSONL"),
        ("[1]", "jsonl", "Row 1 is not an object"),
        ('{"text": 1}', "jsonl", "Row 1 has no text"),
        ('{"passage": "a"}\n{"passage": null}', "jsonl", "Row 2 has no text"),
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
        pool = parse_corpus(content, "jsonl")
        assert list(pool.texts) == ["a b c", "d"] and list(pool.languages) == ["en", "zh-Hans"]
    assert list(parse_corpus("\ufeffone\u2028more\r\ntwo\x0cmore\r\n", "text").texts) == ["one more", "two more"]


def corpus() -> Corpus:
    return Corpus(parse_corpus("hello"), HYBRID, np.ones((1, 2), np.float32))


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
    pool = parse_corpus("The Volga flows into the Caspian Sea.\nVanilla grows on an orchid.")
    vectors = views.answers.encoders[HYBRID](list(pool.texts), "passage")
    name = views.store.add(Corpus(pool, HYBRID, vectors))
    view = views.own_search(name, "Where does the Volga end?", 5)
    assert view.index("Caspian") < view.index("Vanilla") and "What is right is not known" in view
    assert "2 passages" in views.corpus(name, "<b>.txt") and "&lt;b&gt;.txt" in views.corpus(name, "<b>.txt")
    views.store.remove(name)
    assert 'role="alert"' in views.own_search(name, "Where?", 5) and len(views.store) == store_size


# ---------------------------------------------------------------- links


@pytest.mark.parametrize(
    "link",
    [
        Link(),
        Link("compare", "¿Dónde & cómo? #1 +2", "es", MONOLINGUAL, HYBRID, ("ar", "zh"), 50, "wf-rivers-01"),
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
    assert read_link({"checkpoint": NAMES[2]}, checkpoints=NAMES[:2]) == (
        Link(),
        ["The link asks for a checkpoint that this page does not have; the usual one is shown."],
    )
