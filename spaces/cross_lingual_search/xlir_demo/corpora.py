"""A visitor's own passages: read from plain text, CSV or JSONL within limits, and kept for a while in memory only."""

from __future__ import annotations

import csv
import io
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag
from hf_hybrid.text_files import decoded, json_value

from .languages import UNKNOWN, guess_languages
from .limits import CORPUS_SECONDS, MAX_CORPORA, MAX_CORPUS_BYTES, MAX_NAME, MAX_PASSAGE, MAX_PASSAGES
from .pool import Pool

FORMATS = ("detect", "text", "csv", "jsonl")
# Characters of a passage that its language is guessed by.
_GUESSED_BY = 100
_TEXT_FIELDS = ("text", "passage")
_LANGUAGE_FIELDS = ("lang", "language")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
Row = dict[str, Any]


def parse_corpus(content: str | bytes, form: str = "detect", file_name: str = "") -> Pool:
    """Read passages.

    * text: a passage on every line, or, where there are empty lines, between them;
    * CSV: a header with ``text`` and, if you like, ``lang`` and ``id``;
    * JSONL: an object with the same fields on every line (or one list of them).

    Args:
        content: at most `MAX_CORPUS_BYTES` bytes; bytes are UTF-8.
        form: one of `FORMATS`.
        file_name: whose ending tells the format, where it is to be detected.

    Returns:
        The passages; a language that is not given is guessed.

    Raises:
        InputError: what is wrong, in one line, with the row.
    """
    text = _decoded(content)
    if not isinstance(form, str) or form not in FORMATS:
        raise InputError(f"The format must be one of {', '.join(FORMATS)}.")
    form = _detected(text, file_name) if form == "detect" else form
    rows = {"text": _text_rows, "csv": _csv_rows, "jsonl": _jsonl_rows}[form](text)
    texts, languages, ids = [], [], []
    for number, row in enumerate(rows, start=1):
        if number > MAX_PASSAGES:
            raise InputError(f"There are more than {MAX_PASSAGES:,} passages: leave some out.")
        passage = _passage(row, number)
        texts.append(passage)
        languages.append(_language(row, number))
        ids.append(_id(row, number))
    if not texts:
        raise InputError("There are no passages in this text.")
    open_rows = [row for row, tag in enumerate(languages) if tag is None]
    for row, guess in zip(open_rows, guess_languages([texts[row][:_GUESSED_BY] for row in open_rows]), strict=True):
        languages[row] = guess or UNKNOWN
    return Pool(texts, languages, ids, [None] * len(texts), [""] * len(texts))


def _decoded(content: str | bytes) -> str:
    if not isinstance(content, str | bytes) or not content.strip():
        raise InputError("There is no text yet: paste some, or choose a file.")
    # A character is at least a byte: what is too long anyway is not encoded.
    if len(content) > MAX_CORPUS_BYTES or (
        isinstance(content, str) and len(content.encode("utf-8", "replace")) > MAX_CORPUS_BYTES
    ):
        raise InputError(f"The text is larger than {MAX_CORPUS_BYTES / 1e6:.0f} MB: leave some out.")
    return decoded(content, "The text" if isinstance(content, str) else "The file")


def _detected(text: str, file_name: str) -> str:
    ending = file_name.rpartition(".")[2].lower()
    if ending in ("csv", "jsonl", "json"):
        return "csv" if ending == "csv" else "jsonl"
    if ending == "txt":
        return "text"
    first = text.lstrip().split("\n", 1)[0].strip()
    if first.startswith(('{"', "[{", "{ ")) or first in ("[", "{"):
        return "jsonl"
    names = [name.strip().strip('"').lower() for name in first.split(",")]
    return "csv" if len(names) > 1 and any(name in names for name in _TEXT_FIELDS) else "text"


def _text_rows(text: str) -> Iterator[Row]:
    parts = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip())
    for part in parts if len(parts) > 1 else text.split("\n"):
        if words := " ".join(part.split()):
            yield {"text": words}


def _csv_rows(text: str) -> Iterator[Row]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        if not any(name in reader.fieldnames for name in _TEXT_FIELDS):
            raise InputError("The first line of a CSV must name its columns, and one of them must be text.")
        yield from reader
    except csv.Error as error:
        raise InputError(f"This is not CSV: {_shown(str(error))}.") from error


def _jsonl_rows(text: str) -> Iterator[Row]:
    if text.lstrip().startswith("["):
        rows = _json(text, "the list")
    else:
        lines = enumerate(text.split("\n"), start=1)
        rows = (_json(line, f"line {number}") for number, line in lines if line.strip())
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise InputError(f"Row {number} is not an object with a field text.")
        yield {str(name).lower(): value for name, value in row.items()}


def _json(text: str, where: str) -> Any:
    try:
        return json_value(text, where)
    except InputError as error:
        raise InputError(f"This is not JSONL: {error}.") from error


def _passage(row: Row, number: int) -> str:
    value = next((row[name] for name in _TEXT_FIELDS if row.get(name) is not None), None)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"Row {number} has no text.")
    if len(value) > MAX_PASSAGE:
        raise InputError(
            f"Row {number} has {len(value):,} characters; a passage has at most {MAX_PASSAGE:,}: cut it into pieces."
        )
    return " ".join(value.replace("\0", " ").split())


def _language(row: Row, number: int) -> str | None:
    value = next((row[name] for name in _LANGUAGE_FIELDS if row.get(name)), None)
    if value is None:
        return None
    if isinstance(value, str) and _TAG.fullmatch(value.strip().replace("_", "-")):
        try:
            return canonical_tag(value)
        except InputError:
            pass  # looks like a tag, but of no language: said below
    raise InputError(f"Row {number}: {_shown(value)} is no language tag like de or zh-Hant.")


def _id(row: Row, number: int) -> str:
    value = row.get("id")
    if value in (None, ""):
        return str(number)
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > MAX_NAME:
        raise InputError(f"Row {number}: an id must be a text of at most {MAX_NAME} characters.")
    return str(value)


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass
class Corpus:
    """A visitor's passages with the vectors of one checkpoint.

    Attributes:
        pool: the passages.
        checkpoint: whose vectors they are.
        vectors: float32 ``[N, d]``.
        until: when it is forgotten, by the store's clock.
    """

    pool: Pool = field(repr=False)
    checkpoint: str
    vectors: np.ndarray = field(repr=False)
    until: float = 0.0


class CorpusStore:
    """Corpora in memory, under names that cannot be guessed: a bounded number, each for a bounded time.

    Args:
        most: corpora that are held; the one that was used longest ago makes room.
        seconds: after which one is forgotten.
        clock: of seconds.
    """

    def __init__(
        self, most: int = MAX_CORPORA, seconds: float = CORPUS_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._corpora: OrderedDict[str, Corpus] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        with self._lock:
            self._forget()
            return len(self._corpora)

    def add(self, corpus: Corpus) -> str:
        """Keep a corpus; returns its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._forget()
            corpus.until = self._clock() + self._seconds
            self._corpora[name] = corpus
            while len(self._corpora) > self._most:
                self._corpora.popitem(last=False)
        return name

    def get(self, name: str | None) -> Corpus:
        """The corpus of a name.

        Raises:
            InputError: there is none, or no more.
        """
        with self._lock:
            self._forget()
            corpus = self._corpora.get(name or "")
            if corpus is None:
                raise InputError(
                    "There are no texts to search: add yours first. Texts are deleted after half an hour, or when "
                    "many visitors bring some."
                )
            self._corpora.move_to_end(name)
            return corpus

    def remove(self, name: str | None) -> None:
        """Forget a corpus, if it is there."""
        with self._lock:
            self._corpora.pop(name or "", None)

    def _forget(self) -> None:
        now = self._clock()
        for name in [name for name, corpus in self._corpora.items() if corpus.until <= now]:
            del self._corpora[name]
