"""The Python of a card, as a reader would run it: in an empty folder where the model is known by the card's name for
it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from hf_hybrid.publishing.cards.snippets import known_name


def python_snippets(card: str) -> list[str]:
    """The blocks of Python of a card, in their order."""
    return re.findall(r"^```python\n(.*?)^```$", card, flags=re.DOTALL | re.MULTILINE)


def run_snippets(folder: Path, work: Path, end: str = "") -> list[str]:
    """Run every snippet of the card in a process of its own, offline, and return what each printed.

    Args:
        folder: of the model.
        work: an empty folder to run in; the model is linked there, under its name at the Hub too.
        end: code to run after each snippet.

    Raises:
        AssertionError: a snippet failed; says how.
    """
    text = (folder / "README.md").read_text(encoding="utf-8")
    name = known_name(text)
    assert name, "the card loads no model"
    link = work / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(folder.resolve(), target_is_directory=True)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    printed = []
    for code in python_snippets(text):
        command = [sys.executable, "-c", f"{code}\n{end}"]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{code}\n{done.stderr}"
        printed.append(done.stdout)
    return printed
