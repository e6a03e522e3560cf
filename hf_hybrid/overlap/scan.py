"""Compare a training set with evaluation sets: the training set is read as a stream, the evaluation sets in blocks
that fit memory.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from hf_hybrid.errors import InputError
from hf_hybrid.overlap.comparable_text import comparable, writing_of
from hf_hybrid.overlap.index import CHECKS, AgainstIndex, AgainstTexts, Owner, Thresholds
from hf_hybrid.overlap.sources import Row, count_rows, read_rows, text_files

# Characters of training text that are compared at once.
_BATCH_CHARACTERS = 1_000_000
# Bytes of an evaluation text in all indexes: for itself, for each of its characters, and for the buckets of
# near-duplicates (measured on XQuAD-R and on the held-out splits of the mix).
_BYTES_OF_TEXT, _BYTES_OF_CHARACTER, _BYTES_OF_BUCKETS = 1_000, 40, 10_000
_SHARED_CHARACTERS = 80


@dataclass(frozen=True)
class Hit:
    """A text of the training set that overlaps the evaluation.

    Attributes:
        key, lang, source, field: Where it is; ``field`` is ``query``, ``passage``, ``both`` (query and passage are one
            text) or ``title``.
        check: The surest of the checks that found it, in the order of `CHECKS`.
        checks: All checks that found it.
        score: Similarity, share of 8-grams, number of common 13-grams, or 1.
        against: The evaluation text that overlaps most.
        shared: Beginning of the longest run of words (or characters) that both have.
    """

    key: str
    lang: str
    source: str
    field: str
    check: str
    checks: tuple[str, ...]
    score: float
    against: Owner
    shared: str


@dataclass
class Scan:
    """What was compared and what was found.

    Attributes:
        hits: One for each text (of an example, language and field) that overlaps, in the order of the training files.
        train_rows: Rows by (source, language).
        train_titles: Rows with an article title.
        against_texts: Evaluation texts by (name, field, language).
        against_hit: The same, of those that some hit names or equals.
        thresholds, checks: How it was compared.
    """

    thresholds: Thresholds
    checks: tuple[str, ...]
    hits: list[Hit] = field(default_factory=list)
    train_rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    train_titles: int = 0
    against_texts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    against_hit: Counter[tuple[str, str, str]] = field(default_factory=Counter)


def scan(
    train: Sequence[str | Path],
    against: Mapping[str, str | Path],
    *,
    thresholds: Thresholds | None = None,
    checks: Sequence[str] = CHECKS,
    max_memory_mb: float = 1024,
    show_progress: bool = False,
) -> Scan:
    """Find the texts of a training set that overlap evaluation sets.

    Args:
        train: Files or folders of the training set.
        against: Name -> file or folder of each evaluation set.
        thresholds: When texts overlap; the defaults of `Thresholds`.
        checks: Which comparisons are made, of `CHECKS`.
        max_memory_mb: Memory for the indexes of evaluation texts. Where all do not fit, the training set is read
            several times.
        show_progress: Show progress bars.

    Raises:
        InputError: A file that cannot be read, an unknown check, nothing to compare.

    Example:
        >>> scan(["mix/qa"], {"xquad_r": "lareqa/xquad-r"}).hits  # doctest: +SKIP
        []
    """
    for check in checks:
        if check not in CHECKS:
            raise InputError(f"unknown check '{check}'; choose among {', '.join(CHECKS)}")
    files = [file for path in train for file in text_files(path)]
    result = Scan(thresholds or Thresholds(), tuple(check for check in CHECKS if check in checks))
    best: dict[tuple[str, str, str], Hit] = {}
    touched: dict[Owner, None] = {}
    for number, block in enumerate(_blocks(against, max_memory_mb, result, show_progress)):
        index = AgainstIndex(block.forms, block.titles, result.thresholds, result.checks)
        for hit in _scan_block(files, block, index, touched, result if number == 0 else None, show_progress):
            place = (hit.key, hit.lang, hit.field)
            if place not in best or _rank(hit) < _rank(best[place]):
                best[place] = hit
    if not result.against_texts:
        raise InputError(f"{', '.join(map(str, against.values()))}: no text in it to compare with")
    result.hits = list(best.values())
    result.against_hit.update((owner.name, owner.field, owner.lang) for owner in touched)
    return result


def _rank(hit: Hit) -> tuple[int, float]:
    return CHECKS.index(hit.check), -hit.score


def _blocks(
    against: Mapping[str, str | Path], max_memory_mb: float, result: Scan, show_progress: bool
) -> Iterator[AgainstTexts]:
    """Evaluation texts, as many at a time as fit the memory."""
    of_text = _BYTES_OF_TEXT + (_BYTES_OF_BUCKETS if "near_duplicate" in result.checks else 0)
    block, used = AgainstTexts(), 0
    for name, path in against.items():
        files = text_files(path)
        with tqdm(desc=f"reading {name}", unit="row", total=count_rows(files), disable=not show_progress) as progress:
            for file in files:
                for row in read_rows(file):
                    progress.update()
                    result.against_texts.update((name, column, row.lang) for column in row.texts)
                    block.add(name, row)
                    used += sum(of_text + _BYTES_OF_CHARACTER * len(text) for text in row.texts.values())
                    if used > max_memory_mb * 2**20:
                        yield block
                        block, used = AgainstTexts(), 0
    if block.forms:
        yield block


def _scan_block(
    files: Sequence[Path],
    block: AgainstTexts,
    index: AgainstIndex,
    touched: dict[Owner, None],
    counts: Scan | None,
    show_progress: bool,
) -> Iterator[Hit]:
    """Hits of the training files in one block of evaluation texts; counts the rows where `counts` is given."""
    total = count_rows(list(files))
    with tqdm(desc="comparing", unit="row", total=total, disable=not show_progress) as progress:
        for batch in _batches(row for file in files for row in read_rows(file)):
            if counts is not None:
                counts.train_rows.update((row.source, row.lang) for row in batch)
                counts.train_titles += sum("title" in row.texts for row in batch)
            yield from _scan_batch(batch, block, index, touched)
            progress.update(len(batch))


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += 100 + sum(map(len, row.texts.values()))
        if characters > _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _scan_batch(
    batch: list[Row], block: AgainstTexts, index: AgainstIndex, touched: dict[Owner, None]
) -> Iterator[Hit]:
    form_of: dict[str, str] = {}
    for row in batch:
        for text in row.texts.values():
            if text not in form_of:
                form_of[text] = comparable(text)
    names = {"texts": ("query", "passage"), "titles": ("title",)}
    forms = {
        kind: list(dict.fromkeys(form_of[row.texts[c]] for row in batch for c in columns if c in row.texts))
        for kind, columns in names.items()
    }
    found = {kind: {} for kind in names}  # type: dict[str, dict[str, list[Finding]]]
    for kind, search in (("texts", index.search), ("titles", index.search_titles)):
        for finding in search(forms[kind]):
            found[kind].setdefault(forms[kind][finding.text], []).append(finding)
    for finding in (f for kind in names for findings in found[kind].values() for f in findings):
        touched.update(dict.fromkeys(block.owners[finding.target]))
    target_forms = _Targets(block)
    for row in batch:
        for column, text in _distinct(row):
            kind = "titles" if column == "title" else "texts"
            findings = found[kind].get(form_of[text])
            if findings:
                first = findings[0]
                shared = _shared(form_of[text], target_forms[first.target])
                owner = block.owner(first.target, row.lang)
                all_checks = tuple(check for check in CHECKS if any(f.check == check for f in findings))
                yield Hit(row.key, row.lang, row.source, column, first.check, all_checks, first.score, owner, shared)


def _distinct(row: Row) -> list[tuple[str, str]]:
    """Fields and texts of a row; a text that is query and passage is one, of field ``both``."""
    if "query" in row.texts and row.texts["query"] == row.texts.get("passage"):
        return [("both", row.texts["query"]), *(item for item in row.texts.items() if item[0] == "title")]
    return list(row.texts.items())


class _Targets(dict[int, str]):
    """Form of an evaluation text by its number; the reverse of the block's, made when it is first needed."""

    def __init__(self, block: AgainstTexts):
        super().__init__()
        self._block = block

    def __missing__(self, number: int) -> str:
        self.update({n: form for form, n in self._block.forms.items()})
        return self[number]


def _shared(form: str, other: str) -> str:
    """The longest run of words, or of characters where words are not written apart, that two forms have in common."""
    spaced = writing_of(form) == "words"
    mine, theirs = (form.split(), other.split()) if spaced else (form, other)
    match = difflib.SequenceMatcher(None, mine, theirs, autojunk=False).find_longest_match()
    run = mine[match.a : match.a + match.size]
    text = " ".join(run) if spaced else str(run)
    return text if len(text) <= _SHARED_CHARACTERS else text[: _SHARED_CHARACTERS - 1] + "…"
