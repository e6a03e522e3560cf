"""Entries of `.eval_results`: their form, and that values equal their results file."""

from __future__ import annotations

import pytest

from hf_hybrid.publishing.lint import lint_cards
from tests.publishing.lint.cards import write_project

ENTRY = """\
- dataset:
    id: me/toy
    task_id: mo_map
  value: 0.6524
  notes: 'Mo, mAP: results.json#/summary/mo_map'
"""


@pytest.fixture
def folder(tmp_path):
    return write_project(tmp_path) / "model_cards" / "tiny"


def lint(folder, text):
    (folder / ".eval_results").mkdir()
    path = folder / ".eval_results" / "toy.yaml"
    path.write_text(text)
    findings = lint_cards([folder], load=False)[1]
    assert all(finding.path == path for finding in findings)
    return [(finding.line, finding.rule, finding.message) for finding in findings]


def test_a_right_entry(folder):
    assert lint(folder, ENTRY) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "rule", "message"),
    [
        ("0.6524", "0.6525", 1, "figure", "0.6525 is 0.65243 in results.json#/summary/mo_map"),
        ("/mo_map'", "/none'", 1, "figure", "results.json#/summary/none: the file has no 'none' there"),
        ("results.json#/summary/mo_map", "by hand", 1, "figure", "no FILE.json#/KEY"),
        ("me/toy", "toy", 1, "eval-results", "an entry needs `dataset: {id: OWNER/NAME, task_id: TASK}`"),
        ("- dataset", "dataset", 1, "eval-results", "not valid YAML"),
        (ENTRY, "a: 1", 1, "eval-results", "the file is no list of entries"),
    ],
)
def test_a_broken_entry(folder, old, new, line, rule, message):
    [(found_line, found_rule, text)] = lint(folder, ENTRY.replace(old, new))
    assert (found_line, found_rule) == (line, rule) and message in text
