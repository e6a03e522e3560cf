"""Jobs for a cluster, through submitit's local executor: the study's own command, job by job."""

from __future__ import annotations

import builtins
import json

import pytest

from hf_hybrid.cli.main import main
from hf_hybrid.errors import InputError
from hf_hybrid.studies import launch


def test_jobs_run_through_submitit(tmp_path):
    pytest.importorskip("submitit")
    out = tmp_path / "out"
    words = ["study", "ratio", "--config", "tiny", "--output", str(out)]
    jobs = launch.submit_jobs(words, ["total-hybrid-0/seed_1"], tmp_path / "jobs", "local", {"timeout_min": 5})
    assert len(jobs) == 1
    jobs[0].result()
    assert (out / "results/cldr_qa/total-hybrid-0_1.json").is_file() and not (out / "report.md").exists()


def test_the_command_submits_what_is_missing(tmp_path, monkeypatch, capsys):
    submitted = []
    monkeypatch.setattr(launch, "submit_jobs", lambda *arguments: submitted.append(arguments) or [1] * 8)
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "file").write_text("data")
    further = ["--benchmarks", f"world_facts={tmp_path / 'facts'}"]
    command = [
        "study",
        "ratio",
        "--config",
        "tiny",
        "--output",
        str(tmp_path / "out"),
        *further,
        "--launcher",
        "slurm",
    ]
    assert (
        main(
            [
                *command,
                "--launcher",
                "slurm",
                "--launcher_options",
                "timeout_min=7",
                "slurm_partition=gpu",
                "--threads",
                "2",
            ]
        )
        == 0
    )
    ((words, jobs, folder, cluster, settings),) = submitted
    assert words == [*command[:5], str((tmp_path / "out").resolve()), *further, "--threads", "2"]
    declared = json.loads((tmp_path / "out" / "declaration.json").read_text())
    assert "benchmarks.world_facts.data_dir" in declared["data"]
    assert len(jobs) == 8 and folder == tmp_path / "out/jobs" and cluster == "slurm"
    assert settings == {"timeout_min": 7, "slurm_partition": "gpu"}
    assert "8 jobs submitted; the same command reports when they have ended" in capsys.readouterr().out


def test_what_cannot_be_submitted_is_said(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="--launcher slurm"):
        launch.submit_jobs(["study"], ["a"], tmp_path, "slurm")
    with pytest.raises(InputError, match="--launcher local.*no_such"):
        launch.submit_jobs(["study"], ["a"], tmp_path, "local", {"no_such": 1})


def test_without_submitit(tmp_path, monkeypatch):
    real = builtins.__import__

    def absent(name, *rest):
        if name.startswith("submitit"):
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match="needs submitit: pip install"):
        launch.submit_jobs(["study"], ["a"], tmp_path)
