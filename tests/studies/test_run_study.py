"""Studies from design to report: what is missing is made, an interrupted one ends with the straight one's bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hf_hybrid.cli.main import main
from hf_hybrid.studies import jobs
from hf_hybrid.studies.kinds import KINDS
from hf_hybrid.studies.run_study import locked
from tests.studies.designs import call_here, reports, tiny, written


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> dict[str, Path]:
    """Folder of each tiny study that was run in one go, made on first use."""

    class Studies(dict):
        def __missing__(self, kind: str) -> Path:
            folder = tmp_path_factory.mktemp(kind) / "out"
            with pytest.MonkeyPatch.context() as patch:
                call_here(patch)
                assert main(["study", kind, "--config", "tiny", "--output", str(folder)]) == 0
            self[kind] = folder
            return folder

    return Studies()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_interrupted_study_ends_with_the_same_report(kind, straight, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    command = ["study", kind.name, "--config", "tiny", "--output", str(tmp_path / "out")]
    for stop_before in (1, 2):
        call_here(monkeypatch, stop_before)
        assert main([*command, "--minutes", "60"]) == 143
        assert "the 60 minutes are over; the same command goes on" in capsys.readouterr().err
        assert reports(tmp_path / "out") == {}
    called = call_here(monkeypatch)
    assert main(command) == 0 and called
    whole = reports(straight[kind.name])
    assert set(whole) == {"report.json", "report.md", "report.png", "report.svg"}
    assert reports(tmp_path / "out") == whole
    # Nothing is missing: the report is made again of the results files alone.
    (tmp_path / "out/report.md").unlink()
    called.clear()
    assert main(command) == 0 and called == [] and reports(tmp_path / "out") == whole


def test_a_run_that_the_minutes_end_goes_on_from_its_checkpoint(straight, tmp_path):
    """Real processes, one of which is ended while it trains."""
    pytest.importorskip("matplotlib")
    folder = tmp_path / "out"
    command = ["study", "ratio", "--config", "tiny", "--output", str(folder)]
    started = subprocess.Popen([sys.executable, "-m", "hf_hybrid.cli", *command, "--minutes", "0.25"])
    assert started.wait(200) == 143
    assert not (folder / "report.md").exists()
    with pytest.MonkeyPatch.context() as patch:
        call_here(patch)
        assert main(command) == 0
    assert reports(folder) == reports(straight["ratio"])


def test_a_report_says_what_was_declared_and_found(straight):
    content = json.loads((straight["ratio"] / "report.json").read_text())
    assert content["study"] == "ratio" and content["declaration"]["design"]["seeds"] == [1, 2]
    assert len(content["results"]) == 8 and {len(entry["per_query_sha256"]) for entry in content["results"]} == {64}
    first = content["findings"][0]
    assert first["name"] == "quarter_beats_none" and first["seeds"] == 2 and first["smallest_seen"] > 0
    page = (straight["ratio"] / "report.md").read_text()
    assert page.startswith("# Which share") and "\n- **" in page.split("##")[0] and "## What is not identified" in page
    assert str(straight["ratio"].parent) not in page + json.dumps(content)
    seconds = json.loads((straight["ratio"] / "seconds.json").read_text())
    assert len(seconds["training"]) == 8 and seconds["sum"] == pytest.approx(sum(seconds["training"].values()))


def test_a_changed_declaration_stops_the_command(straight, tmp_path, capsys):
    design = tiny("ratio")
    design["contrasts"][0]["figure"] = "mo_map"
    command = ["study", "ratio", "--config", written(tmp_path, design), "--output", str(straight["ratio"])]
    assert main(command) == 2
    assert "the study was declared with another design.contrasts.0.figure" in capsys.readouterr().err


def test_one_job_alone_makes_its_results_and_no_report(tmp_path, monkeypatch, capsys):
    called = call_here(monkeypatch)
    command = ["study", "ratio", "--config", "tiny", "--output", str(tmp_path / "out"), "--job"]
    assert main([*command, "total-hybrid-1/seed_2"]) == 0
    assert [words[0] for words in called] == ["train", "evaluate"]
    assert (tmp_path / "out/results/cldr_qa/total-hybrid-1_2.json").is_file()
    assert reports(tmp_path / "out") == {}
    assert main([*command, "no"]) == 2 and "--job no: the study has no such job" in capsys.readouterr().err


def test_a_job_of_another_process_is_left_to_it(tmp_path, monkeypatch):
    called = call_here(monkeypatch)
    lock = tmp_path / "out/runs/total-hybrid-1-seed_2.lock"
    with locked(lock) as ours, locked(lock) as again:
        assert ours and not again
        command = ["study", "ratio", "--config", "tiny", "--output", str(tmp_path / "out")]
        assert main([*command, "--job", "total-hybrid-1/seed_2"]) == 0
    assert called == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_command_that_fails_ends_the_study_and_begins_no_other(tmp_path, monkeypatch, processes):
    from hf_hybrid.errors import InputError

    called = []

    def call(words, threads=1, deadline=None):
        called.append(words)
        raise InputError("no")

    monkeypatch.setattr(jobs, "call", call)
    command = ["study", "ratio", "--config", "tiny", "--output", str(tmp_path / "out"), "--processes", str(processes)]
    assert main(command) == 2
    assert 1 <= len(called) <= processes


def test_values_by_name(tmp_path, capsys):
    command = ["study", "ratio", "--config", "tiny", "--output", str(tmp_path / "out"), "--data", "mix"]
    assert main(command) == 2 and "--data mix: write NAME=VALUE" in capsys.readouterr().err
