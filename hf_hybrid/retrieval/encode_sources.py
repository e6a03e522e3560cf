"""Corpora to encode: streamed from files, or in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import file_digest
from hf_hybrid.text_files import byte_lines, json_object

ID_FIELDS = ("docid", "_id", "id")


@dataclass(frozen=True)
class CorpusBlock:
    """Consecutive rows of a corpus: those of shard ``index``. ``ids`` and ``texts`` are empty where nobody asked for
    them.
    """

    index: int
    ids: Sequence[str]
    texts: Sequence[str]


class Corpus(Protocol):
    """Texts with ids, in a fixed order, that need not fit in memory."""

    def sha256(self) -> str:
        """Digest of the corpus."""

    def names(self) -> Iterator[str]:
        """The ids of all passages, in order."""

    def blocks(self, rows: int, wanted: Callable[[int], bool]) -> Iterator[CorpusBlock]:
        """Yield all blocks of ``rows`` rows in order; those whose index is not ``wanted`` without content."""


@dataclass(frozen=True)
class JsonlCorpus:
    """Passages in ``.jsonl`` or ``.jsonl.gz`` files, one object a line, as MIRACL and BEIR have them.

    A line has an id (``docid``, ``_id`` or ``id``), a ``text`` and perhaps a ``title``; the encoder is given title, a
    space, and text.

    Attributes:
        files: read in this order.

    Example:
        >>> JsonlCorpus((Path("corpus.jsonl"),)).sha256()  # doctest: +SKIP
    """

    files: tuple[Path, ...]

    def __post_init__(self) -> None:
        for file in self.files:
            if not file.is_file():
                raise InputError(f"{file}: no such file; give .jsonl or .jsonl.gz files with fields docid and text")
        if not self.files:
            raise InputError("a corpus needs at least one .jsonl or .jsonl.gz file")

    def sha256(self) -> str:
        """Digest of the files' bytes."""
        return hashlib.sha256("\n".join(file_digest(file) for file in self.files).encode()).hexdigest()

    def blocks(self, rows: int, wanted: Callable[[int], bool]) -> Iterator[CorpusBlock]:
        """See `Corpus.blocks`; lines of other blocks are not even parsed."""
        index, count, passages = 0, 0, []
        is_wanted = wanted(0)
        for file, number, line in self._lines():
            if is_wanted:
                passages.append(parse_passage(line, file, number))
            count += 1
            if count == rows:
                yield _block(index, passages)
                index, count, passages = index + 1, 0, []
                is_wanted = wanted(index)
        if count:
            yield _block(index, passages)

    def passages(self) -> Iterator[tuple[str, str]]:
        """Yield ``(id, text)`` of all passages."""
        for file, number, line in self._lines():
            yield parse_passage(line, file, number)

    def names(self) -> Iterator[str]:
        """See `Corpus.names`."""
        return (identifier for identifier, _ in self.passages())

    def _lines(self) -> Iterator[tuple[Path, int, bytes]]:
        for file in self.files:
            for number, line in byte_lines(file):
                yield file, number, line


@dataclass(frozen=True)
class TextCorpus:
    """A corpus that is in memory."""

    ids: Sequence[str]
    texts: Sequence[str]

    def sha256(self) -> str:
        """Digest of ids and texts."""
        digest = hashlib.sha256()
        for row in zip(self.ids, self.texts, strict=True):
            digest.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        return digest.hexdigest()

    def names(self) -> Iterator[str]:
        """See `Corpus.names`."""
        return iter(self.ids)

    def blocks(self, rows: int, wanted: Callable[[int], bool]) -> Iterator[CorpusBlock]:
        """See `Corpus.blocks`."""
        for index, start in enumerate(range(0, len(self.ids), rows)):
            part = slice(start, start + rows) if wanted(index) else slice(0)
            yield CorpusBlock(index, self.ids[part], self.texts[part])


def parse_passage(line: bytes, file: Path, number: int) -> tuple[str, str]:
    """``(id, text)`` of a line."""
    record = json_object(line, f"{file}, line {number}")
    identifier = next((record[name] for name in ID_FIELDS if record.get(name) is not None), None)
    text, title = record.get("text"), record.get("title") or ""
    # A passage of a title alone may have no text; one of neither is a mistake in the names of the fields.
    text = "" if text is None and title else text
    if (
        isinstance(identifier, bool)
        or not isinstance(identifier, str | int)
        or not isinstance(text, str)
        or not isinstance(title, str)
    ):
        raise InputError(
            f"{file}, line {number}: a passage needs an id ({', '.join(ID_FIELDS)}) and a text; mend the line"
        )
    return checked_id(str(identifier), f"{file}, line {number}"), f"{title} {text}".strip()


def checked_id(identifier: str, where: str) -> str:
    """An id that a run file can hold: its fields are separated by white space.

    Raises:
        InputError: It is empty or has white space.

    Example:
        >>> checked_id("doc-1", "corpus.jsonl, line 1")
        'doc-1'
    """
    if identifier.split() != [identifier]:
        raise InputError(
            f"{where}: the id {identifier!r} is empty or has white space, which separates the fields of a run; rename "
            "it"
        )
    return identifier


def check_distinct(corpus: Corpus) -> None:
    """Refuse a corpus with two passages of one id, which a run would name twice; needs 8 bytes a passage.

    Raises:
        InputError: Names the id.

    Example:
        >>> check_distinct(TextCorpus(["a", "b"], ["one text", "another"]))
    """
    digests = np.fromiter((hash(name) for name in corpus.names()), dtype=np.int64)
    digests.sort()
    suspects = set(digests[1:][digests[1:] == digests[:-1]].tolist())
    if not suspects:
        return
    seen: set[str] = set()
    for name in corpus.names():
        if hash(name) in suspects:
            if name in seen:
                raise InputError(f"the corpus has two passages with the id {name!r}; keep one of them or rename it")
            seen.add(name)


def _block(index: int, passages: list[tuple[str, str]]) -> CorpusBlock:
    return CorpusBlock(index, [identifier for identifier, _ in passages], [text for _, text in passages])
