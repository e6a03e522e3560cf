"""A Space's page in a process of its own, as `python app.py` serves it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPACES = ROOT / "spaces"
SPACE = SPACES / "cross_lingual_search"


class Page:
    """A page in a process of its own.

    Attributes:
        url: its address, without a slash at the end.
        uploads: where it keeps uploaded files.
        log: what it has printed.
        seconds: from the start of the process until it answered.
    """

    def __init__(self, space: Path, folder: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log, self.uploads = folder / "page.log", folder / "uploads"
        start = time.monotonic()
        settings = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(self.uploads), "HF_HUB_OFFLINE": "1"}
        inherited = {name: value for name, value in os.environ.items() if name != "SPACE_ID"}
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "app.py", *options],
                cwd=space,
                env=inherited | settings,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait(start + 240)
        except BaseException:
            self.close()
            raise
        self.seconds = time.monotonic() - start

    def _wait(self, until: float) -> None:
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"the page ended: {self.log.read_text()[-2000:]}")
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the page is not up: {self.log.read_text()[-2000:]}")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
