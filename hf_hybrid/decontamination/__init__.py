"""Does a training set hold text of an evaluation set? Find it, report it, leave it out.

`scan` compares, `report` writes what was found, `filtering` writes the training set without it, `candidates` looks across
languages with an encoder; `run.decontaminate` is all of them, as the command `hf-hybrid decontaminate` runs it.
"""

from __future__ import annotations

from .index import CHECKS, Thresholds
from .run import decontaminate
from .scan import Hit, Scan, scan

__all__ = ["CHECKS", "Hit", "Scan", "Thresholds", "decontaminate", "scan"]
