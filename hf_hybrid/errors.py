"""The one error class for input that the user can correct, and what a command does with it.

The command line prints it as a single line and exits with status 2, and so it does with what the operating system
refuses and the user can mend: a full disk, a place that cannot be written. Anything else is a defect and keeps its
traceback.
"""

from __future__ import annotations

import difflib
import errno
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

# Rust's libraries and Arrow say the number in words.
_NUMBER = re.compile(r"(?:os error|\[?errno) (\d+)", re.IGNORECASE)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
# Of a cache's folder alone: elsewhere a path that is missing may be a mistake of ours.
_NO_PLACE = {errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP}
_CACHES = ("HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_MODULES_CACHE", "HF_ASSETS_CACHE", "XDG_CACHE_HOME")


class InputError(ValueError):
    """A mistake in the user's input: names the culprit (file, row, field or flag) and the remedy, in one line."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message, for errors of one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that a misspelt one probably means, or None.

    Example:
        >>> nearest("learning_rat", ["learning_rate", "scale"])
        'learning_rate'
    """
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.5)), None)


def run_command(function: Callable[[], object]) -> int:
    """Run a command and turn mistakes in the input into one line on stderr.

    Args:
        function: does the work; a number that it returns is the exit status, anything else means 0.

    Returns:
        The exit status; 2 after an `InputError`, or where the system refuses what the user can mend
        (`system_problem`); 130 when interrupted. Other exceptions are defects and pass.

    Example:
        >>> run_command(lambda: None)
        0
    """
    try:
        result = function()
    except InputError as error:
        # What a reader of files says of a cache that cannot be written misses the point.
        said = cache_problem(error.__cause__ or error.__context__) or str(error)
        sys.stderr.write(f"hf-hybrid: error: {' '.join(said.split())}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("hf-hybrid: interrupted\n")
        return 130
    except Exception as error:
        if (problem := system_problem(error)) is None:
            raise
        sys.stderr.write(f"hf-hybrid: error: {' '.join(problem.split())}\n")
        return 2
    return result if isinstance(result, int) else 0


def system_problem(error: BaseException | None) -> str | None:
    """What the system refused, in one line with the remedy; None for an error that is a defect of the program.

    Example:
        >>> system_problem(OSError(28, "No space left on device", "vectors/shard-00001.safetensors"))
        'cannot write vectors/shard-00001.safetensors (No space left on device): make room, or choose another place'
    """
    while error is not None:
        number = _number(error)
        path = getattr(error, "filename", None)
        path = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else None
        cache = _cache_of(path)
        if number in _FULL | _FORBIDDEN or (cache and number in _NO_PLACE):
            what = (
                f"cannot {'write' if number in _FULL or cache else 'use'} {path or 'a file'} ({os.strerror(number)})"
            )
            if cache:
                return f"{what}: let {cache} name a folder that can be written"
            return f"{what}: {'make room' if number in _FULL else 'check its permissions'}, or choose another place"
        error = error.__cause__
    return None


def cache_problem(error: BaseException | None) -> str | None:
    """As `system_problem`, of the folders alone in which libraries keep what they fetch and make."""
    problem = system_problem(error)
    return problem if problem is not None and any(f"let {name} name" in problem for name in _CACHES) else None


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    # Libraries' own classes, not ours: `SafetensorError`, `ArrowInvalid`, `pyo3_runtime`.
    if isinstance(error, OSError) or type(error).__module__.split(".")[0] in (
        "builtins",
        "safetensors_rust",
        "pyarrow",
        "tokenizers",
    ):
        found = _NUMBER.search(str(error))
        return int(found.group(1)) if found else None
    return None


def _cache_of(path: str | None) -> str | None:
    """The variable that says where a cache is that holds this path."""
    if path is None:
        return None
    for name in _CACHES:
        if (folder := os.environ.get(name)) and _is_inside(Path(path), Path(folder)):
            return name
    return "HF_HOME" if _is_inside(Path(path), Path.home() / ".cache" / "huggingface") else None


def _is_inside(path: Path, folder: Path) -> bool:
    path, folder = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    # A cache that cannot be made fails at one of its parents.
    return path == folder or folder in path.parents or path in folder.parents
