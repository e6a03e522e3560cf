"""A checkpoint counts by its manifest: with all files in their sizes, and not without, cut off, or changed."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.training.checkpoints import (
    MANIFEST,
    evaluation_is_pending,
    explain_write_failure,
    is_whole,
    last_checkpoint,
    whole_steps,
    write_manifest,
    write_problem,
)


def checkpoint(folder: Path, step: int, **options) -> Path:
    path = folder / f"checkpoint-{step}"
    (path / "global_step").mkdir(parents=True)
    (path / "weights").write_bytes(b"1234")
    (path / "global_step" / "shard").write_bytes(b"12")
    write_manifest(path, step, ranks=2, **options)
    return path


def test_the_newest_whole_checkpoint_is_taken(tmp_path):
    assert last_checkpoint(tmp_path) is None and whole_steps(tmp_path) == []
    checkpoint(tmp_path, 9)
    checkpoint(tmp_path, 10)
    (checkpoint(tmp_path, 20) / MANIFEST).unlink()
    shutil.copytree(tmp_path / "checkpoint-9", tmp_path / "checkpoint-x")
    assert whole_steps(tmp_path) == [9, 10]
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path / "weights").write_bytes(b"123"),
        lambda path: (path / "global_step" / "shard").unlink(),
        lambda path: (path / MANIFEST).write_text(""),
        lambda path: (path / MANIFEST).write_text((path / MANIFEST).read_text()[:-20]),
        lambda path: (path / MANIFEST).write_text("[]"),
        lambda path: (path / MANIFEST).write_text('{"files": 3}'),
    ],
)
def test_what_is_missing_or_cut_off_does_not_count(spoil, tmp_path):
    path = checkpoint(tmp_path, 4)
    assert is_whole(path)
    spoil(path)
    assert not is_whole(path) and last_checkpoint(tmp_path) is None


def test_files_that_were_added_do_no_harm(tmp_path):
    path = checkpoint(tmp_path, 4)
    (path / "notes.txt").write_text("mine")
    assert is_whole(path)


def test_an_evaluation_that_was_skipped_is_remembered(tmp_path):
    assert not evaluation_is_pending(checkpoint(tmp_path, 4))
    path = checkpoint(tmp_path, 5, evaluation_pending=True)
    assert evaluation_is_pending(path)
    (path / "weights").unlink()
    assert not evaluation_is_pending(path) and not evaluation_is_pending(tmp_path / "none")


def test_only_failures_to_write_are_explained(tmp_path):
    full = OSError(errno.ENOSPC, "No space left on device")
    assert write_problem(full) == "No space left on device"
    torch_says = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 192 vs 86")
    assert "unexpected pos" in write_problem(torch_says)
    torch_says.__context__ = full
    assert write_problem(torch_says) == "No space left on device"
    assert write_problem(ValueError("no")) is None
    with pytest.raises(
        InputError, match=r"cannot write to .* \(No space left on device; .* GiB are free\): make room"
    ):
        with explain_write_failure(tmp_path):
            raise full
    with pytest.raises(ZeroDivisionError):
        with explain_write_failure(tmp_path):
            raise ZeroDivisionError
