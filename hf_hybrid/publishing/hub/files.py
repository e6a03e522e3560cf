"""The files of a folder that becomes a repository of the Hub, and by what the Hub knows their content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from huggingface_hub import HfApi, RepoFile
from huggingface_hub.utils import filter_repo_objects

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.hub.failures import Place

# Traces of tools, which nobody means to publish; the Hub refuses commits to the first two.
_LEFT_OUT = frozenset(
    ".git .cache __pycache__ .ipynb_checkpoints .pytest_cache .ruff_cache .mypy_cache .DS_Store Thumbs.db".split()
)


@dataclass(frozen=True)
class LocalFile:
    """A file of the folder: its place in the repository, with slashes, its place on this machine, its size in
    bytes.
    """

    path: str
    source: Path
    size: int

    @cached_property
    def sha256(self) -> str:
        """Name of the content in the Hub's storage for large files."""
        with open(self.source, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def blob_name(self) -> str:
        """Name of the content in git, where files that are not large lie."""
        return hashlib.sha1(b"blob %d\0" % self.size + self.source.read_bytes()).hexdigest()

    def is_same(self, entry: RepoFile) -> bool:
        """Whether a file of a repository has this content."""
        if self.size != entry.size:
            return False
        return self.sha256 == entry.lfs.sha256 if entry.lfs is not None else self.blob_name == entry.blob_id


def list_files(folder: Path, exclude: Sequence[str] = ()) -> tuple[list[LocalFile], list[str]]:
    """The files of a folder in the order of their paths, and what is not a plain file.

    Args:
        exclude: patterns of paths to leave out, as the Hub's libraries read them (`*` also matches slashes).

    Returns:
        Files, and one sentence for each entry that cannot become a file of a repository: links that lead out of the
        folder, links to folders, sockets and pipes.

    Raises:
        InputError: the folder is none, holds no file, or a pattern of `exclude` matches nothing, which may publish
            what was to stay.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder whose content is to be the repository")
    found: dict[str, Path] = {}
    for path in folder.rglob("*"):
        # A link to a folder is not entered: it must not be missing in silence.
        is_plain_folder = path.is_dir() and not path.is_symlink()
        relative = path.relative_to(folder)
        if not is_plain_folder and path.suffix != ".pyc" and not _LEFT_OUT.intersection(relative.parts):
            found[relative.as_posix()] = path
    for pattern in exclude:
        if not any(True for _ in filter_repo_objects(found, allow_patterns=pattern)):
            raise InputError(f"exclude: {pattern!r} matches no file in {folder}; check the pattern")
    files: list[LocalFile] = []
    problems: list[str] = []
    for relative in sorted(filter_repo_objects(found, ignore_patterns=list(exclude))):
        path = found[relative]
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            problems.append(f"{relative} is a link out of the folder: put a copy in its place")
        elif not path.is_file():
            problems.append(f"{relative} is not a plain file: put a copy in its place or exclude it")
        else:
            files.append(LocalFile(relative, path, path.stat().st_size))
    if not files and not problems:
        raise InputError(f"{folder} holds no file to push")
    return files, problems


def files_on_the_hub(api: HfApi, place: Place, revision: str) -> dict[str, RepoFile]:
    """The files of a revision of a repository, by path."""
    tree = api.list_repo_tree(place.repo_id, recursive=True, revision=revision, repo_type=place.kind)
    return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
