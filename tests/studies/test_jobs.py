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
