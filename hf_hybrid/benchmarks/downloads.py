"""Folders with the files of a benchmark: the user's own, or downloaded from a dataset repository of the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hf_hybrid.errors import InputError


def benchmark_folder(
    name: str,
    how_to_get: str,
    data_dir: str | Path | None,
    hub_id: str | None,
    revision: str | None,
    patterns: Sequence[str],
) -> Path:
    """Find the folder, downloading the files that match ``patterns`` where a repository is named.

    Raises:
        InputError: neither or both of ``data_dir`` and ``hub_id``, no such folder, a failed download; all say how to
            get the data.
    """
    if (data_dir is None) == (hub_id is None):
        problem = "needs its data" if data_dir is None else "takes either --data_dir or --hub_id, not both"
        raise InputError(f"benchmark {name} {problem}: {how_to_get}")
    folder = download(hub_id, revision, patterns, how_to_get) if hub_id else Path(data_dir)
    if not folder.is_dir():
        raise InputError(f"--data_dir {folder} is not a folder: {how_to_get}")
    return folder


def download(hub_id: str, revision: str | None, patterns: Sequence[str], how_to_get: str) -> Path:
    """Download matching files of a dataset repository; the folder of the snapshot."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub_id, repo_type="dataset", revision=revision, allow_patterns=list(patterns)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"cannot download --hub_id {hub_id}: {reason}; check the name and the network, or {how_to_get}"
        ) from error
