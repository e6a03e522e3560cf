"""Pictures of the demo Space, for the README and for looking at every tab in light and dark, on a desk and on a phone.

    python benchmarks/picture_of_space.py                      # the picture that README.md shows
    python benchmarks/picture_of_space.py --all looks/         # all tabs, themes and widths
    python benchmarks/picture_of_space.py --models my_models   # of other checkpoints

Needs Playwright and Chromium, and fonts for all scripts (Debian: fonts-noto-core, fonts-noto-cjk).
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hf_hybrid.output_files import write_bytes  # noqa: E402
from tests.spaces.serving import SPACE, Page  # noqa: E402

PICTURE = SPACE / "page.png"
CHROMIUM = "/usr/bin/chromium"
TABS = ("compare", "languages", "benchmark", "texts", "programs")
_LARGEST = 300_000


def main() -> None:
    """Serve the page, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of the checkpoints; default: those of the package")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="all pictures, into this folder")
    arguments = parser.parse_args()
    options = ["--models", str(arguments.models.resolve())] if arguments.models else []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Page(SPACE, Path(folder), *options)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            if arguments.all is None:
                write_bytes(PICTURE, readme_picture(browser, page.url), overwrite=True)
                print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")
                return
            for theme in ("light", "dark"):
                for width in (1280, 375):
                    for tab in TABS:
                        target = arguments.all / f"{tab}-{theme}-{width}.png"
                        write_bytes(target, taken(browser, page.url, tab, theme, width), overwrite=True)
        finally:
            browser.close()
            page.close()


def readme_picture(browser: Any, url: str) -> bytes:
    """What a visitor sees first, in few colours, small enough for a README."""
    image = Image.open(io.BytesIO(taken(browser, url, "compare", "light", 1280, whole=False)))
    colours = 256
    while True:
        packed = io.BytesIO()
        image.convert("RGB").quantize(colours).save(packed, "PNG", optimize=True)
        if packed.tell() < _LARGEST or colours <= 16:
            return packed.getvalue()
        colours //= 2


def taken(browser: Any, url: str, tab: str, theme: str, width: int, whole: bool = True) -> bytes:
    """A tab as PNG, the whole of it or what fits into a window."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    try:
        window = context.new_page()
        window.goto(f"{url}/?__theme={theme}&tab={tab}")
        window.wait_for_selector(".xd-hits", state="attached")
        window.wait_for_timeout(2000)
        return window.screenshot(full_page=whole)
    finally:
        context.close()


if __name__ == "__main__":
    main()
