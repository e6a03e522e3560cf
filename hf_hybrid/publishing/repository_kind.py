"""Of which kind a repository of the Hub is: what its card's fields say, else the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import metadata_load
from yaml import YAMLError

from hf_hybrid.errors import InputError, first_line

KINDS = ("model", "dataset", "space")
# Fields of a card that occur in one kind of repository only.
_FIELDS = {
    "space": ("sdk", "sdk_version", "app_file"),
    "dataset": ("configs", "dataset_info", "task_categories", "size_categories", "annotations_creators"),
    "model": ("pipeline_tag", "library_name", "base_model", "model-index"),
}
_FILES = {
    "model": ("config.json", "modules.json", "adapter_config.json"),
    "dataset": ("**/*.parquet",),
    "space": ("app.py", "index.html", "Dockerfile"),
}


def kinds_by_fields(fields: Mapping[str, Any]) -> dict[str, str]:
    """The kinds that a card's fields speak for, each with the first such field: a Space's before a data set's before a
    model's.

    Example:
        >>> kinds_by_fields({"license": "mit", "configs": []})
        {'dataset': 'configs'}
    """
    return {kind: told[0] for kind, names in _FIELDS.items() if (told := [name for name in names if name in fields])}


def read_fields(folder: Path) -> dict[str, Any]:
    """The YAML block of the folder's README.md; empty where there is none.

    Raises:
        InputError: there is no README.md, or its block cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder whose content is to be the repository")
    card = folder / "README.md"
    if not card.is_file():
        raise InputError(f"{folder} has no README.md: write its card first")
    try:
        return metadata_load(card) or {}
    except (YAMLError, ValueError) as error:
        raise InputError(f"{card}: the YAML block at the top cannot be read: {first_line(error)}") from error


def kind_of_folder(folder: Path, kind: str | None = None) -> str:
    """Which kind of repository a folder is.

    Args:
        kind: what the user says.

    Raises:
        InputError: the folder does not tell and the user does not say, or the card says something else than the user.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     _ = Path(name, "README.md").write_text("---\\npipeline_tag: sentence-similarity\\n---\\n")
        ...     kind_of_folder(Path(name))
        'model'
    """
    check_kind(kind)
    told = kinds_by_fields(read_fields(folder))
    if len(told) == 1:
        (own, field), *_ = told.items()
        if kind not in (None, own):
            raise InputError(
                f"kind: {folder / 'README.md'} is the card of a {own} ({field}), not of a {kind}; pass --kind {own}, "
                "or mend the card"
            )
        return own
    if kind is not None:
        return kind
    may_be = told or [kind for kind, names in _FILES.items() if any(any(folder.glob(name)) for name in names)] or KINDS
    if not told and len(may_be) == 1:
        return next(iter(may_be))
    raise InputError(f"kind: {folder} may be {' or '.join(sorted(may_be, key=KINDS.index))}; say which with --kind")


def check_kind(kind: str | None) -> None:
    """Refuse what is no kind of repository; None is one that is not known yet.

    Raises:
        InputError: it is none.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
