"""Rules for the configurations of a dataset card: files that exist, rows that are as many as the card says, checksums
that hold.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hf_hybrid.publishing.lint.card import Card, Finding
from hf_hybrid.publishing.lint.hub_values import size_category
from hf_hybrid.publishing.lint.metadata import as_list

_SPLIT = re.compile(r"\w+(\.\w+)*")
_CHECKSUM = re.compile(r"\s*([0-9a-f]{64})  (\S+)\s*")
_DATA = (".parquet", ".jsonl", ".json", ".csv", ".tsv", ".arrow")


@dataclass(frozen=True)
class DataFiles:
    """The data files of a dataset card.

    Attributes:
        configs: name -> split -> files.
        is_built: whether there are data at all; a source folder has a ``build.py`` that makes them.
    """

    card: Card
    configs: dict[str, dict[str, list[Path]]]
    is_built: bool

    @cached_property
    def files(self) -> list[Path]:
        """Every file once."""
        return sorted({file for splits in self.configs.values() for files in splits.values() for file in files})

    @cached_property
    def rows(self) -> dict[Path, int]:
        """Rows of every file; -1 for those that cannot be counted."""
        return {file: count_rows(file) for file in self.files}

    def rows_of(self, config: str, split: str | None = None) -> int:
        """Rows of a configuration, or of one of its splits; -1 where a file cannot be counted."""
        splits = self.configs[config]
        counts = [self.rows[file] for name in splits if split in (None, name) for file in splits[name]]
        return -1 if -1 in counts else sum(counts)


def count_rows(path: Path) -> int:
    """Number of rows of a file; -1 where only loading it can tell."""
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.read_metadata(path).num_rows
        except (pa.ArrowInvalid, OSError):
            return -1
    if path.suffix == ".jsonl":
        with path.open("rb") as lines:
            return sum(1 for line in lines if not line.isspace())
    return -1


def check_configs(card: Card, built: bool) -> tuple[DataFiles, list[Finding]]:
    """Read ``configs`` and find their files.

    Args:
        card: of a data set.
        built: whether the data must be there.

    Returns:
        The files of all configurations that are in order, and what is wrong with the others.
    """
    findings: list[Finding] = []
    declared = [entry for entry in as_list(card.data.get("configs")) if isinstance(entry, dict)]
    present = [path for path in card.folder.rglob("*.*") if path.suffix in _DATA and path.is_file()]
    expected = {name for index in range(len(declared)) for _, name in _patterns(card, index, [])}
    is_built = built or any(path in set(_matches(card.folder, pattern)) for pattern in expected for path in present)
    if not is_built and not (card.folder / "build.py").is_file():
        is_built = True
    configs: dict[str, dict[str, list[Path]]] = {}
    for index, entry in enumerate(declared):
        name = entry.get("config_name")
        line = card.line("configs", index)
        if not isinstance(name, str) or name in configs:
            findings.append(card.finding(line, "configs", f"config_name {name!r} is missing, no text, or there twice"))
            continue
        configs[name] = {}
        for split, pattern in _patterns(card, index, findings):
            files = _matches(card.folder, pattern)
            if is_built and not files:
                findings.append(
                    card.finding(line, "configs", f"config {name}, split {split}: no file matches {pattern!r}")
                )
            configs[name].setdefault(split, []).extend(files)
    defaults = [entry.get("config_name") for entry in declared if entry.get("default") is True]
    if len(declared) > 1 and len(defaults) != 1 and "default" not in configs:
        findings.append(
            card.finding(
                card.line("configs"),
                "configs",
                f"{len(defaults)} configs are the default: mark one with `default: true`",
            )
        )
    data = DataFiles(card, configs, is_built)
    return data, findings + (_unnamed(data) if is_built else [])


def _patterns(card: Card, index: int, findings: list[Finding]) -> Iterator[tuple[str, str]]:
    """Split and pattern of all files that a configuration names."""
    entry = as_list(card.data["configs"])[index]
    files = entry.get("data_files")
    items: list[Any] = as_list(files) if isinstance(files, (str, list)) else []
    if not items:
        findings.append(
            card.finding(
                card.line("configs", index), "configs", f"config {entry.get('config_name')!r} has no data_files"
            )
        )
    for item in items:
        item = {"split": "train", "path": item} if isinstance(item, str) else item
        split, path = (item.get(key) if isinstance(item, dict) else None for key in ("split", "path"))
        line = card.line("configs", index, "data_files")
        if not isinstance(split, str) or not _SPLIT.fullmatch(split):
            findings.append(card.finding(line, "configs", f"split {split!r}: write letters, digits and underscores"))
        elif not path or not all(isinstance(name, str) for name in as_list(path)):
            findings.append(card.finding(line, "configs", f"split {split}: path {path!r} is no file name"))
        else:
            yield from ((split, name) for name in as_list(path))


def _matches(folder: Path, pattern: str) -> list[Path]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        return []
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def _unnamed(data: DataFiles) -> list[Finding]:
    """Parquet files that no configuration names: nobody would ever load them."""
    card = data.card
    return [
        card.finding(card.line("configs"), "configs", f"{path.relative_to(card.folder)} is in no config")
        for path in sorted(card.folder.rglob("*.parquet"))
        if path not in data.files
    ]


def check_counts(data: DataFiles) -> Iterator[Finding]:
    """Rows that the card declares, in its fields and in tables with a column `rows`, are the rows of the files."""
    card = data.card
    for path, count in data.rows.items():
        if count < 0 and path.suffix == ".parquet":
            yield card.finding(card.line("configs"), "configs", f"{path.relative_to(card.folder)} is no Parquet file")
    if -1 not in data.rows.values():
        total = sum(data.rows.values())
        declared = as_list(card.data.get("size_categories"))
        if declared and size_category(total) not in declared:
            yield card.finding(
                card.line("size_categories"),
                "size",
                f"size_categories says {declared[0]}, the files have {total:,} rows: {size_category(total)}",
            )
    yield from _check_dataset_info(data)
    yield from _check_row_tables(data)


def _check_dataset_info(data: DataFiles) -> Iterator[Finding]:
    card = data.card
    listed = isinstance(card.data.get("dataset_info"), list)
    for index, info in enumerate(as_list(card.data.get("dataset_info"))):
        line = card.line("dataset_info", index) if listed else card.line("dataset_info")
        config = info.get("config_name", "default") if isinstance(info, dict) else None
        if config not in data.configs:
            yield card.finding(line, "size", f"dataset_info: there is no config {config!r}")
            continue
        for split in as_list(info.get("splits")):
            if not isinstance(split, dict) or not {"name", "num_examples", "num_bytes"} <= split.keys():
                yield card.finding(
                    line, "size", "dataset_info: a split needs name, num_examples and num_bytes, else it is ignored"
                )
                continue
            name, count = split["name"], split["num_examples"]
            if name not in data.configs[config]:
                yield card.finding(line, "size", f"dataset_info: config {config} has no split {name!r}")
            elif (found := data.rows_of(config, name)) not in (-1, count):
                yield card.finding(line, "size", f"dataset_info: {config}, {name} has {found:,} rows, not {count:,}")


def _check_row_tables(data: DataFiles) -> Iterator[Finding]:
    card = data.card
    splits = (
        {split: config for config in data.configs for split in data.configs[config]} if len(data.configs) == 1 else {}
    )
    column = kind = None
    for number, text in card.prose:
        cells = (
            [cell.strip().strip("`* ") for cell in text.strip().strip("|").split("|")]
            if text.lstrip().startswith("|")
            else []
        )
        if not cells:
            column = None
        elif "rows" in cells and cells[0] in ("split", "config"):
            kind, column = cells[0], cells.index("rows")
        elif column is not None and column < len(cells) and re.fullmatch(r"[\d,]+", cells[column]):
            said, name = int(cells[column].replace(",", "")), cells[0]
            if kind == "config" and name in data.configs:
                found = data.rows_of(name)
            elif kind == "split" and name in splits:
                found = data.rows_of(splits[name], name)
            elif name == "all":
                found = -1 if -1 in data.rows.values() else sum(data.rows.values())
            else:
                yield card.finding(
                    number, "size", f"the table counts rows of {name!r}, which is no {kind} of the card"
                )
                continue
            if found not in (-1, said):
                yield card.finding(number, "size", f"{kind} {name} has {found:,} rows, not {said:,}")


def check_checksums(data: DataFiles) -> Iterator[Finding]:
    """Lines `<sha256>  <file>` are true of the files that are there."""
    card = data.card
    for number, text in enumerate(card.lines, start=1):
        match = _CHECKSUM.fullmatch(text)
        if match and (file := card.folder / match[2]).is_file():
            with file.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
            if found != match[1]:
                yield card.finding(
                    number, "checksum", f"{match[2]} has the sha256 {found[:12]}..., not {match[1][:12]}..."
                )
