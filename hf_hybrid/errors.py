"""The one error class for input that the user can correct, and what a command does with it.

The command line prints it as a single line and exits with status 2; anything else is a defect and keeps its traceback.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Sequence


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
        The exit status; 2 after an `InputError`; 130 when interrupted. Other exceptions are defects and pass.

    Example:
        >>> run_command(lambda: None)
        0
    """
    try:
        result = function()
    except InputError as error:
        sys.stderr.write(f"hf-hybrid: error: {' '.join(str(error).split())}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("hf-hybrid: interrupted\n")
        return 130
    return result if isinstance(result, int) else 0
