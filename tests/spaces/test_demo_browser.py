"""The demo Space in a browser: it works, also by keyboard; it is accessible; no text of a visitor runs; it asks nobody
else.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.spaces.browsing import Watched, watched
from tests.spaces.payloads import PAYLOADS

TABS = ("Search", "Two checkpoints", "All languages", "Benchmark", "Your texts", "For programs")
VOLGA = {"en": "Where do the waters of the Volga end up?", "de": "Wohin fließt das Wasser der Wolga am Ende?"}


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
            if name == "Search":
                one.page.get_by_text("More choices").click()
                one.page.wait_for_timeout(400)
            for summary in one.page.locator("summary:visible").all():
                summary.click()
            assert one.violations(axe) == [], (name, theme, size)
            assert one.overflow() == 0, (name, theme, size)


def test_the_first_result_is_there_with_the_page(browser, page):
    with watched(browser, page.url) as one:
        one.page.goto(page.url)
        one.page.wait_for_selector("#search-view .xd-hit")
        assert one.page.locator("#search-view .xd-hit").count() == 10
        assert "Your question is in English" in one.page.locator("#search-view").inner_text()


def test_a_click_asks_in_another_language_and_directions_are_right(browser, page):
    with watched(browser, page.url) as one:
        one.open()
        one.page.locator("#search-view").wait_for()
        one.page.get_by_role("button", name="العربية").first.click()
        wait_for_text(one, "#search-view", "Your question is in Arabic")
        box = one.page.locator("#search-question textarea")
        assert box.input_value().startswith("إلى أين")
        style = "element => [getComputedStyle(element).direction, getComputedStyle(element).fontFamily]"
        direction, font = one.page.locator("#search-view p[lang=ar]").first.evaluate(style)
        assert direction == "rtl" and "Noto Naskh Arabic" in font
        assert one.page.locator("#search-view p[lang=en]").first.evaluate(style)[0] == "ltr"
        for tag, font in (("hi", "Devanagari"), ("th", "Thai"), ("zh", "CJK SC")):
            assert font in one.page.locator(f"#search-view p[lang={tag}]").first.evaluate(style)[1]
        old = box.input_value()  # read before the click: the answer may come at once
        one.page.get_by_role("button", name="Another question").click()
        one.page.wait_for_function("old => document.querySelector('textarea').value !== old", arg=old)
        assert one.page.locator("#search-view .xd-right").count() > 0


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
        wait_for_text(one, "#search-view", "Your question is in German")
        press_until(one, "e.textContent.trim() === 'Ελληνικά'")
        one.page.keyboard.press("Enter")
        wait_for_text(one, "#search-view", "Your question is in Greek")
        press_until(one, "e.classList.contains('xd-scroll')")
        one.page.locator("body").press("Home")
        press_until(one, "e.getAttribute('role') === 'tab' && e.textContent.trim() === 'Two checkpoints'", "Shift+Tab")
        one.page.keyboard.press("Enter")
        one.page.wait_for_selector("#compare-view .xd-slope", state="visible")
        focus = one.page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + document.activeElement.tagName"
        )
        assert focus.endswith("BUTTON")


def test_two_checkpoints_are_drawn_and_told(browser, page, views):
    with watched(browser, page.url) as one:
        one.open("/?" + urlencode({"tab": "compare", "q": VOLGA["de"]}))
        wait_for_text(one, "#compare-view", "Your question is in German")
        _, _, found = views.answers.compare(VOLGA["de"], "hybrid-xlir-static-mono", "hybrid-xlir-static")
        assert one.page.locator("#compare-view svg g").count() == len(found.movements) == 11
        assert one.page.locator("#compare-view svg line").count() == 11
        one.page.locator("#compare-view summary").first.click()
        rows = one.page.locator("#compare-view details table tbody tr").all_inner_texts()
        assert [row.split("\t")[1:3] for row in rows] == [[f"{m.before:,}", f"{m.after:,}"] for m in found.movements]


def test_a_link_opens_what_was_shown(browser, page):
    with watched(browser, page.url) as one:
        asked = {"q": VOLGA["de"], "only": "th,zh", "k": "3", "checkpoint": "hybrid-xlir-static-cross"}
        one.open("/?" + urlencode(asked))
        wait_for_text(one, "#search-view", "3 results are right")
        assert one.page.locator("#search-question textarea").input_value() == VOLGA["de"]
        languages = one.page.locator("#search-view .xd-hit p").evaluate_all("all => all.map(one => one.lang)")
        assert len(languages) == 3 and set(languages) == {"th", "zh"}
        link = one.page.get_by_role("link", name="Link to this search").get_attribute("href")
        assert link == "?" + urlencode({"q": asked["q"], "checkpoint": asked["checkpoint"], "only": "th,zh", "k": 3})
        one.open("/?tab=languages&fact=wf-rivers-02&checkpoint=hybrid-xlir-static-mono")
        one.page.wait_for_selector("#languages-view table", state="visible")
        one.open("/?tab=nonsense&k=99&checkpoint=<b>x</b>")
        one.page.wait_for_selector("text=The link asks for a tab that this page does not have", state="visible")


def test_own_texts_are_added_searched_and_deleted(browser, page, tmp_path):
    with watched(browser, page.url) as one:
        one.open("/?tab=texts")
        one.page.get_by_role("button", name="Search my texts").click()
        wait_for_text(one, "#texts-view", "add yours first")
        one.page.get_by_role("button", name="Add texts").click()
        wait_for_text(one, "#texts-status", "6 passages ready")
        one.page.get_by_role("button", name="Search my texts").click()
        one.page.wait_for_selector("#texts-view .xd-hit")
        assert one.page.locator("#texts-view .xd-hit").count() == 6
        assert one.page.locator("#texts-view p[lang=ar]").count() == 1
        file = tmp_path / "own.csv"
        file.write_text("text,lang\nDie Wolga mündet ins Kaspische Meer.,de\nVanille ist eine Orchidee.,de\n")
        one.page.locator("input[type=file]").set_input_files(file)
        wait_for_text(one, "#texts-status", "2 passages from own.csv ready: German 100 %")
        one.page.get_by_role("button", name="Delete my texts").click()
        wait_for_text(one, "#texts-status", "Your texts are deleted")
        one.page.get_by_role("button", name="Search my texts").click()
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
    assert fired >= 15 and len(PAYLOADS) >= 4 + 20


def test_payloads_as_questions(browser, page):
    with watched(browser, page.url) as one:
        one.open()
        box = one.page.locator("#search-question textarea")
        for payload in PAYLOADS:
            box.fill(payload)
            box.press("Enter")
            text = " ".join(payload.split())
            one.page.wait_for_function(
                "text => new URL(document.querySelector('#search-view a').href).searchParams.get('q') === text",
                arg=text,
            )
        assert not one.has_fired()


def test_payloads_in_links(browser, page):
    with watched(browser, page.url) as one:
        for number, payload in enumerate(PAYLOADS):
            tab = ("search", "compare")[number % 2]
            everywhere = {name: payload for name in ("lang", "checkpoint", "other", "only", "k", "fact", "x")}
            one.page.goto(f"{page.url}/?tab={tab}&q={quote(payload)}&{urlencode(everywhere)}")
            one.page.wait_for_function(
                "text => [...document.querySelectorAll('textarea')].some(one => one.value === text)",
                arg=" ".join(payload.split()),
            )
            one.page.wait_for_selector("text=The link asks for", state="visible")
            assert not one.has_fired(), payload


def test_payloads_in_texts_and_names_of_files(browser, page, tmp_path):
    rows = "\n".join(json.dumps({"text": f"{payload} river", "id": payload[:90]}) for payload in PAYLOADS)
    names = [payload.replace("/", "").replace("\n", "")[:80] + ".txt" for payload in PAYLOADS[:6]]
    with watched(browser, page.url) as one:
        one.open("/?tab=texts")
        one.page.locator("#texts-text textarea").fill(rows)
        one.page.get_by_role("button", name="Add texts").click()
        wait_for_text(one, "#texts-status", f"{len(PAYLOADS)} passages ready")
        one.page.locator("#texts-question textarea").fill("river")
        slider = one.page.locator("#texts-results input[type=number]")
        slider.fill("50")
        slider.press("Tab")
        one.page.get_by_role("button", name="Search my texts").click()
        one.page.wait_for_function(
            "number => document.querySelectorAll('#texts-view .xd-hit').length === number", arg=len(PAYLOADS)
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
