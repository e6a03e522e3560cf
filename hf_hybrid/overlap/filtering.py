"""Write a training set without the examples that overlap an evaluation, file by file, as a stream."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hf_hybrid.data.tables import open_parquet
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import new_directory
from hf_hybrid.overlap.sources import IDENTITY_COLUMNS, identity, text_files
from hf_hybrid.text_files import json_object, text_lines

# What is removed where one rendition overlaps: the example in all its languages, or this rendition alone.
UNITS = ("example", "rendition")
_KEPT_BESIDE = ("README.md", "LICENSE", "LICENSE.md", "NOTICE")


def write_filtered(
    train: Path, output: Path, hits: Collection[tuple[str, str]], unit: str = "example"
) -> dict[str, int]:
    """Copy a training set but for the rows that overlap.

    Args:
        train: File or folder of Parquet or JSONL.
        output: Folder to make; files keep their names and places, cards and licences are copied.
        hits: Id and language of every rendition that overlaps.
        unit: One of `UNITS`; the translations of a text that overlaps are the same text, so by default they go, too.

    Returns:
        Numbers of rows and examples that were left out.

    Raises:
        InputError: A file in a layout that cannot be filtered, an output in use.
    """
    files = text_files(train)
    for file in files:
        if file.suffix == ".json" or file.suffix == ".gz":
            raise InputError(f"{file}: only Parquet and JSONL can be filtered; convert it first")
    folder = train if train.is_dir() else train.parent
    keys = {key for key, _ in hits}
    pairs = set(hits) if unit == "rendition" else None
    gone: set[str] = set()
    rows = 0
    with new_directory(output) as fresh:
        for file in files:
            target = fresh / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = _copy_parquet if file.suffix == ".parquet" else _copy_lines
            rows += copy(file, target, keys, pairs, gone)
        for name in _KEPT_BESIDE:
            if train.is_dir() and (train / name).is_file():
                shutil.copyfile(train / name, fresh / name)
    return {"rows": rows, "examples": len(gone)}


def _is_hit(key: str, lang: str, keys: set[str], pairs: set[tuple[str, str]] | None) -> bool:
    return key in keys and (pairs is None or (key, lang) in pairs)


def _copy_parquet(file: Path, target: Path, keys: set[str], pairs: set[tuple[str, str]] | None, gone: set[str]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, number = 0, 0
    with open_parquet(file) as parquet:
        columns = [name for name in parquet.schema_arrow.names if name in IDENTITY_COLUMNS]
        with pq.ParquetWriter(target, parquet.schema_arrow, compression="zstd") as writer:
            for group in range(parquet.num_row_groups):
                kept = []
                for batch in parquet.iter_batches(row_groups=[group]):
                    records = batch.select(columns).to_pylist() if columns else [{}] * len(batch)
                    own = [identity(record, file, number + n) for n, record in enumerate(records)]
                    hit = [_is_hit(key, lang, keys, pairs) for key, lang in own]
                    gone.update(key for (key, _), is_hit in zip(own, hit, strict=True) if is_hit)
                    rows, number = rows + sum(hit), number + len(batch)
                    kept.append(batch.filter(pa.array([not is_hit for is_hit in hit])))
                writer.write_table(pa.Table.from_batches(kept, parquet.schema_arrow))
    return rows


def _copy_lines(file: Path, target: Path, keys: set[str], pairs: set[tuple[str, str]] | None, gone: set[str]) -> int:
    rows = 0
    with target.open("w", encoding="utf-8", newline="\n") as kept:
        for number, (line_number, line) in enumerate(text_lines(file)):
            record: dict[str, Any] = json_object(line, f"{file}, line {line_number}")
            key, lang = identity(record, file, number)
            if _is_hit(key, lang, keys, pairs):
                rows += 1
                gone.add(key)
            else:
                kept.write(line + "\n")
    return rows
