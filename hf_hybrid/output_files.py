"""Files and folders that are whole or not there: written beside their place, then renamed; nothing is overwritten
unasked.

And the digests by which files are known.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError


def check_output(path: str | Path, overwrite: bool) -> None:
    """Refuse an output file that exists, before hours are spent on its content.

    Raises:
        InputError: the file exists and may not be overwritten, or its place is no folder.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"output {path} is a folder: name a file in it")
    if path.exists() and not overwrite:
        raise InputError(f"output {path} exists: choose another name or pass --overwrite")
    for parent in path.parents:
        if parent.exists() and not parent.is_dir():
            raise InputError(f"output {path} cannot be written: {parent} is not a folder")


def write_json(path: str | Path, content: Mapping[str, Any], overwrite: bool = False) -> Path:
    """Write JSON so that the file is either whole or not there; see `write_bytes`."""
    path = Path(path)
    check_output(path, overwrite)
    text = _one_line_rows(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False))
    return write_bytes(path, (text + "\n").encode(), overwrite)


def write_bytes(path: str | Path, content: bytes, overwrite: bool = False) -> Path:
    """Write a file so that it is either whole or not there: beside its place, then renamed.

    Raises:
        InputError: the file exists and may not be overwritten, or it cannot be written.
    """
    path = Path(path)
    check_output(path, overwrite)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(content)
                file.close()
                # Temporary files are private; an output gets what the user's umask gives.
                umask = os.umask(0)
                os.umask(umask)
                os.chmod(file.name, 0o666 & ~umask)
                os.replace(file.name, path)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}; check permissions and free space"
        ) from error
    return path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a path to write a file at, beside its place, which it takes once everything is written.

    For writers that want a path. What is there is replaced: see `check_output`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        fresh = Path(scratch) / path.name
        yield fresh
        os.replace(fresh, path)


def file_digest(path: str | Path, algorithm: str = "sha256", start: bytes = b"") -> str:
    """Digest of `start` and a file's content, in hexadecimal; read in pieces.

    Example:
        >>> file_digest(os.devnull)[:12]
        'e3b0c44298fc'
    """
    digest = hashlib.new(algorithm, start)
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def check_new_directory(
    directory: str | os.PathLike[str],
    overwrite: bool = False,
    marker: str = "modules.json",
    content: str = "a saved encoder",
) -> Path:
    """Refuse a directory that `new_directory` would refuse, before hours are spent on its content; returns its path.

    Raises:
        InputError: The directory is in use.
    """
    target = Path(directory).expanduser()
    in_use = target.is_file() or (target.is_dir() and any(target.iterdir()))
    if in_use and not overwrite:
        raise InputError(f"{target}: already in use; choose another output directory or allow overwriting")
    if in_use and (not (target / marker).is_file() or any(target.glob("checkpoint-*"))):
        raise InputError(f"{target}: holds more than {content} and is not replaced; choose another output directory")
    return target


@contextmanager
def new_directory(
    directory: str | os.PathLike[str],
    overwrite: bool = False,
    marker: str = "modules.json",
    content: str = "a saved encoder",
) -> Iterator[Path]:
    """Give an empty directory to save an encoder (or other ``content``) in, which takes its place and name once
    everything is written.

    Args:
        directory: The directory to write.
        overwrite: Replace an existing encoder, the whole directory. Other directories are never replaced.
        marker: The file by which an existing directory of this content is known.
        content: What the directory holds, for error messages.

    Raises:
        InputError: The directory is in use.
    """
    target = check_new_directory(directory, overwrite, marker, content)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as parent:
        fresh = Path(parent) / "new"
        fresh.mkdir()
        yield fresh
        put_in_place(fresh, target)


def put_in_place(fresh: Path, target: Path) -> None:
    """Give a finished folder its name; one that has the name goes only after the new one stands."""
    old = fresh.with_name(f"{fresh.name}.old")
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(fresh, target)
    except OSError:
        if old.exists():
            os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _one_line_rows(text: str) -> str:
    """Put each innermost list on one line: a matrix row is a line. Line breaks in strings are escaped and stay what
    they are.
    """
    return re.sub(r"\[\n\s*([^\[\]{}]*?)\n\s*\]", lambda row: "[" + re.sub(r"\n\s*", " ", row[1]) + "]", text)


def vectors_folder(results: str | Path) -> Path:
    """Where `evaluate` keeps a corpus's vectors unless another folder is named: beside the results file.

    Example:
        >>> vectors_folder("runs/hybrid.json").as_posix()
        'runs/hybrid_vectors'
    """
    results = Path(results)
    return results.with_name(f"{results.stem}_vectors")
