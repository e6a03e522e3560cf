"""Read tables of renditions, Parquet or JSONL, under their declared types, into one memory-mapped Arrow file.

The file lies in the cache of `datasets`, under a name that follows from the content (of large files: place, size and
time), so that the next process maps it at once. It is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from hf_hybrid.data.table_columns import fitted, from_arrow, from_records, unified
from hf_hybrid.errors import InputError, first_line
from hf_hybrid.text_files import byte_lines, json_object, read_json

if TYPE_CHECKING:
    from datasets import Dataset

logger = logging.getLogger(__name__)

# Part of the name of a cached table: raise it when the same files are to give another table.
LAYOUT = 1
BATCH_ROWS = 16_384
BATCH_BYTES = 32 << 20
# Files up to this size are known by their content.
HASHED_BYTES = 64 << 20


def read_tables(files: Sequence[Path], split: str) -> Dataset:
    """All rows of files of one kind, in their order, as a memory-mapped `datasets.Dataset`.

    Args:
        files: `.parquet`, or `.jsonl` (`.json`); paths are names, not patterns. Those without a row are left out with
            a warning.
        split: Name of the split, kept in the result.

    Raises:
        InputError: A file cannot be read, a value does not fit its column, or there is no row at all; names file, row
            and field.

    Example:
        >>> read_tables([Path("train.jsonl")], "train").column_names  # doctest: +SKIP
        ['id', 'lang', 'query', 'passage']
    """
    from datasets import Dataset, NamedSplit, config
    from datasets.table import MemoryMappedTable
    from huggingface_hub.utils import WeakFileLock

    full = _with_rows(files)
    name = _name_of(full)
    root = Path(config.HF_DATASETS_CACHE) / "hf_hybrid_tables"
    target = root / name / "rows.arrow"
    if not target.is_file():
        try:
            root.mkdir(parents=True, exist_ok=True)
            with WeakFileLock(root / f"{name}.lock"):
                if not target.is_file():
                    _write(full, target)
        except OSError as error:
            raise InputError(
                f"cannot write the cache {root} ({error.strerror or error}); free space there, or set "
                "HF_DATASETS_CACHE to another folder"
            ) from None
    return Dataset(MemoryMappedTable.from_file(str(target)), split=NamedSplit(split), fingerprint=name)


@contextmanager
def open_parquet(file: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file, whatever characters are in its path.

    Raises:
        InputError: It is none, or is damaged, found out here or while its rows are read.
    """
    try:
        with pa.OSFile(str(file), "rb") as source, pq.ParquetFile(source) as parquet:
            yield parquet
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file}: not a readable Parquet file ({first_line(error)}); copy or build it again"
        ) from None


def _with_rows(files: Sequence[Path]) -> list[Path]:
    full = [file for file in files if not _is_empty(file)]
    if not full:
        raise InputError(f"{files[0]}: no rows; give a file with at least one rendition")
    for file in files:
        if file not in full:
            logger.warning("%s: no rows; left out", file)
    return full


def _is_empty(file: Path) -> bool:
    if file.suffix == ".parquet":
        with open_parquet(file) as parquet:
            return parquet.metadata.num_rows == 0
    first = next(byte_lines(file), None)
    return first is None or (file.suffix == ".json" and first[1].startswith(b"[") and not read_json(file))


def _name_of(files: Sequence[Path]) -> str:
    """What the rows depend on, as 32 hexadecimal digits."""
    digest = hashlib.sha256(f"{LAYOUT}".encode())
    for file in files:
        try:
            known = file.stat()
            digest.update(f"\n{file.suffix} {known.st_size} ".encode())
            if known.st_size <= HASHED_BYTES:
                digest.update(hashlib.sha256(file.read_bytes()).digest())
            else:
                place = f"{file.resolve()} {known.st_ino} {known.st_mtime_ns} {known.st_ctime_ns}"
                digest.update(place.encode(errors="surrogateescape"))
        except OSError as error:
            raise InputError(f"{file} cannot be read ({error.strerror or error}); check its permissions") from None
    return digest.hexdigest()[:32]


def _write(files: Sequence[Path], target: Path) -> None:
    from datasets.utils import tqdm

    with tempfile.TemporaryDirectory(dir=target.parents[1], prefix=".writing-") as scratch:
        parts = _Parts(Path(scratch))
        with tqdm(desc="Reading", unit=" rows", disable=os.environ.get("RANK", "0") != "0", delay=2) as bar:
            for file in files:
                batches = _parquet_batches(file) if file.suffix == ".parquet" else _json_batches(file)
                for batch in batches:
                    parts.add(batch)
                    bar.update(batch.num_rows)
        whole = parts.whole()
        target.parent.mkdir(exist_ok=True)
        os.replace(whole, target)


def _parquet_batches(file: Path) -> Iterator[pa.RecordBatch]:
    with open_parquet(file) as parquet:
        groups = [parquet.metadata.row_group(number) for number in range(parquet.num_row_groups)]
        row_bytes = max((group.total_byte_size / group.num_rows for group in groups if group.num_rows), default=1)
        rows = max(min(BATCH_ROWS, int(BATCH_BYTES / max(row_bytes, 1))), 1)
        first = 0
        for batch in parquet.iter_batches(batch_size=rows):
            if batch.num_rows:
                yield from_arrow(batch, lambda row, first=first: f"{file}, row {first + row}")
            first += batch.num_rows


def _json_batches(file: Path) -> Iterator[pa.RecordBatch]:
    records: list[dict[str, Any]] = []
    places: list[str] = []
    size = 0
    for place, record, length in _json_records(file):
        records.append(record)
        places.append(place)
        size += length
        if len(records) == BATCH_ROWS or size > BATCH_BYTES:
            yield from_records(records, places.__getitem__)
            records, places, size = [], [], 0
    if records:
        yield from_records(records, places.__getitem__)


def _json_records(file: Path) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Place, object and bytes of every row: a line each, or the items of one list."""
    lines = byte_lines(file)
    if file.suffix == ".json" and (next(byte_lines(file))[1]).lstrip().startswith(b"["):
        for number, record in enumerate(read_json(file)):
            if not isinstance(record, dict):
                raise InputError(f"{file}, item {number}: not a JSON object; each item is one rendition")
            yield f"{file}, item {number}", record, 0
        return
    for number, line in lines:
        where = f"{file}, line {number}"
        yield where, json_object(line, where), len(line)


class _Parts:
    """Batches on disk, in a file for every run of equal schemas; `whole` makes them one table.

    What columns there are, and of which types those are that are not declared, is known after the last row only.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._schemas: list[pa.Schema] = []
        self._writer: pa.RecordBatchStreamWriter | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        if self._writer is None or batch.schema != self._schemas[-1]:
            self._close()
            self._writer = pa.ipc.new_stream(self._path(len(self._schemas)), batch.schema)
            self._schemas.append(batch.schema)
        self._writer.write_batch(batch)

    def whole(self) -> Path:
        """The file of all batches, under one schema."""
        self._close()
        if len(self._schemas) == 1:
            return Path(self._path(0))
        schema = unified(self._schemas)
        path = self._folder / "whole"
        with pa.ipc.new_stream(str(path), schema) as writer:
            for number in range(len(self._schemas)):
                with pa.memory_map(self._path(number)) as source, pa.ipc.open_stream(source) as batches:
                    for batch in batches:
                        writer.write_batch(fitted(batch, schema))
        return path

    def _path(self, number: int) -> str:
        return str(self._folder / f"part-{number}")

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
