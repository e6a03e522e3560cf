"""First stage: each part read, filtered and freed of duplicates, into a file of its own that a later run takes up
again.
"""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import file_digest
from hf_hybrid.overlap import comparable_text, near_duplicates
from mix import filters
from mix.duplicates import with_shared_passage_ids, without_duplicates, without_near_duplicate_passages
from mix.filters import Refusals, choose_rows, complete_examples, filter_texts
from mix.language_check import LanguageIdentifier
from mix.parallel_readers import COLUMNS
from mix.parts import HELD_OUT_CONFIG, Part

logger = logging.getLogger(__name__)
SCHEMA = pa.schema([(column, pa.string()) for column in COLUMNS])
GROUP_ROWS = 20_000
# Whatever decides which texts are kept: the mix's own modules, and those of the package that compare texts.
_CODE = (*sorted(Path(__file__).parent.glob("*.py")), Path(comparable_text.__file__), Path(near_duplicates.__file__))


@cache
def code_digest() -> str:
    """SHA-256 of the code that prepares parts: what other code prepared is prepared again."""
    return hashlib.sha256("".join(map(file_digest, _CODE)).encode()).hexdigest()


def prepare(
    part: Part,
    source: Path,
    work: Path,
    languages: tuple[str, ...],
    group: str,
    identifier: Callable[[], LanguageIdentifier],
    show_progress: bool = False,
) -> dict[str, Any]:
    """Write `<part>.parquet` and its counts into the work folder, unless they are there already.

    Args:
        part: The part.
        source: Folder of the Parquet sets.
        work: Folder for prepared parts.
        languages: Languages to keep.
        group: Group of licences to keep.
        identifier: Makes the language identifier, or gives the one made before.
        show_progress: Show progress bars.

    Returns:
        The counts: `read` and `kept` renditions by source, and `refused` by source and reason.

    Raises:
        InputError: The set is missing or damaged.
    """
    target, counts_file = work / f"{part.name}.parquet", work / f"{part.name}.json"
    set_file = source / f"{part.file}.parquet"
    if not set_file.is_file():
        raise InputError(f"{set_file}: no such file; point --source at the folder that holds the Parquet sets")
    print_of = [file_digest(set_file), code_digest(), list(languages), group]
    if target.is_file() and counts_file.is_file():
        counts = json.loads(counts_file.read_text())
        if counts["fingerprint"] == print_of:
            logger.info("%s: prepared before", part.name)
            return counts
    refusals = Refusals()
    frame = part.read(source).reset_index(drop=True)
    read = frame.source.value_counts()
    frame = choose_rows(frame, languages, group, refusals)
    if len(frame):
        frame = filter_texts(frame, part.kind, identifier(), refusals, show_progress)
        frame = _without_repeats(part, frame, refusals)
    counts = {
        "fingerprint": print_of,
        "read": _numbers(read),
        "kept": _numbers(frame.source.value_counts()),
        "refused": [[name, reason, n] for (name, reason), n in sorted(refusals.counts.items())],
    }
    table = pa.Table.from_pandas(
        frame.sort_values(["source", "id", "lang"])[list(COLUMNS)], SCHEMA, preserve_index=False
    )
    del frame
    _write(table, target)
    partial = counts_file.with_suffix(".tmp")
    partial.write_text(json.dumps(counts))
    os.replace(partial, counts_file)
    del table
    gc.collect()
    return counts


def _without_repeats(part: Part, frame: pd.DataFrame, refusals: Refusals) -> pd.DataFrame:
    if part.config == HELD_OUT_CONFIG:
        return frame
    if part.config == "text":
        # Equal but for case and punctuation: near-duplicates do no harm to a tokenizer, and there are many texts.
        again = frame[["lang"]].assign(form=frame.passage.map(filters.comparable)).duplicated()
        refusals.add(frame.source[again], "duplicate")
        return frame[~again]
    if part.kind.headings:
        frame = without_near_duplicate_passages(frame, refusals)
    else:
        frame = without_duplicates(frame, refusals)
        if not part.kind.parallel:
            frame = with_shared_passage_ids(frame)
    return complete_examples(frame, part.kind, refusals)


def _numbers(counts: pd.Series) -> dict[str, int]:
    return {str(name): int(n) for name, n in sorted(counts.items())}


def _write(table: pa.Table, target: Path) -> None:
    partial = target.with_suffix(".tmp")
    with RowGroups(partial, table.schema) as writer:
        writer.write(table)
    os.replace(partial, target)


class RowGroups:
    """Writes Parquet in groups of `GROUP_ROWS` rows, whatever the tables it is given.

    Small groups are slow to read, and `datasets` cannot read a file whose first group is empty.
    """

    def __init__(self, path: Path, schema: pa.Schema):
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rest: list[pa.Table] = []
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        self._rest.append(table)
        self._rows += table.num_rows
        if self._rows >= GROUP_ROWS:
            whole = pa.concat_tables(self._rest)
            full = self._rows - self._rows % GROUP_ROWS
            self._writer.write_table(whole.slice(0, full), row_group_size=GROUP_ROWS)
            self._rest, self._rows = [whole.slice(full)], self._rows - full

    def __enter__(self) -> RowGroups:
        return self

    def __exit__(self, *_: object) -> None:
        if self._rows:
            self._writer.write_table(pa.concat_tables(self._rest), row_group_size=GROUP_ROWS)
        self._writer.close()
