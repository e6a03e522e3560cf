"""The metric's Space in a browser: accessible, safe, and it says what it shows."""

from __future__ import annotations

import json

import pytest

from tests.spaces.browsing import watched
from tests.spaces.payloads import PAYLOADS


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_it_is_accessible_and_fits(browser, metric_page, axe, theme, size):
    with watched(browser, metric_page.url, size, reduced_motion="reduce") as one:
        one.open(f"/?__theme={theme}", ready=".xlir table")
        assert one.page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")
        assert one.violations(axe) == []
        assert one.overflow() == 0


def test_an_example_an_upload_and_a_mistake_by_keyboard(browser, metric_page, tmp_path):
    with watched(browser, metric_page.url) as one:
        one.open("/", ready=".xlir table")
        one.page.get_by_role("button", name="Example: JSON, 2 languages").click()
        one.page.wait_for_function("document.querySelector('textarea').value.startsWith('{')")
        # Measured at once: no old figures beside a new run.
        one.page.wait_for_function("document.querySelectorAll('.xlir thead th[scope=col] bdi').length === 2")
        one.page.get_by_role("button", name="Example: CSV, 3 languages").focus()
        one.page.keyboard.press("Enter")
        one.page.wait_for_function("document.querySelectorAll('.xlir thead th[scope=col] bdi').length === 3")
        file = tmp_path / "run.csv"
        file.write_text(
            "# pool_sizes: de=5 "
            "en=5\nquery_id,query_language,candidate_language,pool_rank,language_rank\nq,de,de,11,1\n"
        )
        one.page.locator("input[type=file]").set_input_files(file)
        one.page.wait_for_selector("text=pool rank 11 is not in 1..10", state="visible")


def test_payloads_in_runs_do_not_fire(browser, metric_page):
    with watched(browser, metric_page.url) as one:
        one.open("/", ready=".xlir table")
        box = one.page.get_by_label("Run, as CSV or JSON")
        for payload in PAYLOADS:
            tag = payload[:35].strip()
            row = {
                "query_id": payload[:200],
                "query_language": tag,
                "candidate_language": tag,
                "pool_rank": 1,
                "language_rank": 1,
            }
            box.fill(json.dumps({"pool_sizes": {tag: 3}, "rows": [row]}))
            one.page.get_by_role("button", name="Measure", exact=True).click()
            one.page.wait_for_function(
                "tag => document.querySelector('.xlir:not(.settings)')?.textContent.includes(tag)", arg=tag[:20]
            )
        assert not one.has_fired()
