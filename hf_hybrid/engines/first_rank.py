"""Which process speaks for all that a launcher started, known before any process group is set up."""

from __future__ import annotations

import os


def is_first_rank() -> bool:
    """Whether this is the first process or the only one: it shows progress and prints."""
    return os.environ.get("RANK", "0") == "0"
