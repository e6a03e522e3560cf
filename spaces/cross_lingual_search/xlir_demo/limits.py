"""What a visitor may ask for. The server holds to these, whatever the page in the browser says."""

from __future__ import annotations

from hf_hybrid.errors import InputError

MAX_QUESTION = 300
MAX_RESULTS = 50
# Places at the top that are looked at for the mix of languages and for overlaps.
DEFAULT_RESULTS = 10

MAX_CORPUS_BYTES = 2_000_000
MAX_PASSAGES = 5_000
MAX_PASSAGE = 2_000
MAX_NAME = 100
# Corpora of visitors that are held at once, and for how long.
MAX_CORPORA = 32
CORPUS_SECONDS = 30 * 60

# Largest request that is read at all: a corpus as JSON, where a character can take six bytes.
MAX_BODY = 6 * MAX_CORPUS_BYTES + 100_000
# Requests that wait, and those that are worked on at once.
MAX_WAITING = 256
WORKERS = 4


def checked_question(text: object) -> str:
    """A question as it is searched: without line breaks and repeated spaces.

    Raises:
        InputError: it is no text, empty, or too long.

    Example:
        >>> checked_question(" Where is\\n the lake? ")
        'Where is the lake?'
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError("There is no question yet: type one, or choose an example.")
    # Counted before anything is done with it.
    if len(text) > MAX_QUESTION:
        raise InputError(f"The question has {len(text):,} characters; at most {MAX_QUESTION} are searched.")
    return " ".join(text.replace("\0", " ").split())


def checked_results(number: object) -> int:
    """A number of results.

    Raises:
        InputError: it is no whole number from 1 to `MAX_RESULTS`.
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
        raise InputError(f"The number of results must be a whole number from 1 to {MAX_RESULTS}.")
    if not 1 <= number <= MAX_RESULTS or number != int(number):
        raise InputError(f"The number of results must be a whole number from 1 to {MAX_RESULTS}.")
    return int(number)
