"""The one error class for input that the user can correct.

The command line prints it as a single line and exits with status 2; anything else is a defect and keeps its traceback.
"""


class InputError(ValueError):
    """A mistake in the user's input: names the culprit (file, row, field or flag) and the remedy, in one line."""
