"""Rules for `.eval_results/*.yaml` of a model: entries that the Hub takes, with values that equal their results file.

The format has no field for it, so ``notes`` say where a value is from: ``Mo, mAP:
results/xquad_r.json#/summary/mo_map``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hf_hybrid.publishing.lint.card import Card, Finding
from hf_hybrid.publishing.lint.figures import FigureReader, NoValueError, differences, figures_in

FOLDER = ".eval_results"
_REFERENCE = re.compile(r"\S+\.json#/\S+")
_ID = re.compile(r"[\w.-]+/[\w.-]+")


def check_eval_results(card: Card) -> Iterator[Finding]:
    """Every file is a list of entries; every entry has a data set, a task and the value of its reference."""
    reader = FigureReader(card.folder)
    for path in sorted((card.folder / FOLDER).glob("*.y*ml")):
        yield from _check_file(path, reader)


def _check_file(path: Path, reader: FigureReader) -> Iterator[Finding]:
    try:
        text = path.read_text(encoding="utf-8")
        node, entries = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        yield Finding(path, 1, "eval-results", f"not valid YAML: {' '.join(str(error).split())}")
        return
    if not isinstance(entries, list) or not entries:
        yield Finding(path, 1, "eval-results", "the file is no list of entries: `hf-hybrid card` writes it")
        return
    for item, entry in zip(node.value, entries, strict=True):
        yield from _check_entry(path, item.start_mark.line + 1, entry, reader)


def _check_entry(path: Path, line: int, entry: Any, reader: FigureReader) -> Iterator[Finding]:
    dataset = entry.get("dataset") if isinstance(entry, dict) else None
    if not isinstance(dataset, dict) or not _ID.fullmatch(str(dataset.get("id"))) or not dataset.get("task_id"):
        yield Finding(path, line, "eval-results", "an entry needs `dataset: {id: OWNER/NAME, task_id: TASK}`")
        return
    match = _REFERENCE.search(str(entry.get("notes")))
    if match is None:
        message = "the entry's `notes` have no FILE.json#/KEY: say where its value is from"
        yield Finding(path, line, "figure", message)
        return
    figures = [(line, figure) for figure in figures_in(repr(entry.get("value")))]
    try:
        for number, message in differences(figures, reader.values(match[0]), line):
            yield Finding(path, number, "figure", message)
    except NoValueError as error:
        yield Finding(path, line, "figure", str(error))
