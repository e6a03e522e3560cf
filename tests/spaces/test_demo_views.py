"""What the demo Space shows: escaped, with directions and languages, numbers from files, mistakes in words."""

from __future__ import annotations

import json
import math
import re
import shutil
from html.parser import HTMLParser

import pytest
from xlir_demo.benchmark_views import MISSING, benchmark_view
from xlir_demo.charts import Mark, differences
from xlir_demo.comparing import Movement
from xlir_demo.corpora import parse_corpus
from xlir_demo.heat import heat_css
from xlir_demo.markup import message
from xlir_demo.programs_view import programs_view, python_call
from xlir_demo.published import Published, read_published
from xlir_demo.slope_chart import slope_chart, slope_table

from tests.spaces.payloads import PAYLOADS
from tests.spaces.small_checkpoints import BASE, HYBRID, STATIC

ELEMENTS = set(
    "section p b i u h2 h3 ol ul li div span mark small a code table caption thead tbody tr th td abbr details summary svg g line path rect circle polyline text bdi br button pre".split()
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
    name = views.keep(parse_corpus(json.dumps({"text": f"{attack} volga", "id": "1"}), "jsonl"))
    rendered = [
        views.compare(attack, "guess", BASE, HYBRID, None, 3),
        views.compare("Where?", attack, BASE, HYBRID, None, 3),
        views.compare("Where?", "guess", attack, HYBRID, None, 3),
        views.compare("Where?", "guess", BASE, HYBRID, [attack], 3),
        views.overview(attack, HYBRID),
        views.translations(attack, BASE, HYBRID),
        views.benchmark(attack, attack),
        views.own_search(name, attack, "guess", BASE, HYBRID, 3),
        views.corpus(name, attack, [attack]),
        message(attack),
        programs_view(attack, attack, [attack], f"?q={attack}"),
    ]
    views.store.remove(name)
    for view in rendered:
        assert type(view) is str
        harmless(view)
    text = " ".join(attack.split())
    assert text in harmless(rendered[7]).text and attack in harmless(rendered[8]).text
    assert repr(attack) in harmless(rendered[10]).text


VOLGA = "Where do the waters of the Volga end up?"


def compared(views, question=VOLGA, k=11, only=None, before=BASE, after=HYBRID) -> str:
    return views.compare(question, "guess", before, after, only, k)


def test_two_lists_have_language_direction_rank_and_the_right_answers_marked(views):
    html = compared(views)
    found = harmless(html)
    lists = [harmless(f"<ol {part.split('</ol>')[0]}</ol>") for part in html.split("<ol")[1:]]
    assert len(lists) == 2
    passages = [attributes for tag, attributes in lists[1].tags if tag == "p" and attributes["class"] == "xd-text"]
    assert len(passages) == 11 and {one["dir"] for one in passages} == {"auto"}
    assert {one["lang"] for one in passages} == set(views.answers.languages)
    assert sum(tag == "mark" for tag, _ in lists[1].tags) == lists[1].text.count("✓ right answer") == 11
    # A stripe and a badge in the colour of the language.
    stripes = [attributes["class"].split()[1] for tag, attributes in lists[1].tags if tag == "li"]
    assert sorted(stripes) == [f"xd-l-{tag}" for tag in views.answers.languages]
    # Every passage that is not English has its English version under it.
    glosses = [attributes for tag, attributes in lists[1].tags if attributes.get("class") == "xd-gloss"]
    english = views.answers.pool.texts[views.answers.pool.ids.index("en:wf-rivers-01")]
    assert len(glosses) == 10 and lists[1].text.count(f"In English: {english}") == 10
    assert "11 of 11 right" in found.text and "once in every language" in found.text
    assert "Your question is in English." in found.text
    assert found.tags[0][1]["data-address"] == "?q=Where+do+the+waters+of+the+Volga+end+up%3F&k=11"


def test_what_moved_says_where_it_was(views):
    html = compared(views, k=5)
    _, _, comparison = views.answers.compare(VOLGA, BASE, HYBRID, k=5)
    after = html.split("<ol")[2]
    for hit, part in zip(comparison.second.hits, after.split("<li ")[1:], strict=True):
        before = comparison.places_before[hit.row]
        assert comparison.first.order[before - 1] == hit.row
        assert (f"was place {before:,}" in part) is (before != hit.rank)
        assert ("▲" in part, "▼" in part) == (hit.rank < before, hit.rank > before)
    assert "was place" not in html.split("<ol")[1]


def test_one_checkpoint_alone_is_one_list(views):
    html = compared(views, before=HYBRID)
    assert html.count("<ol") == 1 and "Before" not in html and "was place" not in html
    harmless(html)


def test_the_first_view_says_what_all_questions_say(views):
    """Right answers in the top ten and own-language share, before and after, counted anew."""
    pool, asked = views.answers.pool, views.answers.facts.asked
    text = harmless(views.overview(BASE, HYBRID)).text
    for name, when in ((BASE, "before"), (HYBRID, "after")):
        found = [views.answers.search(one.words, name).found for one in asked[::16]]
        figures = views.answers.figures[name]
        own = sum(one.mix.get(question.language, 0.0) for one, question in zip(found, asked[::16], strict=True))
        right = sum(sum(bool(hit.is_answer) for hit in one.hits) for one in found)
        assert abs(own / len(found) - figures.own_share) < 0.05 and abs(right / len(found) - figures.right) < 0.6
        assert f"{100 * figures.own_share:.0f} %" in text and f"{figures.right:.1f} {when}" in text
    assert figures.questions == len(asked) == 1144 and figures.fair_share == pytest.approx(1 / 11)
    assert "a fair list has 9 %" in text and "all 1,144 built-in questions" in text
    assert len(pool) == 1144


def test_words_are_right_when_there_is_one_or_none(views):
    german = compared(views, only=["de"])
    assert "The right answer is in the pool once." in harmless(german).text
    own = harmless(compared(views, "Which way is the station?")).text
    assert "judge for yourself" in own and "Where did the first passages of both go?" in own
    assert "No language is ticked" in compared(views, only=[])
    french = harmless(compared(views, "Où se trouve la tour Eiffel ?")).text
    assert "not one of the eleven languages" in french and "“Checkpoints, results, languages”" in french


def test_a_weak_match_is_told(views):
    for nonsense in ("🚀", "42", "?!"):
        found = harmless(compared(views, nonsense, k=3))
        assert found.text.count("Weak match") == 1 and found.text.count("weak match") == 6
    assert "weak match" not in compared(views).lower()


def test_the_mix_of_languages_is_in_the_table(views):
    question = "Wohin fließt das Wasser der Wolga am Ende?"
    mix = re.search(r'<table class="xd-mix">.*?</table>', compared(views, question, k=10))[0]
    rows = re.findall(
        r'<th scope="row">(.*?)</th>.*?<span>(\d+ %)</span></td>.*?<span>(\d+ %)</span></td><td>(\d+ %)</td>', mix
    )
    shares = {re.sub("<.*?>", "", name): rest for name, *rest in rows}
    assert len(shares) == 11 and {fair for *_, fair in shares.values()} == {"9 %"}
    expected = [views.answers.search(question, name).found.mix["de"] for name in (BASE, HYBRID)]
    assert shares["German (question)"][:2] == [f"{100 * share:.0f} %" for share in expected]
    assert shares["German (question)"][0] != "9 %"


def test_the_lines_say_what_the_table_says():
    movements = [Movement(0, "de", 1, 1), Movement(1, "zh-Hant", 1144, 2), Movement(2, "en", 3, 40)]
    picture = harmless(slope_chart(movements, "A<", "B&", 1144))
    kinds = [attributes["class"] for tag, attributes in picture.tags if tag == "g"]
    assert kinds == ["xd-same", "xd-up", "xd-down"]
    image = picture.tags[0][1]
    assert image["role"] == "img" and "3 passages" in image["aria-label"] and "1 rise, 1 fall" in image["aria-label"]
    places = [(float(a["y1"]), float(a["y2"])) for tag, a in picture.tags if tag == "line"]
    assert places[0][0] == places[0][1] == 44  # place 1 is the top, whatever the labels need
    assert places[0][0] == places[0][1] and places[1][0] > places[1][1] and places[2][0] < places[2][1]
    table = harmless(slope_table(movements, "A<", "B&"))
    assert "up 1,142" in table.text and "down 37" in table.text and "A<" in table.text


def test_lines_end_at_true_places_however_labels_keep_apart():
    """Six passages at places 8 to 13 that rise from 17 to 22: every line goes up, as its numbers do."""
    movements = [Movement(row, "de", 17 + row, 8 + row) for row in range(6)]
    picture = harmless(slope_chart(movements, "A", "B", 1144))
    lines = [attributes for tag, attributes in picture.tags if tag == "line"]
    assert all(float(one["y1"]) > float(one["y2"]) for one in lines)
    heights = [float(one["y2"]) for one in lines]
    logarithms = [math.log(8 + row) for row in range(6)]
    steps = [(b - a) / (y - x) for a, b, x, y in zip(heights, heights[1:], logarithms, logarithms[1:], strict=False)]
    assert max(steps) - min(steps) < 0.03 * max(steps)
    labels = [float(a["y"]) for tag, a in picture.tags if tag == "text" and a.get("class") is None][1::2]
    assert all(low - high >= 18.99 for high, low in zip(labels, labels[1:], strict=False))
    leaders = [a["d"] for tag, a in picture.tags if tag == "path"]
    assert len(leaders) == 12 and all(re.fullmatch(r"M\d+ [\d.]+L\d+ [\d.]+", one) for one in leaders)


def test_dark_cells_are_brightest_where_they_are_best():
    css = heat_css()
    dark = [int(one) for one in re.findall(r"\.dark \.xd \.xd-h\d\{background:hsl\(205 60% (\d+)%\)", css)]
    light = [
        int(one) for one in re.findall(r"^\.xd \.xd-h\d\{background:hsl\(205 65% (\d+)%\)", css, flags=re.MULTILINE)
    ]
    assert len(dark) == len(light) == 9
    assert dark == sorted(dark) and dark[-1] <= 36 and light == sorted(light, reverse=True)


def test_all_languages_are_a_table_of_places(views):
    html = views.translations("Where do the waters of the VOLGA end up", BASE, HYBRID)
    harmless(html)
    _, found = views.answers.ask_in_all_languages("wf-rivers-01", HYBRID)
    _, first, _, second = re.findall(r'<table class="xd-matrix">.*?</table>', html)
    numbers = [int(text.replace(",", "")) for text in re.findall(r"xd-h\d[^>]*>([\d,]+)</td>", first)]
    assert numbers == found.ranks.ravel().tolist() and len(numbers) == 121
    assert len(re.findall("xd-own", first)) == 11
    overlaps = [int(text) for text in re.findall(r"xd-h\d[^>]*>(\d+)</td>", second)]
    assert overlaps == [round(100 * value) for value in found.overlap.ravel()]
    assert "Choose one of the examples" in views.translations("my own question", BASE, HYBRID)


# ---------------------------------------------------------------- measured numbers


def test_numbers_come_from_the_results_files(small_checkpoints, views):
    html = views.benchmark("world_facts", BASE)
    found = harmless(html)
    content = json.loads((small_checkpoints / BASE / "results" / "world_facts.json").read_text())
    row = re.search(r'<th scope="row">Base</th>(.*?)</tr>', html)[1]
    expected = [content["summary"][name] for name in ("mo_map", "cr_map", "mul_map")]
    assert re.findall(r"<td>([\d.,]+)</td>", row)[:3] == [f"{100 * value:.1f}" for value in expected]
    cells = re.findall(r"xd-h\d[^>]*>(\d+)</td>", html)
    assert cells == [f"{100 * value:.0f}" for line in content["measures"]["map"]["cells"] for value in line]
    arms = json.loads((small_checkpoints / HYBRID / "results" / "arms.json").read_text())
    hybrid = arms["arms"]["hybrid"]["figures"]["mul_map"]
    assert f"{100 * hybrid['mean']:.1f} [{100 * hybrid['low']:,.1f}, {100 * hybrid['high']:,.1f}]" in found.text
    assert len(arms["claims"]) == 7 and all(entry["verdict"] in found.text for entry in arms["claims"])
    # Whose they are is said: arms and curve may be of different encoders.
    assert "0 % is Cross-lingual" in found.text and found.text.count("Encoders like Hybrid") == 2
    # What "at least as good" allows stands beside each difference and is drawn as a band.
    allowed = [entry for entry in arms["claims"] if entry["margin"] is not None]
    assert len(allowed) == 4 and found.text.count("1.0 points") == 4
    assert sum(attributes.get("class") == "xd-band" for _, attributes in found.tags) == 4
    assert sum(tag == "polyline" for tag, _ in found.tags) == 4  # the curve over alpha, of each measure


def test_a_difference_is_drawn_with_its_interval_and_margin():
    marks = [Mark("against x-y", "-0.2", -0.2, -0.4, -0.1)]
    picture = harmless(differences("Cr", marks, 1.0, "right"))
    band = next(a for tag, a in picture.tags if tag == "rect")
    whisker = next(a for tag, a in picture.tags if a.get("class") == "xd-whisker")
    zero = next(a for tag, a in picture.tags if a.get("class") == "xd-zero")
    dot = next(a for tag, a in picture.tags if tag == "circle")
    left, right = float(band["x"]), float(band["x"]) + float(band["width"])
    assert right == pytest.approx(float(zero["x1"]), abs=0.1)
    unit = right - left
    assert float(dot["cx"]) == pytest.approx(right - 0.2 * unit, abs=0.2)
    assert float(whisker["x1"]) == pytest.approx(right - 0.4 * unit, abs=0.2)
    assert float(whisker["x2"]) == pytest.approx(right - 0.1 * unit, abs=0.2)
    assert "hybrid better" in picture.text and "against x-y -0.2" in picture.tags[0][1]["aria-label"]


def test_the_program_asks_the_page_that_showed_it():
    code = python_call("https://somebody-demo.hf.space", 'Where is "it"?')
    compile(code, "call", "exec")
    assert "Client('https://somebody-demo.hf.space')" in code and "7860" not in code


def test_missing_and_damaged_results_are_told(small_checkpoints, tmp_path):
    assert MISSING.split("`")[0] in benchmark_view(Published(), None, HYBRID)
    for name in (HYBRID, BASE, STATIC):
        shutil.copytree(small_checkpoints / name, tmp_path / name)
    folders = {name: tmp_path / name for name in (HYBRID, BASE, STATIC)}
    (tmp_path / HYBRID / "results" / "world_facts.json").write_text("{")
    published = read_published(folders)
    assert list(published.results["world_facts"]) == [BASE] and published.arms is None
    assert len(published.problems) == 1 and HYBRID in published.problems[0]
    assert str(tmp_path) not in published.problems[0]
    view = harmless(benchmark_view(published, "world_facts", HYBRID))
    assert "cannot be read" in view.text and "Base" in view.text
