"""Uploaded files are read once, within a limit, and deleted; what nobody reads is deleted soon after."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from hf_hybrid.errors import InputError


def read_once(path: str | None, most: int) -> tuple[bytes, str]:
    """Content and name of a file that Gradio has put into its folder for uploads; the file is deleted.

    Args:
        path: where Gradio says that it is. A request can say anything: nothing outside that folder is read, let alone
            deleted.
        most: bytes; of a larger file one byte more is returned, so that the caller can tell.

    Raises:
        InputError: there is no such file.
    """
    from gradio.utils import get_upload_folder

    if not isinstance(path, str) or not path:
        raise InputError("There is no file: choose one.")
    file = Path(path).resolve()
    if not file.is_relative_to(Path(get_upload_folder()).resolve()) or not file.is_file():
        raise InputError("This file was not uploaded: choose one.")
    try:
        with file.open("rb") as stream:
            return stream.read(most + 1), file.name
    finally:
        file.unlink(missing_ok=True)


def keep_clean(folder: str | Path, seconds: float = 120, every: float = 30) -> threading.Event:
    """Delete what lies in a folder longer than some seconds, from now on, in a thread that ends with the process.

    Gradio's own `delete_cache` knows of whole files only: a refused or broken upload leaves its first part behind for
    ever.

    Returns:
        An event that ends the thread when it is set.
    """
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(every):
            delete_older(Path(folder), time.time() - seconds)

    threading.Thread(target=work, daemon=True, name="uploads").start()
    return stop


def delete_older(folder: Path, before: float) -> list[Path]:
    """Delete files below a folder that were last changed before a time; returns them."""
    deleted = []
    for file in folder.rglob("*"):
        try:
            if file.is_file() and not file.is_symlink() and file.stat().st_mtime < before:
                file.unlink()
                deleted.append(file)
        except OSError:
            continue  # somebody else was quicker
    return deleted
