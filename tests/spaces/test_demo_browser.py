"""The demo Space in a browser: it works, also by keyboard; it is accessible; no text of a visitor runs; it asks nobody
else.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.spaces.browsing import Watched, watched
from tests.spaces.payloads import PAYLOADS
from tests.spaces.small_checkpoints import BASE, HYBRID, STATIC

TABS = ("Compare", "All languages at once", "Benchmark", "Your texts", "For programs")
VOLGA = {"en": "Where do the waters of the Volga end up?", "de": "Wohin fließt das Wasser der Wolga am Ende?"}


def ask(one: Watched, question: str) -> None:
    box = one.page.locator("#question textarea")
    box.fill(question)
    box.press("Enter")


def wait_for_text(one: Watched, selector: str, text: str) -> None:
    one.page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)", arg=[selector, text]
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_tab_is_accessible_and_fits(browser, page, axe, theme, size):
    with watched(browser, page.url, size, reduced_motion="reduce") as one:
        one.open(f"/?__theme={theme}")
        assert one.page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")
        for name in TABS:
            one.tab(name)
            if name == "Compare":
                for folded in ("Examples: bias visible", "Checkpoints, results, languages"):
                    one.page.get_by_text(folded).first.click()
                one.page.wait_for_timeout(400)
            elif name == "All languages at once":
                one.page.wait_for_selector("#languages-view table", state="visible")
            elif name == "For programs":
                one.page.wait_for_selector("#programs-view pre", state="visible")
            for summary in one.page.locator("summary:visible").all():
                summary.click()
            assert one.violations(axe) == [], (name, theme, size)
            assert one.overflow() == 0, (name, theme, size)


def test_the_first_view_is_the_comparison_with_what_all_questions_show(browser, page, views):
    with watched(browser, page.url) as one:
        one.page.goto(page.url)
        one.page.wait_for_selector("#compare-view .xd-hit")
        assert one.page.locator("#compare-view .xd-hits").count() == 2
        assert one.page.locator("#compare-view .xd-hit").count() == 20
        assert one.page.locator("#overview svg rect").count() == 4
        assert "built-in questions" in one.page.locator("#overview").inner_text()
        assert one.page.locator("#question textarea").input_value() == views.first_question()
    with watched(browser, page.url, "phone") as one:
        one.page.goto(page.url)
        top = one.page.locator("#question textarea").evaluate("one => one.getBoundingClientRect().top")
        assert top < 500


def test_a_click_asks_in_another_language_and_directions_are_right(browser, page):
    with watched(browser, page.url) as one:
        one.open("/?" + urlencode({"q": VOLGA["en"]}))
        wait_for_text(one, "#compare-view", "11 times")
        # The page begins with a question of its own; the link's comes a moment later.
        asked = "words => document.querySelector('#question textarea').value === words"
        one.page.wait_for_function(asked, arg=VOLGA["en"])
        one.page.get_by_role("button", name="العربية").first.click()
        wait_for_text(one, "#compare-view", "Your question is in Arabic")
        box = one.page.locator("#question textarea")
        assert box.input_value().startswith("إلى أين")
        style = "element => { const s = getComputedStyle(element); return [s.direction, s.fontFamily, s.display, s.textAlign]; }"
        direction, font, display, align = one.page.locator("#compare-view li p[lang=ar]").first.evaluate(style)
        assert direction == "rtl" and "Noto Naskh Arabic" in font
        # A block that begins at the right, whatever Gradio's own styles say of paragraphs in lists.
        assert display == "block" and align == "start"
        edges = (
            "element => [element.getBoundingClientRect().width, element.parentElement.getBoundingClientRect().width]"
        )
        width, around = one.page.locator("#compare-view li p[lang=ar]").first.evaluate(edges)
        assert width > 0.9 * around - 20
        assert one.page.locator("#compare-view p[lang=en]").first.evaluate(style)[0] == "ltr"
        for tag, font in (("hi", "Devanagari"), ("th", "Thai"), ("zh", "CJK SC")):
            assert font in one.page.locator(f"#compare-view p[lang={tag}]").first.evaluate(style)[1]
        old = box.input_value()  # read before the click: the answer may come at once
        one.page.get_by_role("button", name="Another question").click()
        one.page.wait_for_function("old => document.querySelector('#question textarea').value !== old", arg=old)
        wait_for_text(one, "#compare-view", "✓ right answer")


def test_a_question_of_ones_own_is_not_replaced_by_a_chip(browser, page):
    with watched(browser, page.url) as one:
        one.open()
        ask(one, "Which way is the station?")
        wait_for_text(one, "#compare-view", "judge for yourself")
        one.page.wait_for_function("document.querySelectorAll('button.xd-chip:disabled').length === 11")
        assert one.page.locator("#question textarea").input_value() == "Which way is the station?"
        ask(one, VOLGA["en"].rstrip("?").lower())
        wait_for_text(one, "#compare-view", "✓ right answer")
        one.page.wait_for_function("document.querySelectorAll('button.xd-chip:disabled').length === 0")


@pytest.mark.parametrize("latency", [0, 100, 300])
def test_the_last_question_is_the_one_that_is_answered(browser, page, latency):
    """Enter again while a search runs: what stands in the box is what is shown in the end, and then it is quiet."""
    with watched(browser, page.url) as one:
        one.open()
        one.slow(latency)
        ask(one, VOLGA["en"])
        ask(one, "Which bird is the fastest?")
        ask(one, VOLGA["de"])
        wait_for_text(one, "#compare-view", "Your question is in German")
        assert one.calls_when_left_alone() == 0
        wait_for_text(one, "#compare-view", "Your question is in German")
        assert one.page.locator("#question textarea").input_value() == VOLGA["de"]


def test_a_chip_after_enter_is_what_is_answered(browser, page):
    with watched(browser, page.url) as one:
        one.open("/?" + urlencode({"q": VOLGA["de"]}))
        wait_for_text(one, "#compare-view", "Your question is in German")
        one.slow(300)
        ask(one, VOLGA["en"])
        one.page.wait_for_timeout(100)
        one.page.get_by_role("button", name="Türkçe", exact=True).first.click()
        one.page.wait_for_function(
            "old => document.querySelector('#question textarea').value !== old", arg=VOLGA["en"]
        )
        wait_for_text(one, "#compare-view", "Your question is in Turkish")
        assert one.calls_when_left_alone() == 0
        assert "Your question is in Turkish" in one.page.locator("#compare-view").inner_text()
        assert parse_qs(urlsplit(one.page.url).query)["q"] == [one.page.locator("#question textarea").input_value()]


@pytest.mark.parametrize("tab", ["Compare", "All languages at once", "Your texts"])
def test_a_page_whose_choices_have_changed_becomes_quiet(browser, page, tab):
    """Two functions of one event, each of which waits for its turn, would ask each other for ever."""
    with watched(browser, page.url) as one:
        one.open()
        one.tab(tab)
        if tab == "Your texts":
            one.page.get_by_role("button", name="Try an example").click()
            wait_for_text(one, "#texts-view", "opens at nine")
        one.page.get_by_text("Checkpoints, results, languages").first.click()
        for label in ("Before", "After"):
            one.page.get_by_label(label, exact=True).click()
            one.page.get_by_role("option", name="Static").last.click()
        wait_for_text(one, "#overview", "Static")
        assert one.calls_when_left_alone() == 0
        number = one.page.locator("#results input[type=number]")
        number.fill("3")
        number.press("Enter")
        assert one.calls_when_left_alone() == 0
        if tab != "All languages at once":
            shown = "#texts-view" if tab == "Your texts" else "#compare-view"
            assert one.page.locator(f"{shown} .xd-hit").count() == 3
            wait_for_text(one, shown, "Static")


def test_the_address_is_of_the_tab_and_the_question_that_are_shown(browser, page):
    with watched(browser, page.url) as one:
        one.open("/?" + urlencode({"q": VOLGA["de"]}))
        wait_for_text(one, "#compare-view", "Your question is in German")
        for name, tab in (("Benchmark", "benchmark"), ("For programs", "programs"), ("Your texts", "texts")):
            one.tab(name)
            one.page.wait_for_function("tab => new URLSearchParams(location.search).get('tab') === tab", arg=tab)
            if tab != "texts":
                assert parse_qs(urlsplit(one.page.url).query)["q"] == [VOLGA["de"]]
        one.page.get_by_role("button", name="Try an example").click()
        one.page.wait_for_function("new URLSearchParams(location.search).get('q') === 'When does the library open?'")
        ask(one, "Where can I eat?")
        one.page.wait_for_function("location.search.includes('eat') && location.search.includes('tab=texts')")


def test_examples_are_cards_that_ask(browser, page, views):
    example = next(one for one in views.measured.examples if one.kind == "fails")
    words = views.answers.facts.facts[example.fact].questions[example.language]
    with watched(browser, page.url) as one:
        one.open()
        one.page.get_by_text("Examples: bias visible").first.click()
        one.page.locator("button.xd-card").nth(11).wait_for()
        assert one.page.locator("button.xd-card").count() == 12
        one.page.locator("button.xd-card", has_text=words).click()
        one.page.wait_for_function("words => document.querySelector('#question textarea').value === words", arg=words)
        wait_for_text(one, "#compare-view", f"{example.right[1]} of 10 right")


def test_what_is_too_long_is_told_and_not_cut(browser, page):
    with watched(browser, page.url) as one:
        one.open()
        ask(one, "why " * 1250)
        wait_for_text(one, "#compare-view", "The question has 5,000 characters; at most 300 are searched")


def test_the_address_follows_and_can_be_copied(browser, page):
    with watched(browser, page.url, permissions=["clipboard-read", "clipboard-write"]) as one:
        one.open()
        ask(one, VOLGA["de"])
        wait_for_text(one, "#compare-view", "Your question is in German")
        wanted = f"{page.url}/?{urlencode({'q': VOLGA['de']})}"
        one.page.wait_for_function("wanted => location.href === wanted", arg=wanted)
        one.page.locator("#compare-view [data-copy]").click()
        wait_for_text(one, "#compare-view .xd-copied", "Copied.")
        assert one.page.evaluate("navigator.clipboard.readText()") == wanted
        one.tab("All languages at once")
        one.page.wait_for_function("location.search.startsWith('?tab=languages&q=Wohin')")
        assert len(one.page.context.pages) == 1 and one.page.evaluate("history.length") <= 2


def press_until(one: Watched, condition: str, key: str = "Tab", most: int = 60) -> None:
    """Press a key until the focused element fulfils a condition; the mouse is never used."""
    for _ in range(most):
        one.page.keyboard.press(key)
        if one.page.evaluate(f"(() => {{ const e = document.activeElement; return Boolean({condition}); }})()"):
            return
    raise AssertionError(f"{key} never reached {condition}")


def test_everything_can_be_reached_by_keyboard(browser, page):
    with watched(browser, page.url) as one:
        one.open()
        press_until(one, "e.tagName === 'TEXTAREA'")
        one.page.keyboard.press("Control+a")
        one.page.keyboard.type(VOLGA["de"])
        one.page.keyboard.press("Enter")
        wait_for_text(one, "#compare-view", "Your question is in German")
        press_until(one, "e.textContent.trim() === 'Ελληνικά'")
        one.page.keyboard.press("Enter")
        wait_for_text(one, "#compare-view", "Your question is in Greek")
        press_until(one, "e.getAttribute('role') === 'tab' && e.textContent.trim() === 'Compare'")
        press_until(one, "e.tagName === 'SUMMARY'")
        one.page.keyboard.press("Enter")
        one.page.wait_for_selector("#compare-view .xd-slope", state="visible")
        press_until(one, "e.hasAttribute('data-copy')")
        focus = one.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert focus == "solid"


def test_movements_are_drawn_and_told(browser, page, views):
    with watched(browser, page.url) as one:
        one.open("/?" + urlencode({"tab": "compare", "q": VOLGA["de"]}))
        wait_for_text(one, "#compare-view", "Your question is in German")
        _, _, found = views.answers.compare(VOLGA["de"], BASE, HYBRID)
        assert one.page.locator("#compare-view .xd-slope g").count() == len(found.movements) == 11
        one.page.locator("#compare-view summary").first.click()
        rows = one.page.locator("#compare-view details table").first.locator("tbody tr").all_inner_texts()
        assert [row.split("\t")[1:3] for row in rows] == [[f"{m.before:,}", f"{m.after:,}"] for m in found.movements]


def test_a_link_opens_what_was_shown(browser, page):
    with watched(browser, page.url) as one:
        asked = {"q": VOLGA["de"], "checkpoint": STATIC, "only": "th,zh", "k": "3"}
        one.open("/?" + urlencode(asked))
        wait_for_text(one, "#compare-view", "Static")
        wait_for_text(one, "#overview", "Static")
        assert one.page.locator("#question textarea").input_value() == VOLGA["de"]
        languages = one.page.locator("#compare-view .xd-text").evaluate_all("all => all.map(one => one.lang)")
        assert len(languages) == 6 and set(languages) == {"th", "zh"}
        assert one.page.evaluate("location.search") == "?" + urlencode(asked)
        one.open("/?tab=languages&fact=wf-rivers-02&checkpoint=" + BASE)
        one.page.wait_for_selector("#languages-view table", state="visible")
        assert one.page.locator("#question textarea").input_value() != VOLGA["de"]
        one.open("/?tab=nonsense&k=99&checkpoint=<b>x</b>")
        one.page.wait_for_selector("text=The link asks for a tab that this page does not have", state="visible")


def test_wide_tables_keep_the_names_of_their_rows(browser, page):
    with watched(browser, page.url, "phone") as one:
        one.open("/?" + urlencode({"tab": "languages", "q": VOLGA["en"]}))
        one.page.wait_for_selector("#languages-view table", state="visible")
        names = one.page.locator("#languages-view .xd-scroll").first
        left = names.evaluate(
            "box => { box.scrollLeft = 999; return [box.scrollLeft, box.querySelector('tbody th').getBoundingClientRect().left - box.getBoundingClientRect().left]; }"
        )
        assert left[0] > 20 and abs(left[1]) < 2


def test_own_texts_are_added_searched_and_deleted(browser, page, tmp_path):
    with watched(browser, page.url) as one:
        one.open("/?tab=texts")
        one.page.get_by_role("button", name="Search", exact=True).click()
        wait_for_text(one, "#texts-view", "add yours first")
        one.page.get_by_role("button", name="Try an example").click()
        wait_for_text(one, "#texts-status", "6 passages ready")
        one.page.wait_for_selector("#texts-view .xd-hit")
        assert one.page.locator("#question textarea").input_value() == "When does the library open?"
        assert "opens at nine" in one.page.locator("#texts-view .xd-hits").last.locator(".xd-hit").first.inner_text()
        assert one.page.locator("#texts-view .xd-hit").count() == 12
        # Another number of results is searched at once.
        one.page.get_by_text("Checkpoints, results, languages").first.click()
        one.calm()
        # What the fold holds is made when it opens, and hears nothing before.
        one.page.wait_for_timeout(1000)
        number = one.page.locator("#results input[type=number]")
        number.fill("2")
        number.press("Tab")
        one.page.wait_for_function("document.querySelectorAll('#texts-view .xd-hit').length === 4")
        file = tmp_path / "own.csv"
        file.write_text("text;lang\nDie Wolga mündet ins Kaspische Meer.;de\nVanille ist eine Orchidee.;de\n")
        one.page.locator("input[type=file]").set_input_files(file)
        wait_for_text(one, "#texts-status", "2 passages from own.csv ready: German 100 %")
        wait_for_text(one, "#texts-view", "Vanille")
        one.page.get_by_role("button", name="Delete my texts").click()
        wait_for_text(one, "#texts-status", "Your texts are deleted")
        one.page.get_by_role("button", name="Search", exact=True).click()
        wait_for_text(one, "#texts-view", "add yours first")


# ---------------------------------------------------------------- texts of visitors do not run


def test_the_payloads_run_where_they_are_put_in_as_they_are(browser):
    """Else the tests below would prove nothing."""
    fired = 0
    context = browser.new_context()
    page = context.new_page()
    for payload in PAYLOADS:
        page.goto("about:blank")
        page.set_content(f"<body>{payload}</body>", wait_until="domcontentloaded")
        page.wait_for_timeout(60)
        fired += bool(page.evaluate("Boolean(window.fired)"))
    context.close()
    assert fired >= 15 and len(PAYLOADS) >= 43


def test_payloads_as_questions(browser, page):
    with watched(browser, page.url) as one:
        one.open()
        for payload in PAYLOADS:
            ask(one, payload)
            text = " ".join(payload.split())
            one.page.wait_for_function("text => new URLSearchParams(location.search).get('q') === text", arg=text)
        assert not one.has_fired()


def test_payloads_in_links(browser, page):
    tabs = ("compare", "languages", "programs")
    with watched(browser, page.url) as one:
        for number, payload in enumerate(PAYLOADS):
            everywhere = {name: payload for name in ("lang", "checkpoint", "other", "only", "k", "fact", "x")}
            one.page.goto(f"{page.url}/?tab={tabs[number % 3]}&q={quote(payload)}&{urlencode(everywhere)}")
            one.page.wait_for_function(
                "text => document.querySelector('#question textarea')?.value === text", arg=" ".join(payload.split())
            )
            one.page.wait_for_selector("text=The link asks for", state="visible")
            assert not one.has_fired(), payload
            one.calm()
            one.leave()


def test_payloads_in_texts_and_names_of_files(browser, page, tmp_path):
    rows = "\n".join(json.dumps({"text": f"{payload} river", "id": payload[:90]}) for payload in PAYLOADS)
    names = [payload.replace("/", "").replace("\n", "")[:80] + ".txt" for payload in PAYLOADS[:6]]
    with watched(browser, page.url) as one:
        one.open("/?tab=texts&k=50&q=river")
        one.page.locator("#texts-text textarea").fill(rows)
        one.page.get_by_role("button", name="Add texts").click()
        wait_for_text(one, "#texts-status", f"{len(PAYLOADS)} passages ready")
        one.page.wait_for_function(
            "number => document.querySelectorAll('#texts-view .xd-hit').length === number", arg=2 * len(PAYLOADS)
        )
        shown = one.page.locator("#texts-view .xd-text").all_inner_texts()
        assert any("<script>" in text for text in shown) and any("onerror" in text for text in shown)
        for name in names:
            file: Path = tmp_path / name
            file.write_text("one passage")
            one.page.locator("input[type=file]").set_input_files(file)
            wait_for_text(one, "#texts-status", "1 passage")
            one.page.wait_for_timeout(100)
        assert not one.has_fired()
