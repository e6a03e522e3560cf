"""Find and read renditions: a local Parquet/JSONL file or folder, or a Hub data set, with errors that name the
file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hf_hybrid.errors import InputError, first_line

if TYPE_CHECKING:
    from datasets import Dataset

SUFFIXES = {".parquet": "parquet", ".jsonl": "json", ".json": "json"}


def embedded_dataset_path(name: str = "cldr_qa") -> str:
    """Folder of a data set that travels with the package: in the wheel, or in the source checkout.

    Raises:
        InputError: The data set is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_data" / name, package.parent / "hub_datasets" / name):
        if (folder / "README.md").is_file():
            return str(folder)
    raise InputError(
        f"the embedded data set '{name}' is not installed; reinstall hf_hybrid from its wheel or checkout"
    )


def load_renditions(
    path_or_hub_id: str, split: str, config: str | None = None, revision: str | None = None
) -> Dataset:
    """Read one split of a data set as a memory-mapped `datasets.Dataset`.

    Args:
        path_or_hub_id: A file, a folder or a Hub name.
        split: The split's name.
        config: The data set's configuration.
        revision: The Hub revision.

    Raises:
        InputError: Nothing there, no such split, or a file that cannot be read; names the culprit and the remedy.
    """
    path = Path(path_or_hub_id).expanduser()
    if path.is_file():
        return _read_files([path], split)
    if path.is_dir():
        if _card_has_configs(path):
            return _read_files(_files_of_card(path, split, config), split)
        return _read_files(_files_of_split(path, split), split)
    if path_or_hub_id.count("/") > 1 or path_or_hub_id.startswith((".", "~", "/")) or path.suffix in SUFFIXES:
        raise InputError(
            f"{path_or_hub_id}: no such file or folder; give a Parquet/JSONL file, a folder, or a Hub name"
        )
    return _read_repository(path_or_hub_id, split, config, revision)


def _card_has_configs(folder: Path) -> bool:
    card = folder / "README.md"
    if not card.is_file():
        return False
    from huggingface_hub import DatasetCard

    return "configs" in DatasetCard(card.read_text(encoding="utf-8"), ignore_metadata_errors=True).data.to_dict()


def _files_of_card(folder: Path, split: str, config: str | None) -> list[Path]:
    """The files that the card's configuration names for a split.

    They are then read as files: `datasets` caches a folder by its card alone, and would give the old rows of a file
    that was built anew.
    """
    from datasets import load_dataset_builder

    try:
        files = load_dataset_builder(str(folder), config).config.data_files or {}
    except (ValueError, FileNotFoundError) as error:
        raise InputError(f"{folder.name}: its card cannot be followed ({first_line(error)})") from None
    if split not in files:
        raise InputError(f"{folder.name}: no split '{split}' in its card; it has {', '.join(map(str, files))}")
    return [Path(file) for file in files[split]]


def _files_of_split(folder: Path, split: str) -> list[Path]:
    """The folder's files for a split: `<split>.*`, `<split>-*.*`, `<split>/*`; a flat folder of anything is
    `train`.
    """
    files = sorted(f for f in folder.rglob("*") if f.suffix in SUFFIXES and f.is_file())
    if not files:
        raise InputError(f"{folder}: no .parquet or .jsonl file in it; give the folder that holds the renditions")
    of_split = [
        f
        for f in files
        if f.stem == split or f.stem.startswith(f"{split}-") or split in f.relative_to(folder).parts[:-1]
    ]
    known = {"train", "dev", "validation", "test"}
    named = [f for f in files if f.stem.split("-")[0] in known or known & set(f.relative_to(folder).parts[:-1])]
    if not of_split and split == "train" and not named:
        return files
    if not of_split:
        raise InputError(f"{folder}: no file for split '{split}'; found {', '.join(f.name for f in files[:5])}")
    return of_split


def _check_files(files: list[Path]) -> None:
    """Refuse damaged files by name before `datasets` wraps the cause in its own errors."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in files:
        if file.suffix == ".parquet":
            try:
                pq.ParquetFile(file).close()
            except (pa.ArrowInvalid, OSError) as error:
                raise InputError(
                    f"{file}: not a readable Parquet file ({first_line(error)}); copy or build it again"
                ) from None
        elif file.suffix == ".jsonl":
            _check_json_lines(file)


def _check_json_lines(file: Path) -> None:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
            except ValueError as error:
                raise InputError(
                    f"{file}, line {number}: not JSON ({first_line(error)}); mend or remove the line"
                ) from None
            if not isinstance(record, dict):
                raise InputError(
                    f"{file}, line {number}: not a JSON object; each line is one rendition with id, lang, query, "
                    "passage"
                )


def _read_files(files: list[Path], split: str) -> Dataset:
    from datasets import load_dataset
    from datasets.exceptions import DatasetGenerationError

    kinds = {SUFFIXES.get(f.suffix) for f in files}
    if len(kinds) != 1 or None in kinds:
        raise InputError(f"{files[0]}: give files of one kind, .parquet or .jsonl")
    _check_files(files)
    try:
        return load_dataset(kinds.pop(), data_files={split: [str(f) for f in files]}, split=split)
    except DatasetGenerationError as error:
        cause = first_line(error.__cause__ or error)
        raise InputError(
            f"{files[0]}: cannot be read as renditions ({cause}); check that all files have the same columns"
        ) from None


def _read_repository(name: str, split: str, config: str | None, revision: str | None) -> Dataset:
    from datasets import load_dataset
    from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        return load_dataset(name, config, split=split, revision=revision)
    except (DatasetNotFoundError, FileNotFoundError, HfHubHTTPError, OfflineModeIsEnabled, ConnectionError) as error:
        raise InputError(
            f"{name}: neither a local path nor a data set that the Hub gives ({first_line(error)}); "
            "check the name, the connection, or `hf auth login` for a private one"
        ) from None
    except (ValueError, DatasetGenerationError) as error:
        raise InputError(f"{name}: cannot read split '{split}' ({first_line(error.__cause__ or error)})") from None
