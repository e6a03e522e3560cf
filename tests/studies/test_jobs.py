"""Jobs as processes: a deadline ends them in time, a failure is a mistake that is named."""

from __future__ import annotations

import sys
import time

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
