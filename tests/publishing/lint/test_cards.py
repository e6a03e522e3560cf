"""Every card of this repository passes; the command says what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_hybrid.cli.main import main
from hf_hybrid.publishing.lint import lint_cards
from hf_hybrid.publishing.lint.project import repositories_below
from tests.publishing.lint.cards import write_project

ROOT = Path(__file__).resolve().parents[3]
REPOSITORIES = repositories_below(ROOT)


def test_there_are_cards_of_data_sets_and_spaces():
    assert {"cldr_qa", "xquad_r", "mlqa_r", "hybrid_xlir_map"} <= {folder.name for folder in REPOSITORIES}


@pytest.mark.parametrize("folder", REPOSITORIES, ids=lambda folder: folder.name)
def test_card(folder):
    assert lint_cards([folder])[1] == []


def test_cards_agree_on_their_siblings():
    assert [finding for finding in lint_cards([ROOT], load=False)[1] if finding.rule == "sibling"] == []


@pytest.mark.parametrize("name", ["cldr_qa"])
def test_croissant_of_the_data_in_the_repository(name):
    pytest.importorskip("mlcroissant", reason="needs the extra `croissant`")
    assert lint_cards([ROOT / "hub_datasets" / name], load=False, croissant=True)[1] == []


def test_the_command_lists_findings_and_fails(tmp_path, capsys):
    project = write_project(tmp_path)
    assert main(["lint", str(project), "--no_load"]) == 0
    assert capsys.readouterr().out == "cards: 3, findings: 0\n"
    card = project / "spaces" / "search" / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("blue", "teal"), encoding="utf-8")
    assert main(["lint", str(project), "--no_load"]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{card}:4: colorFrom: 'teal' is none of red, yellow") and first.endswith(" [space]")
    assert last == "cards: 3, findings: 1"


def test_the_command_takes_folders_with_cards_only(tmp_path, capsys):
    assert main(["lint", str(tmp_path)]) == 2
    assert "no card there" in capsys.readouterr().err
