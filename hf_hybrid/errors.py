"""The one error class for input that the user can correct, and what a command does with it.

The command line prints it as a single line and exits with status 2; anything else is a defect and keeps its traceback.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Sequence

from hf_hybrid.system_errors import cache_problem, system_problem


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
        function: does the work; its result is ignored.

    Returns:
        0; 2 after an `InputError`, or where the system refuses what the user can mend (`system_errors`); 130 when interrupted.
        Other exceptions are defects and pass.

    Example:
        >>> run_command(lambda: None)
        0
    """
    try:
        function()
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
    return 0
