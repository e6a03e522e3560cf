"""What a visitor may ask for. The server holds to these, whatever the page in the browser says."""

from __future__ import annotations

from hf_hybrid.errors import InputError
from hf_hybrid.text_files import decoded

MAX_QUESTION = 300
# Characters that the box takes: more than are searched, so that what is too long is told and not cut in silence.
MAX_TYPED = 50_000
MAX_RESULTS = 50
# Places at the top that are looked at for the mix of languages and for overlaps.
DEFAULT_RESULTS = 10

MAX_CORPUS_BYTES = 2_000_000
MAX_PASSAGES = 5_000
MAX_PASSAGE = 2_000
MAX_NAME = 100
# Corpora of visitors that are held at once, and for how long.
MAX_CORPORA = 32
# Seconds that embedding a visitor's texts with one checkpoint may take.
MAX_EMBEDDING_SECONDS = 60
CORPUS_SECONDS = 30 * 60

# Largest request that is read at all: a corpus as JSON, where a character can take six bytes.
MAX_BODY = 6 * MAX_CORPUS_BYTES + 100_000
# Requests that wait, and those that are worked on at once.
MAX_WAITING = 256
WORKERS = 4


# What JSON can hold instead of a text.
_KINDS = {list: "a list", dict: "an object", bool: "true or false", int: "a number", float: "a number"}


def checked_question(text: object) -> str:
    """A question as it is searched: without line breaks and repeated spaces.

    Raises:
        InputError: it is no text, empty, too long, or holds half of a character.

    Example:
        >>> checked_question(" Where is\\n the lake? ")
        'Where is the lake?'
    """
    if text is not None and not isinstance(text, str):
        raise InputError(f"The question must be a text, not {_KINDS.get(type(text), 'something else')}.")
    if not text or not text.strip():
        raise InputError("There is no question yet: type one, or choose an example.")
    # Counted before anything is done with it.
    if len(text) > MAX_QUESTION:
        raise InputError(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION} are searched: shorten it."
        )
    decoded(text, "The question")
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
