"""The numbers of a mix: renditions and examples by configuration, split, source and language; refusals by source and
reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from mix.parts import Part


class Statistics:
    """Counts while a mix is written.

    Args:
        prepared: Counts of every part, as `prepare.prepare` returns them.
        parts: The parts.
    """

    def __init__(self, prepared: Mapping[str, Mapping[str, Any]], parts: Iterable[Part]):
        self._read: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[tuple[str, str, str]] = Counter()
        self._rows: Counter[tuple[str, str, str, str]] = Counter()
        self._licences: Counter[tuple[str, str, str]] = Counter()
        self._examples: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for part in parts:
            for source, n in prepared[part.name]["read"].items():
                self._read[part.config, source] += n
            for source, reason, n in prepared[part.name]["refused"]:
                self._refused[part.config, source, reason] += n

    def refuse(self, part: Part, sources: pa.ChunkedArray, reason: str) -> None:
        """Count renditions that a later stage leaves out."""
        self._refused.update((part.config, source, reason) for source in sources.to_pylist())

    def count(self, config: str, split: str, table: pa.Table) -> None:
        """Count the renditions that are written."""
        columns = (table[name].to_pylist() for name in ("source", "lang", "licence", "id"))
        for source, lang, licence, example in zip(*columns, strict=True):
            self._rows[config, split, source, lang] += 1
            self._licences[config, source, licence] += 1
            self._examples[config, split, source].add(example)

    def as_dict(self) -> dict[str, Any]:
        """Everything, nested, in the order of its names."""
        return {
            "read": _nested(self._read),
            "refused": _nested(self._refused),
            "rows": _nested(self._rows),
            "examples": _nested(Counter({key: len(ids) for key, ids in self._examples.items()})),
            "row_licences": _nested(self._licences),
        }


def _nested(counter: Counter) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for keys, count in sorted(counter.items()):
        place = root
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = count
    return root
