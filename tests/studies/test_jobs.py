"""Jobs as processes: a deadline ends them in time, a failure is a mistake that is named."""

from __future__ import annotations

import sys
import time
from functools import partial

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.studies import jobs


def test_a_budget_ends_a_command_in_time(monkeypatch):
    monkeypatch.setattr(jobs, "COMMAND", [sys.executable, "-c", "import time; time.sleep(60)"])
    started = time.monotonic()
    with pytest.raises(jobs.OutOfTime):
        jobs.call([], deadline=started + 0.3)
    with pytest.raises(jobs.OutOfTime):
        jobs.call([], deadline=started)
    assert time.monotonic() - started < 30


def test_a_command_that_fails_is_a_mistake(monkeypatch):
    monkeypatch.setattr(jobs, "COMMAND", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(InputError, match="ended with status 3"):
        jobs.call(["train"])


def test_the_command_is_that_of_this_project(monkeypatch, tmp_path):
    """Whatever folder it is called from."""
    monkeypatch.chdir(tmp_path)
    jobs.call(["--version"])
    with pytest.raises(InputError, match="status 2"):
        jobs.call(["no-such-verb"])


def test_jobs_begin_in_their_order_and_none_after_one_has_failed():
    begun = []

    def job(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise InputError("job 2")

    with pytest.raises(InputError, match="job 2"):
        jobs.run_all([partial(job, number) for number in range(6)])
    assert begun == [0, 1, 2]
    begun.clear()
    jobs.run_all([partial(job, number) for number in (3, 4, 5)], processes=2)
    assert sorted(begun) == [3, 4, 5]
    jobs.run_all([])


def test_the_vectors_of_a_corpus_go_once_it_is_scored(tmp_path, monkeypatch):
    target, other = tmp_path / "results/miracl/hybrid_1.json", tmp_path / "results/miracl/hybrid_2_vectors"
    vectors = target.with_name("hybrid_1_vectors")

    def call(words, threads=1, deadline=None):
        assert words[-2:] == ["--output", str(target)]
        for folder in (vectors / "sw", other):
            folder.mkdir(parents=True)
        if deadline is not None:
            raise jobs.OutOfTime

    monkeypatch.setattr(jobs, "call", call)
    with pytest.raises(jobs.OutOfTime):
        jobs.Jobs(deadline=1.0).evaluate("model", target, ["--benchmark", "miracl"])
    assert vectors.is_dir()  # it goes on with them
    other.rmdir(), (vectors / "sw").rmdir(), vectors.rmdir()
    jobs.Jobs().evaluate("model", target, ["--benchmark", "miracl"])
    assert not vectors.exists() and other.is_dir()
