"""The demo Space with small checkpoints: its modules, its page in a process of its own, and a browser where there is
one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spaces.serving import ROOT, SPACE, SPACES, Page

CHROMIUM = os.environ.get("HF_HYBRID_CHROMIUM", "/usr/bin/chromium")
AXE = Path(os.environ.get("HF_HYBRID_AXE", ROOT / "build" / "browser" / "node_modules" / "axe-core" / "axe.min.js"))
# Set where a browser must be there, so that its tests cannot be skipped unnoticed.
INSIST = os.environ.get("HF_HYBRID_INSIST_ON_BROWSER") == "1"

# The Space's own modules, as they lie beside its app.py.
sys.path.insert(0, str(SPACE))


def missing(what: str) -> None:
    """Skip, or fail where the browser tests are insisted on."""
    (pytest.fail if INSIST else pytest.skip)(f"{what}; `.ci/run` installs it")


@pytest.fixture(scope="session", autouse=True)
def kept_vectors(tmp_path_factory) -> Iterator[Path]:
    """Where vectors are kept, for all pages of a session: not in the folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLIR_DEMO_CACHE", str(tmp_path_factory.mktemp("vectors")))
        yield Path(os.environ["XLIR_DEMO_CACHE"])


@pytest.fixture(scope="session")
def small_checkpoints(tmp_path_factory) -> Path:
    """Folder with three checkpoints, and measured numbers beside one."""
    from tests.spaces.small_checkpoints import write_small_checkpoints, write_small_results

    folder = tmp_path_factory.mktemp("checkpoints")
    write_small_checkpoints(folder)
    write_small_results(folder)
    return folder


@pytest.fixture(scope="session")
def views(small_checkpoints):
    """Everything that the page shows, without the page."""
    from xlir_demo.start import load_page_views

    return load_page_views(small_checkpoints)


@pytest.fixture(scope="session")
def page(small_checkpoints, tmp_path_factory) -> Iterator[Page]:
    """The demo Space."""
    pytest.importorskip("gradio")
    served = Page(SPACE, tmp_path_factory.mktemp("served"), "--models", str(small_checkpoints))
    yield served
    served.close()


@pytest.fixture(scope="session")
def metric_page(tmp_path_factory) -> Iterator[Page]:
    """The metric's Space."""
    pytest.importorskip("gradio")
    served = Page(SPACES / "hybrid_xlir_map", tmp_path_factory.mktemp("metric"))
    yield served
    served.close()


@pytest.fixture(scope="module")
def browser():
    """Chromium. Until it is closed an event loop counts as running in this thread, which other modules' tests could
    not bear.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    if not Path(CHROMIUM).is_file():
        missing(f"there is no {CHROMIUM}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    if not AXE.is_file():
        missing(f"there is no axe-core at {AXE.relative_to(ROOT) if AXE.is_relative_to(ROOT) else AXE}")
    return AXE.read_text(encoding="utf-8")
