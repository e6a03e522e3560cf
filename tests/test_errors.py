"""What the system refuses is one line and status 2; what is a defect keeps its traceback."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hf_hybrid.errors import run_command, system_problem

ROOT = Path(__file__).resolve().parents[1]


def refusing(error: BaseException):
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x", "a/b"), "cannot write a/b (No space left on device): make room"),
        (PermissionError(errno.EACCES, "x", "a/b"), "cannot use a/b (Permission denied): check its permissions"),
        (OSError(errno.EROFS, "x", b"a/b"), "cannot use a/b (Read-only file system)"),
        (OSError("[Errno 28] Error writing bytes to file"), "cannot write a file (No space left on device)"),
        (OSError(errno.EDQUOT, "x"), "cannot write a file (Disk quota exceeded): make room"),
    ],
)
def test_one_line(error, said, capsys):
    assert run_command(refusing(error)) == 2
    shown = capsys.readouterr().err
    assert said in shown and shown.count("\n") == 1


def test_behind_another_error(capsys):
    error = RuntimeError("cannot save")
    error.__cause__ = OSError(errno.ENOSPC, "x", "a/b")
    assert run_command(refusing(error)) == 2
    assert "make room" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(errno.ENOENT, "x", "a/b"), ValueError("os error"), KeyError("[Errno 2]"), OSError("odd")],
)
def test_defects_pass(error):
    assert system_problem(error) is None
    with pytest.raises(type(error)):
        run_command(refusing(error))


def test_a_cache_is_named_by_its_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no" / "such"))
    for error in (
        PermissionError(errno.EACCES, "x", str(tmp_path / "no" / "such" / "datasets" / "a.lock")),
        FileNotFoundError(errno.ENOENT, "x", str(tmp_path / "no")),
    ):
        assert system_problem(error).endswith("let HF_HOME name a folder that can be written")


@pytest.mark.parametrize("place", ["/proc/no", "{file}/below"])
def test_an_unwritable_hf_home(place, tmp_path):
    (tmp_path / "file").write_text("")
    # Data of its own, so that nothing is cached under another name; and no cache of the tests.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("HF_") and key != "XDG_CACHE_HOME"
    }
    environment |= {"HF_HOME": place.format(file=tmp_path / "file"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    command = f"train --encoder static --vocab_size 400 --max_steps 1 --use_cpu --output_dir {tmp_path / 'run'}"
    done = subprocess.run(
        [sys.executable, "-m", "hf_hybrid.cli.main", *command.split()], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "HF_HOME" in done.stderr.splitlines()[-1] and "can be written" in done.stderr.splitlines()[-1]
