"""A page in a browser, watched: what it asks for, what it complains about, and whether a script of somebody else has
run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# What the browser says of itself, not of the page; and Gradio's client, which ends its open stream when a page is left.
_HARMLESS = ("Download the React DevTools", "AbortError: signal is aborted without reason")
SIZES = {"phone": {"width": 375, "height": 800}, "desk": {"width": 1280, "height": 900}}


class Watched:
    """A page and what happened in it.

    Attributes:
        page: Playwright's page.
        complaints: errors of scripts and of the console.
        elsewhere: addresses outside the server that were asked for.
        calls: how often the page has called one of its functions.
    """

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.calls = 0
        page.on("pageerror", lambda error: self._heard("error", str(error)))
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("request", lambda request: self._asked(request.url))
        page.on("dialog", lambda dialog: (self.complaints.append("a dialog opened"), dialog.dismiss()))

    def open(self, path: str = "/", ready: str = ".xd-hits") -> None:
        """Go to an address and wait until the page has answered it."""
        self.calm()
        self.page.goto(f"{self.url}{path}")
        self.page.wait_for_selector(ready, state="attached")
        # The network is never idle: a page of Gradio keeps a connection open. What a link opens comes a moment later.
        self.page.wait_for_timeout(300)

    def calm(self) -> None:
        """Wait until no answer is awaited: Gradio's client complains of a connection that ends with its page."""
        if self.page.url.startswith(self.url):
            self.page.wait_for_timeout(120)
            self.page.wait_for_function("!document.querySelector('.pending')")

    def slow(self, milliseconds: int) -> None:
        """From now on every request and answer takes so long to arrive."""
        line = self.page.context.new_cdp_session(self.page)
        conditions = {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1}
        line.send("Network.emulateNetworkConditions", conditions)

    def calls_when_left_alone(self, seconds: float = 2.0) -> int:
        """Calls of a page that nobody touches, once it has had time to answer."""
        self.page.wait_for_timeout(2500)
        before = self.calls
        self.page.wait_for_timeout(1000 * seconds)
        return self.calls - before

    def leave(self) -> None:
        """Go away; there must be no complaint so far. What Gradio's client says of the connection that ends is not
        about the page.
        """
        assert not self.complaints, self.complaints
        self.page.goto("about:blank")
        self.page.wait_for_timeout(50)
        self.complaints.clear()

    def tab(self, name: str) -> None:
        """Choose a tab."""
        self.page.get_by_role("tab", name=name, exact=True).click()
        self.page.wait_for_timeout(150)

    def has_fired(self) -> bool:
        """Whether one of the payloads has run."""
        return bool(self.page.evaluate("Boolean(window.fired)"))

    def overflow(self) -> int:
        """Pixels that the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def violations(self, axe: str) -> list[str]:
        """What axe-core finds, one line for each element."""
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(axe)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert len(found["passes"]) > 10  # it has looked
        return [
            f"{one['id']}: {node['target']} {node['html'][:120]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith(_HARMLESS):
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        self.calls += "/queue/join" in url
        if not url.startswith((self.url, "data:", "blob:", "about:")):
            self.elsewhere.append(url)


@contextmanager
def watched(browser: Any, url: str, size: str = "desk", **options: Any) -> Iterator[Watched]:
    """A page of its own, that must stay without complaints and without requests to elsewhere."""
    context = browser.new_context(viewport=SIZES[size], **options)
    context.set_default_timeout(120_000)
    try:
        one = Watched(context.new_page(), url)
        yield one
        assert not one.complaints, one.complaints
        assert not one.elsewhere, one.elsewhere
    finally:
        context.close()
