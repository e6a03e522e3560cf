"""Find renditions: a local Parquet/JSONL file or folder, whose path is a name and never a pattern, or a Hub data
set.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hf_hybrid.data.table_columns import STRINGS
from hf_hybrid.data.tables import read_tables
from hf_hybrid.errors import InputError, first_line
from hf_hybrid.text_files import read_text

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
        configs = _card_configs(path)
        files = _files_of_split(path, split) if configs is None else _files_of_card(path, configs, split, config)
        return _read_files(files, split)
    if path_or_hub_id.count("/") > 1 or path_or_hub_id.startswith((".", "~", "/")) or path.suffix in SUFFIXES:
        raise InputError(
            f"{path_or_hub_id}: no such file or folder; give a Parquet/JSONL file, a folder, or a Hub name"
        )
    return _read_repository(path_or_hub_id, split, config, revision)


def _card_configs(folder: Path) -> list[dict[str, Any]] | None:
    """The configurations of the folder's card; None where it has no card or the card has none."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    from huggingface_hub import DatasetCard

    try:
        configs = DatasetCard(read_text(card), ignore_metadata_errors=True).data.to_dict().get("configs")
    except (ValueError, yaml.YAMLError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{card}: its first lines are not valid YAML ({first_line(error)}); mend them") from None
    if configs is not None and not (isinstance(configs, list) and all(isinstance(one, dict) for one in configs)):
        raise InputError(f"{card}: its 'configs' are no list of configurations; mend or remove them")
    return configs or None


def _files_of_card(folder: Path, configs: list[dict[str, Any]], split: str, config: str | None) -> list[Path]:
    """The files that the card's configuration names for a split, in the order of the card."""
    by_name = {str(one.get("config_name", "default")): one for one in configs}
    if config is None:
        defaults = [name for name, one in by_name.items() if one.get("default")]
        config = (defaults or [name for name in by_name if len(by_name) == 1 or name == "default"] or [None])[0]
    if config not in by_name:
        asked = f"no configuration '{config}'; it has" if config else "several configurations and no default; choose"
        raise InputError(f"{folder.name}: its card has {asked} {', '.join(by_name)}")
    chosen = by_name[config]
    folder = folder / str(chosen.get("data_dir") or "")
    if "data_files" not in chosen:
        return _files_of_split(folder, split)
    splits = _patterns_by_split(chosen["data_files"])
    if split not in splits:
        raise InputError(f"{folder.name}: no split '{split}' in its card; it has {', '.join(splits)}")
    return [file for pattern in splits[split] for file in _matching(folder, pattern)]


def _patterns_by_split(data_files: Any) -> dict[str, list[str]]:
    """`data_files` of a card: a path, several, a mapping of splits to either, or a list of `{split, path}`."""
    if isinstance(data_files, dict):
        pairs = list(data_files.items())
    else:
        items = data_files if isinstance(data_files, list) else [data_files]
        pairs = [
            (one.get("split", "train"), one.get("path")) if isinstance(one, dict) else ("train", one) for one in items
        ]
    found: dict[str, list[str]] = {}
    for split, paths in pairs:
        found.setdefault(str(split), []).extend(map(str, paths if isinstance(paths, list) else [paths]))
    return found


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Files of a pattern of a card below its folder, whose own name is no pattern."""
    if (folder / pattern).is_file():
        return [folder / pattern]
    within = pattern.removeprefix("./")
    # `**` ends a pattern that means the files below.
    within = f"{within}/*" if within.endswith("**") else within
    is_below = bool(within) and not within.startswith("/") and ".." not in Path(within).parts
    files = sorted(folder.glob(within)) if is_below else []
    files = [file for file in files if file.is_file() and not _is_hidden(file, folder)]
    if not files:
        raise InputError(
            f"{folder.name}: its card cannot be followed: no file {pattern}; build or copy the data again"
        )
    return files


def _is_hidden(file: Path, folder: Path) -> bool:
    """Whether it is no data: caches, the drafts of notebooks, what other systems put beside a file."""
    return any(part.startswith((".", "__")) for part in file.relative_to(folder).parts)


def _files_of_split(folder: Path, split: str) -> list[Path]:
    """The folder's files for a split: `<split>.*`, `<split>-*.*`, `<split>/*`; a flat folder of anything is
    `train`.
    """
    files = sorted(f for f in folder.rglob("*") if f.suffix in SUFFIXES and f.is_file() and not _is_hidden(f, folder))
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


def _read_files(files: list[Path], split: str) -> Dataset:
    kinds = {SUFFIXES.get(f.suffix) for f in files}
    if len(kinds) != 1 or None in kinds:
        raise InputError(f"{files[0]}: give files of one kind, .parquet or .jsonl")
    return read_tables(files, split)


def _read_repository(name: str, split: str, config: str | None, revision: str | None) -> Dataset:
    from datasets import load_dataset
    from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        return _as_declared(load_dataset(name, config, split=split, revision=revision))
    except (DatasetNotFoundError, FileNotFoundError, HfHubHTTPError, OfflineModeIsEnabled, ConnectionError) as error:
        raise InputError(
            f"{name}: neither a local path nor a data set that the Hub gives ({first_line(error)}); "
            "check the name, the connection, or `hf auth login` for a private one"
        ) from None
    except (ValueError, DatasetGenerationError) as error:
        raise InputError(f"{name}: cannot read split '{split}' ({first_line(error.__cause__ or error)})") from None


def _as_declared(dataset: Dataset) -> Dataset:
    """Integers in columns of strings as their decimal strings, as they are read from files."""
    from datasets import Value

    for name in STRINGS:
        kind = dataset.features[name] if name in dataset.column_names else None
        if isinstance(kind, Value) and re.fullmatch(r"u?int\d+|null", kind.dtype):
            dataset = dataset.cast_column(name, Value("string"))
    return dataset
