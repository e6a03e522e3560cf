"""What the demo Space shows: escaped, with directions and languages, numbers from files, mistakes in words."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from xlir_demo.benchmark_views import MISSING, benchmark_view
from xlir_demo.checkpoints import HYBRID, MONOLINGUAL, NAMES
from xlir_demo.comparing import Movement
from xlir_demo.corpora import Corpus, parse_corpus
from xlir_demo.markup import message
from xlir_demo.published import Published, read_published
from xlir_demo.slope_chart import slope_chart, slope_table

from tests.spaces.payloads import PAYLOADS

ELEMENTS = set(
    "section p b i u h2 h3 ol ul li div span mark small a code table caption thead tbody tr th td abbr details summary svg g line text bdi br".split()
)


class Elements(HTMLParser):
    """Elements, attributes and text of a view; void of anything that runs."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed("".join(html))  # markup would escape what is compared
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag != "br" and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        self.text += data


def harmless(html: str) -> Elements:
    """Parse a view, and check that it is made of known elements without handlers."""
    found = Elements(html)
    for tag, attributes in found.tags:
        assert tag in ELEMENTS, tag
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        if "href" in attributes:
            assert attributes["href"].startswith("?"), attributes
    return found


@pytest.mark.parametrize("attack", PAYLOADS)
def test_payloads_are_text_wherever_they_stand(views, attack):
    own = parse_corpus(json.dumps({"text": f"{attack} volga", "id": "1"}), "jsonl")
    corpus = Corpus(own, HYBRID, np.ones((1, 128), np.float32))
    name = views.store.add(corpus)
    rendered = [
        views.search(attack, "guess", HYBRID, [], 3),
        views.search("Where?", attack, HYBRID, [], 3),
        views.search("Where?", "guess", attack, [], 3),
        views.search("Where?", "guess", HYBRID, [attack], 3),
        views.compare(attack, "guess", MONOLINGUAL, HYBRID),
        views.translations(attack, HYBRID),
        views.benchmark(attack, attack),
        views.own_search(name, attack, 3),
        views.corpus(name, attack),
        message(attack),
    ]
    views.store.remove(name)
    for view in rendered:
        assert type(view) is str
        harmless(view)
    text = " ".join(attack.split())
    assert text in harmless(rendered[7]).text and attack in harmless(rendered[8]).text


def test_results_have_language_direction_rank_and_the_right_answers_marked(views):
    found = harmless(views.search("Where do the waters of the Volga end up?", "guess", HYBRID, [], 11))
    passages = [attributes for tag, attributes in found.tags if tag == "p" and attributes.get("class") == "xd-text"]
    assert len(passages) == 11 and {one["dir"] for one in passages} == {"auto"}
    assert {one["lang"] for one in passages} == set(views.answers.languages)
    assert sum(tag == "mark" for tag, _ in found.tags) == found.text.count("✓ right answer") == 11
    assert (
        "11 of the first 11 results are right" in found.text
        and "the last of the 11 is at place 11 of 1,144" in found.text
    )
    assert "Your question is in English." in found.text
    link = next(attributes["href"] for tag, attributes in found.tags if tag == "a")
    assert link == "?q=Where+do+the+waters+of+the+Volga+end+up%3F&k=11"


def test_the_mix_of_languages_is_in_the_table(views):
    html = views.search("Wohin fließt das Wasser der Wolga am Ende?", "guess", MONOLINGUAL, [], 10)
    mix = re.search(r'<table class="xd-mix">.*?</table>', html)[0]
    rows = re.findall(r'<th scope="row">(.*?)</th>.*?<span>(\d+ %)</span></td><td>(\d+ %)</td>', mix)
    shares = {re.sub("<.*?>", "", name): (top, pool) for name, top, pool in rows}
    assert len(shares) == 11 and {pool for _, pool in shares.values()} == {"9 %"}
    found = views.answers.search("Wohin fließt das Wasser der Wolga am Ende?", MONOLINGUAL).found
    assert shares["German (question)"][0] == f"{100 * found.mix['de']:.0f} %" != "9 %"


def test_the_lines_say_what_the_table_says():
    movements = [Movement(0, "de", 1, 1), Movement(1, "zh-Hant", 1144, 2), Movement(2, "en", 3, 40)]
    picture = harmless(slope_chart(movements, "A<", "B&", 1144))
    kinds = [attributes["class"] for tag, attributes in picture.tags if tag == "g"]
    assert kinds == ["xd-same", "xd-up", "xd-down"]
    image = picture.tags[0][1]
    assert image["role"] == "img" and "3 passages" in image["aria-label"] and "1 rise, 1 fall" in image["aria-label"]
    places = [(float(a["y1"]), float(a["y2"])) for tag, a in picture.tags if tag == "line"]
    assert places[0][0] == places[0][1] and places[1][0] > places[1][1] and places[2][0] < places[2][1]
    table = harmless(slope_table(movements, "A<", "B&"))
    assert "up 1,142" in table.text and "down 37" in table.text and "A<" in table.text


def test_all_languages_are_a_table_of_places(views):
    html = views.translations("wf-rivers-01", HYBRID)
    harmless(html)
    _, found = views.answers.ask_in_all_languages("wf-rivers-01", HYBRID)
    first, second = re.findall(r'<table class="xd-matrix">.*?</table>', html)
    numbers = [int(text.replace(",", "")) for text in re.findall(r"color:#111\">([\d,]+)</td>", first)]
    assert numbers == found.ranks.ravel().tolist() and len(numbers) == 121
    assert len(re.findall("xd-own", first)) == 11
    overlaps = [int(text) for text in re.findall(r"color:#111\">(\d+)</td>", second)]
    assert overlaps == [round(100 * value) for value in found.overlap.ravel()]


# ---------------------------------------------------------------- measured numbers


def test_numbers_come_from_the_results_files(small_checkpoints, views):
    html = views.benchmark("world_facts", MONOLINGUAL)
    found = harmless(html)
    content = json.loads((small_checkpoints / MONOLINGUAL / "results" / "world_facts.json").read_text())
    row = re.search(r'<th scope="row">Monolingual</th>(.*?)</tr>', html)[1]
    expected = [content["summary"][name] for name in ("mo_map", "cr_map", "mul_map")]
    assert re.findall(r"<td>([\d.,]+)</td>", row)[:3] == [f"{100 * value:.1f}" for value in expected]
    cells = re.findall(r"color:#111\">(\d+)</td>", html)
    assert cells == [f"{100 * value:.0f}" for line in content["measures"]["map"]["cells"] for value in line]
    arms = json.loads((small_checkpoints / HYBRID / "results" / "arms.json").read_text())
    hybrid = arms["arms"]["hybrid"]["figures"]["mul_map"]
    assert f"{100 * hybrid['mean']:.1f} [{100 * hybrid['low']:,.1f}, {100 * hybrid['high']:,.1f}]" in found.text
    assert len(arms["claims"]) == 7 and all(entry["verdict"] in found.text for entry in arms["claims"])
    assert "0 % is Cross-lingual" in found.text


def test_missing_and_damaged_results_are_told(small_checkpoints, tmp_path):
    assert MISSING.split("`")[0] in benchmark_view(Published(), None, HYBRID)
    for name in NAMES:
        shutil.copytree(small_checkpoints / name, tmp_path / name)
    folders = {name: tmp_path / name for name in NAMES}
    (tmp_path / HYBRID / "results" / "world_facts.json").write_text("{")
    published = read_published(folders)
    assert list(published.results["world_facts"]) == [MONOLINGUAL] and published.arms is None
    assert len(published.problems) == 1 and HYBRID in published.problems[0]
    assert str(tmp_path) not in published.problems[0]
    view = harmless(benchmark_view(published, "world_facts", HYBRID))
    assert "cannot be read" in view.text and "Monolingual" in view.text
