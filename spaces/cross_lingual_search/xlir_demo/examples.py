"""Examples chosen by a rule from what was measured over all built-in questions, not by hand; and the file that keeps
them for the checkpoints that they were chosen for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.text_files import read_json

from .measuring import Figures, Outcomes
from .pool import Asked

logger = logging.getLogger(__name__)

FILE = Path(__file__).resolve().parents[1] / "measured.json"
# Kinds of examples, in the order in which they are shown.
KINDS = {"bias": "Language bias visible", "works": "Works well", "fails": "Fails"}
_EACH = 4
_FIRST_LANGUAGE = "en"


@dataclass(frozen=True)
class Example:
    """A built-in question that shows something.

    Attributes:
        kind: one of `KINDS`, or ``typical``: the one nearest to the mean of all, which the page begins with.
        fact: id of the fact.
        language: of the question.
        right: right results among the first, before and after.
        own: results in the question's language among them, before and after.
    """

    kind: str
    fact: str
    language: str
    right: tuple[int, int]
    own: tuple[int, int]


def choose(asked: Sequence[Asked], before: Outcomes, after: Outcomes) -> list[Example]:
    """Choose examples: the typical one, then four of each kind, with as many languages as there are.

    * language bias visible: by how much fewer results are in the question's language after, then by how many more are
      right;
    * works well: by the right results after, then before;
    * fails: by how few results are right after, then by how many were before.

    Args:
        asked: n questions.
        before: of them with one checkpoint.
        after: with the other.
    """
    own, right = np.stack([before.own, after.own], 1), np.stack([before.right, after.right], 1)
    rows = range(len(asked))
    values = np.hstack([own, right])
    distance = np.abs(values - values.mean(axis=0)).sum(axis=1)
    first = min(rows, key=lambda row: (asked[row].language != _FIRST_LANGUAGE, distance[row], row))
    orders = {
        "bias": sorted(rows, key=lambda row: (own[row, 1] - own[row, 0], right[row, 0] - right[row, 1], row)),
        "works": sorted(rows, key=lambda row: (-right[row, 1], -right[row, 0], row)),
        "fails": sorted(rows, key=lambda row: (right[row, 1], -right[row, 0], row)),
    }
    chosen = [("typical", first)]
    facts, languages = {asked[first].fact}, {asked[first].language}
    for kind, order in orders.items():
        for _ in range(_EACH):
            fresh = [row for row in order if asked[row].fact not in facts]
            row = next((row for row in fresh if asked[row].language not in languages), fresh[0] if fresh else None)
            if row is None:
                break
            facts.add(asked[row].fact)
            languages.add(asked[row].language)
            chosen.append((kind, row))
    return [
        Example(kind, asked[row].fact, asked[row].language, tuple(right[row].tolist()), tuple(own[row].tolist()))
        for kind, row in chosen
    ]


@dataclass(frozen=True)
class Measured:
    """What was measured of checkpoints, and examples for two of them.

    Attributes:
        figures: name of a checkpoint -> means over all built-in questions.
        pair: the two that the examples are about.
        examples: chosen by `choose`.
    """

    figures: Mapping[str, Figures]
    pair: tuple[str, str]
    examples: tuple[Example, ...]


def measured_record(measured: Measured, digests: Mapping[str, str], data: str) -> dict[str, Any]:
    """The content of the file.

    Args:
        measured: what to write.
        digests: name of a checkpoint -> digest of its weights.
        data: digest of the pool and the questions.
    """
    return {
        "measured_version": 1,
        "data_sha256": data,
        "before": measured.pair[0],
        "after": measured.pair[1],
        "checkpoints": {
            name: {"sha256": digests[name], **one.record()} for name, one in sorted(measured.figures.items())
        },
        "examples": [asdict(example) for example in measured.examples],
    }


def read_measured(file: Path, digests: Mapping[str, str], data: str, pair: tuple[str, str]) -> Measured:
    """What of the file holds for these checkpoints and data; nothing of it otherwise.

    Args:
        file: written by `prepare.py`; it need not be there.
        digests: of the checkpoints that were loaded.
        data: digest of the pool and the questions.
        pair: the two that are compared.

    Returns:
        Figures of the checkpoints whose digest the file names, and its examples where both of the pair are.
    """
    empty = Measured({}, pair, ())
    if not file.is_file():
        return empty
    try:
        content = read_json(file)
        if content["measured_version"] != 1 or content["data_sha256"] != data:
            return empty
        known = {
            name: Figures(**{key: value for key, value in one.items() if key != "sha256"})
            for name, one in content["checkpoints"].items()
            if one["sha256"] == digests.get(name)
        }
        fits = (content["before"], content["after"]) == pair and all(name in known for name in pair)
        examples = [
            Example(**(one | {"right": tuple(one["right"]), "own": tuple(one["own"])})) for one in content["examples"]
        ]
    except (InputError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        logger.warning("%s is not used, it is not in the form that prepare.py writes: %s", file.name, error)
        return empty
    return Measured(known, pair, tuple(examples) if fits else ())
