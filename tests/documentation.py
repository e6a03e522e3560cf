"""Code that the documentation shows, for tests that run it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def python_blocks(page: str, section: str) -> list[str]:
    """The Python blocks of a section of a page of `docs/`, by its heading."""
    text = (DOCS / page).read_text(encoding="utf-8")
    body = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert body, f"{page} has no section {section}"
    return re.findall(r"^```python\n(.*?)^```", body[1], re.DOTALL | re.MULTILINE)


def run_block(code: str) -> dict[str, Any]:
    """Names that a block defines."""
    names: dict[str, Any] = {"__name__": "documentation"}
    exec(compile(code, "documentation", "exec"), names)
    return names
