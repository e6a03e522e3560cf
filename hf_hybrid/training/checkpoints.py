"""When a checkpoint counts: every rank has written its files, and a manifest of their sizes was put beside them last.

The loop writes a checkpoint file by file, some of them from every rank, so a run can die in the midst of it at any
point. Nothing about a folder's name or any single file tells a whole checkpoint from a half one; the manifest does.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError, first_line
from hf_hybrid.output_files import write_json

MANIFEST = "manifest.json"
PREFIX = "checkpoint-"
# What torch and safetensors say when the operating system refuses to write, in place of its own error.
WRITE_FAILURES = ("PytorchStreamWriter", "file write failed", "I/O error", "Error while serializing", "unexpected pos")


def write_manifest(checkpoint: Path, step: int, ranks: int, evaluation_pending: bool = False) -> None:
    """Declare a checkpoint whole; to be called when all ranks have written all their files.

    Args:
        evaluation_pending: The step's evaluation was due and is left to the run that goes on from here.

    Raises:
        InputError: The manifest cannot be written.
    """
    try:
        content = {"step": step, "ranks": ranks, "files": _sizes(checkpoint)}
    except OSError as error:
        raise InputError(f"cannot read {checkpoint}: {error.strerror or error}") from error
    if evaluation_pending:
        content["evaluation"] = "pending"
    write_json(checkpoint / MANIFEST, content, overwrite=True)


def evaluation_is_pending(checkpoint: Path) -> bool:
    """Whether a whole checkpoint was written when there was no time to evaluate it."""
    return is_whole(checkpoint) and _read(checkpoint).get("evaluation") == "pending"


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint has its manifest and all files that it lists, in the size that it lists."""
    try:
        files = _read(checkpoint)["files"]
        return all((checkpoint / name).stat().st_size == size for name, size in files.items())
    # Cut off while it was written, by a machine that lost power, or touched since.
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def whole_steps(folder: str | os.PathLike[str]) -> list[int]:
    """The steps of the whole checkpoints in a run's folder, in ascending order."""
    numbers = (path.name.removeprefix(PREFIX) for path in Path(folder).glob(f"{PREFIX}*") if is_whole(path))
    return sorted(int(number) for number in numbers if number.isdigit())


def checkpoint_path(folder: str | os.PathLike[str], step: int) -> Path:
    """Where a run's checkpoint of a step is."""
    return Path(folder) / f"{PREFIX}{step}"


def last_checkpoint(folder: str | os.PathLike[str]) -> str | None:
    """The newest whole checkpoint in a run's folder."""
    steps = whole_steps(folder)
    return str(checkpoint_path(folder, steps[-1])) if steps else None


def write_problem(error: BaseException) -> str | None:
    """What hindered writing, in a few words, where an error means that; None for any other error."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or first_line(error)
    if any(phrase in str(error) for phrase in WRITE_FAILURES):
        # torch says nothing of the reason, but the error that it met may hang on to its own.
        return next(
            (p for e in (error.__cause__, error.__context__) if e and (p := write_problem(e))), first_line(error)
        )
    return None


@contextmanager
def explain_write_failure(folder: Path) -> Iterator[None]:
    """Turn a failure to write into a run's folder, in the block, into an error that says what to do.

    Raises:
        InputError: The block could not write.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if (problem := write_problem(error)) is None:
            raise
        raise InputError(
            f"cannot write to {folder} ({problem}; {free_space(folder)}): make room and go on with --resume"
        ) from error


def free_space(folder: Path) -> str:
    """How much a folder's file system has left, for messages.

    Example:
        >>> free_space(Path("."))    # doctest: +SKIP
        '0.2 GiB are free'
    """
    return f"{shutil.disk_usage(folder).free / 2**30:.1f} GiB are free"


def _read(checkpoint: Path) -> dict[str, Any]:
    return json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))


def _sizes(checkpoint: Path) -> dict[str, int]:
    """Size of every file, by its path in the checkpoint; engines put folders into it."""
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(checkpoint).as_posix(): path.stat().st_size for path in files}
