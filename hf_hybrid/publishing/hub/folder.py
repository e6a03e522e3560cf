"""A folder that becomes a repository of the Hub: its files, and which kind of repository it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from huggingface_hub.repocard import metadata_load
from huggingface_hub.utils import filter_repo_objects
from yaml import YAMLError

from hf_hybrid.errors import InputError, first_line
from hf_hybrid.output_files import file_digest

KINDS = ("model", "dataset", "space")
# Traces of tools, which nobody means to publish; the Hub refuses commits to the first two.
_LEFT_OUT_FOLDERS = frozenset(
    {".git", ".cache", "__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache", ".mypy_cache"}
)
_LEFT_OUT_FILES = frozenset({".DS_Store", "Thumbs.db"})
# Fields of a card that occur in one kind of repository only.
_CARD_FIELDS = {
    "space": ("sdk", "sdk_version", "app_file"),
    "dataset": ("configs", "dataset_info", "task_categories", "size_categories", "annotations_creators"),
    "model": ("pipeline_tag", "library_name", "base_model", "model-index"),
}


@dataclass(frozen=True)
class LocalFile:
    """A file of the folder.

    Attributes:
        path: its place in the repository, with slashes.
        source: its place on this machine.
        size: in bytes.
    """

    path: str
    source: Path
    size: int

    @cached_property
    def sha256(self) -> str:
        """Name of the content in the Hub's storage for large files."""
        return file_digest(self.source)

    @cached_property
    def blob_name(self) -> str:
        """Name of the content in git."""
        return git_blob_name(self.source)


def git_blob_name(path: Path) -> str:
    """What git calls the content of a file, by which the Hub knows files that are not large.

    Example:
        >>> git_blob_name(Path(os.devnull))
        'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return file_digest(path, "sha1", b"blob %d\0" % path.stat().st_size)


def list_files(folder: Path, exclude: Sequence[str] = ()) -> tuple[list[LocalFile], list[str]]:
    """The files of a folder in the order of their paths, and what is not a plain file.

    Args:
        exclude: patterns of paths to leave out, as the Hub's libraries read them (`*` also matches slashes).

    Returns:
        Files, and one sentence for each entry that cannot become a file of a repository: links that lead out of the folder, links to
        folders, sockets and pipes.

    Raises:
        InputError: the folder is none, holds no file, or a pattern of `exclude` matches nothing, which may publish what was to stay.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder whose content is to be the repository")
    root = folder.resolve()
    found: dict[str, Path] = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT_FOLDERS)
        # A link to a folder is never entered, so without this it would silently be missing.
        entries = [*names, *(name for name in folders if os.path.islink(os.path.join(parent, name)))]
        for name in entries:
            if name not in _LEFT_OUT_FILES and not name.endswith(".pyc"):
                path = Path(parent, name)
                found[path.relative_to(folder).as_posix()] = path
    for pattern in exclude:
        if not any(True for _ in filter_repo_objects(found, allow_patterns=pattern)):
            raise InputError(f"exclude: {pattern!r} matches no file in {folder}; check the pattern")
    files: list[LocalFile] = []
    problems: list[str] = []
    for relative in sorted(filter_repo_objects(found, ignore_patterns=list(exclude))):
        path = found[relative]
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            problems.append(f"{relative} is a link out of the folder: put a copy in its place")
        elif not path.is_file():
            problems.append(f"{relative} is not a plain file: put a copy in its place or exclude it")
        else:
            files.append(LocalFile(relative, path, path.stat().st_size))
    if not files and not problems:
        raise InputError(f"{folder} holds no file to push")
    return files, problems


def read_card(folder: Path) -> dict[str, object]:
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


def kind_of(folder: Path, kind: str | None = None) -> str:
    """Which kind of repository a folder is, from the fields of its card or, where they say nothing, from its files.

    Args:
        kind: what the user says.

    Raises:
        InputError: the folder does not tell and the user does not say, or the card says something else than the user.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     _ = Path(name, "README.md").write_text("---\\npipeline_tag: sentence-similarity\\n---\\n")
        ...     kind_of(Path(name))
        'model'
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
    fields = read_card(folder)
    claims = {of: [name for name in names if name in fields] for of, names in _CARD_FIELDS.items()}
    told = [of for of in KINDS if claims[of]]
    if len(told) == 1:
        if kind not in (None, told[0]):
            raise InputError(
                f"kind: {folder / 'README.md'} is the card of a {told[0]} ({claims[told[0]][0]}), not of a {kind}; "
                f"pass --kind {told[0]}, or mend the card"
            )
        return told[0]
    if kind is not None:
        return kind
    by_files = _kinds_by_files(folder)
    if not told and len(by_files) == 1:
        return by_files[0]
    raise InputError(f"kind: {folder} may be {' or '.join(told or by_files or KINDS)}; say which with --kind")


def _kinds_by_files(folder: Path) -> list[str]:
    model = any((folder / name).is_file() for name in ("config.json", "modules.json", "adapter_config.json"))
    dataset = next(folder.rglob("*.parquet"), None) is not None
    space = any((folder / name).is_file() for name in ("app.py", "index.html", "Dockerfile"))
    return [kind for kind, is_one in zip(KINDS, (model, dataset, space), strict=True) if is_one]
