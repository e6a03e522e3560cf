"""Texts with their languages, from renditions or from plain text, one pass in batches; every text once a language."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from hf_hybrid.data.loading import SUFFIXES, load_renditions
from hf_hybrid.data.tokenizer_texts import COLUMNS
from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag, canonical_tags, wanted_languages
from hf_hybrid.text_files import text_lines

if TYPE_CHECKING:
    from datasets import Dataset

BATCH = 2_000


def language_texts(
    sources: Sequence[str], languages: Iterable[str] | None = None, split: str = "train"
) -> Iterator[tuple[str, list[str]]]:
    """Batches of texts in one language each; a text that comes again in its language is left out.

    Args:
        sources: Parquet or JSONL files, or folders of them, with columns lang and any of query, passage, text; or
            `LANG=FILE` for plain text, a text a line.
        languages: Only these; all by default.
        split: Of folders.

    Raises:
        InputError: A file is missing, damaged, or has no column of text; a language of `languages` has no text.

    Example:
        >>> list(language_texts(["de=wiki.de.txt"]))  # doctest: +SKIP
        [('de', ['Der Fluss fließt ins Meer.'])]
    """
    wanted = wanted_languages(languages, "languages")
    opened = [_opened(source, split) for source in sources]
    seen: set[bytes] = set()
    found: set[str] = set()
    for batches in opened:
        for lang, texts in batches:
            if wanted is not None and lang not in wanted:
                continue
            fresh = []
            for text in texts:
                key = hashlib.blake2b(f"{lang}\n{text}".encode(), digest_size=8).digest()
                if key not in seen:
                    seen.add(key)
                    fresh.append(text)
            if fresh:
                found.add(lang)
                yield lang, fresh
    if missing := [lang for lang in wanted or () if lang not in found]:
        raise InputError(
            f"languages: no text in {', '.join(missing)}; the files have {', '.join(sorted(found)) or 'none of them'}"
        )


def _opened(source: str, split: str) -> Iterator[tuple[str, list[str]]]:
    """Batches of a source; what is wrong with its name or columns is said here, before the first text is read."""
    tag, equals, name = source.partition("=")
    if equals and not Path(source).expanduser().exists():
        language = canonical_tag(tag)
        path = Path(name).expanduser()
        if not path.is_file():
            raise InputError(f"texts: no file {name}; give LANG=FILE of plain text")
        if path.suffix in SUFFIXES:
            raise InputError(f"texts: {name} has languages of its own; give it without {tag}=")
        return _plain(language, path)
    if Path(source).suffix == ".txt":
        raise InputError(f"texts: {source} does not say its language; give LANG={source}")
    dataset = load_renditions(source, split)
    columns = [column for column in COLUMNS if column in dataset.column_names]
    if "lang" not in dataset.column_names or not columns:
        raise InputError(
            f"texts: {source} has the columns {', '.join(dataset.column_names)}; it needs lang, and one or more of "
            f"{', '.join(COLUMNS)}"
        )
    return _renditions(dataset, columns, source)


def _plain(language: str, path: Path) -> Iterator[tuple[str, list[str]]]:
    batch: list[str] = []
    for _, line in text_lines(path):
        batch.append(line)
        if len(batch) == BATCH:
            yield language, batch
            batch = []
    if batch:
        yield language, batch


def _renditions(dataset: Dataset, columns: Sequence[str], source: str) -> Iterator[tuple[str, list[str]]]:
    canonical: dict[str, str] = {}
    for table in dataset.with_format("arrow").iter(batch_size=BATCH):
        tags = pc.unique(table["lang"]).to_pylist()
        if new := [tag for tag in tags if tag not in canonical]:
            canonical |= canonical_tags(new, source)
        for tag in tags:
            rows = table.filter(pc.equal(table["lang"], tag))
            for column in columns:
                if texts := [text for text in rows[column].to_pylist() if text]:
                    yield canonical[tag], texts
