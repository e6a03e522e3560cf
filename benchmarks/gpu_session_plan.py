"""Parts of a session on a borrowed machine: each worth having alone, none begun that cannot be finished, none made
twice.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hf_hybrid.output_files import write_json

logger = logging.getLogger("gpu_session")


@dataclass(frozen=True)
class Part:
    """A part.

    Attributes:
        name: Of the part.
        seconds: That it probably takes, until one of its group has been timed.
        run: Makes it, in so many seconds at most; what is there already is not made again.
        is_done: Whether all of it is there.
        group: Parts that take about as long.
    """

    name: str
    seconds: float
    run: Callable[[float], None]
    is_done: Callable[[], bool]
    group: str = ""


@dataclass
class Budget:
    """Time that is left.

    Attributes:
        minutes: In all; None is no limit.
        margin: Seconds kept for the end.
    """

    minutes: float | None
    margin: float = 10.0
    began: float = field(default_factory=lambda: time.monotonic())

    def left(self) -> float:
        """Seconds until the margin."""
        if self.minutes is None:
            return float("inf")
        return 60 * self.minutes - self.margin - (time.monotonic() - self.began)


class Log:
    """What ran, with times, of all calls that shared a folder; written after every part.

    Args:
        path: A JSON file; entries that are there are kept.
        head: What is told of this call.
    """

    def __init__(self, path: Path, head: dict[str, object]):
        self.path = path
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"calls": []}
        self.calls: list[dict[str, object]] = [*known["calls"], {**head, "parts": []}]
        self._write()

    def add(self, name: str, outcome: str, seconds: float) -> None:
        """Tell of a part."""
        entry = {"name": name, "outcome": outcome, "seconds": round(seconds, 1)}
        self.calls[-1]["parts"].append(entry)  # type: ignore[attr-defined]
        logger.info("%s: %s (%.1f s)", name, outcome, seconds)
        self._write()

    def _write(self) -> None:
        write_json(self.path, {"calls": self.calls}, overwrite=True)


def run_parts(parts: Sequence[Part], budget: Budget, log: Log, after: Callable[[], None] = lambda: None) -> None:
    """Make the parts that are missing, in their order; one that fails does not keep others from being made.

    Args:
        parts: In the order of their worth.
        budget: A part is begun only if as much is left as one of its group took, or as is expected.
        log: Is told of every part: `there`, `no time for ...`, `done`, `not all of it`, or the error.
        after: Is called after each part that ran.
    """
    took: dict[str, float] = {}
    for part in parts:
        if part.is_done():
            log.add(part.name, "there", 0.0)
            continue
        group = part.group or part.name
        expected, left = took.get(group, part.seconds), budget.left()
        if left < expected:
            log.add(part.name, f"no time: {expected:.0f} s wanted, {max(left, 0):.0f} left", 0.0)
            continue
        began = time.monotonic()
        try:
            part.run(left)
            outcome = "done" if part.is_done() else "not all of it"
        except Exception as error:
            # What was made so far, and the parts behind it, are worth having without it.
            logger.error("%s", traceback.format_exc())
            outcome = f"failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        seconds = time.monotonic() - began
        if outcome == "done":
            took[group] = max(took.get(group, 0.0), seconds)
        log.add(part.name, outcome, seconds)
        after()
