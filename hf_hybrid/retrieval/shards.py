"""Vectors of a large corpus on disk: safetensors shards with a manifest.

    manifest.json              what the vectors are of, written first; at the end, with the shards' rows and sha256,
                               `complete: true`
    shard-00000.safetensors    vectors [rows, d]; the passages' ids as UTF-8 bytes end to end, id_bytes [bytes] and
                               id_ends [rows]
    shard-00001.safetensors    ...

A shard appears whole or not at all, and its content depends on its own rows alone: not on the other shards, the number
of processes, or where an earlier run was stopped. Hence any number of processes can write shards side by side without
talking to each other.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import file_digest, whole_file, write_json

SCHEMA_VERSION = 1
# Fields that older manifests lack, and what they meant.
_ADDED_LATER = {"similarity": "cosine", "modules": None, "compute_dtype": "float32", "language_offset": None}
MANIFEST = "manifest.json"
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class ShardSettings:
    """What the vectors are of. Shards of different settings are never mixed.

    Attributes:
        model: name of the encoder, as the user gave it.
        revision: its Hub revision, where it has one.
        weights_sha256: digest of its weights: a folder's name says little.
        kind: ``query`` or ``passage``.
        prompt: put before every text; None for none.
        max_seq_length: longest text in tokens, None for no limit.
        data_sha256: digest of the texts.
        dimension: of the vectors.
        dtype: ``float32``, ``float16`` or ``bfloat16``.
        rows_per_shard: rows of every shard but the last.
        similarity: by which they are searched; those of `cosine` are of unit length, and so were all before there was
            a choice.
        modules: what the encoder is made of; None where an older manifest does not say.
        compute_dtype: what the encoder computed in; always float32 before there was a choice.
        language_offset: what was subtracted from every vector (module `language_offsets`); None for nothing.
    """

    model: str
    revision: str | None
    weights_sha256: str
    kind: str
    prompt: str | None
    max_seq_length: int | None
    data_sha256: str
    dimension: int
    dtype: str
    rows_per_shard: int
    similarity: str = "cosine"
    modules: str | None = None
    compute_dtype: str = "float32"
    language_offset: str | None = None

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise InputError(f"dtype is {self.dtype!r}: choose one of {', '.join(DTYPES)}")
        if self.rows_per_shard < 1:
            raise InputError(f"rows_per_shard must be at least 1, got {self.rows_per_shard}")


class ShardWriter:
    """Writes shards into a folder; see `hf_hybrid.retrieval.encode_corpus` for the loop around it.

    Args:
        folder: made where it does not exist.
        settings: compared with those of shards that are there.

    Attributes:
        is_complete: whether an earlier run has written all shards.

    Raises:
        InputError: the folder holds vectors of something else, or other files.
    """

    def __init__(self, folder: str | Path, settings: ShardSettings) -> None:
        self.folder = Path(folder)
        self.settings = settings
        self.is_complete = False
        manifest = self.folder / MANIFEST
        if manifest.is_file():
            known = _read_manifest(self.folder)
            _check_same(known, settings, manifest)
            self.is_complete = bool(known.get("complete"))
            if self.is_complete and not all((self.folder / shard["file"]).is_file() for shard in known["shards"]):
                # A shard was deleted: nobody may take the vectors for complete before it is made again.
                self._write_manifest([], complete=False)
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.glob("*.safetensors"))):
            raise InputError(f"{self.folder} is in use and holds no {MANIFEST}: choose another folder for the vectors")
        else:
            self._write_manifest([], complete=False)

    def has(self, shard: int) -> bool:
        """Whether the shard was written, by this or an earlier run."""
        return shard_path(self.folder, shard).is_file()

    def write(self, shard: int, ids: Sequence[str], vectors: torch.Tensor) -> None:
        """Write a shard: its rows' ids, and their vectors ``[rows, d]``."""
        encoded = [identifier.encode() for identifier in ids]
        tensors = {
            "vectors": vectors.to("cpu", DTYPES[self.settings.dtype]).contiguous(),
            "id_bytes": torch.from_numpy(np.frombuffer(b"".join(encoded), dtype=np.uint8).copy()),
            "id_ends": torch.from_numpy(np.cumsum([len(one) for one in encoded], dtype=np.int64)),
        }
        path = shard_path(self.folder, shard)
        for left_behind in self.folder.glob(f".{path.stem}.*"):  # by a process that was killed
            shutil.rmtree(left_behind, ignore_errors=True)
        with whole_file(path) as fresh:
            save_file(tensors, fresh)

    def finish(self, num_shards: int) -> bool:
        """Complete the manifest when all shards are there.

        Returns:
            Whether they are. Otherwise another process is still at work, and the last one to finish completes the
            manifest.
        """
        paths = [shard_path(self.folder, shard) for shard in range(num_shards)]
        if not all(path.is_file() for path in paths):
            return False
        shards = [{"file": path.name, "rows": _rows(path), "sha256": file_digest(path)} for path in paths]
        self._write_manifest(shards, complete=True)
        return True

    def _write_manifest(self, shards: list[dict[str, Any]], complete: bool) -> None:
        content = {
            "schema_version": SCHEMA_VERSION,
            **vars(self.settings),
            "rows": sum(shard["rows"] for shard in shards) if complete else None,
            "complete": complete,
            "shards": shards,
        }
        # Processes that come here together write the same bytes; each file is renamed into place whole.
        write_json(self.folder / MANIFEST, content, overwrite=True)


@dataclass(frozen=True)
class Shards:
    """Complete vectors of a corpus, read from disk when they are asked for. Made by `Shards.open`."""

    folder: Path
    settings: ShardSettings
    rows_of_shard: tuple[int, ...]
    sha256_of_shard: tuple[str, ...] = field(repr=False)

    @classmethod
    def open(cls, folder: str | Path) -> Shards:
        """Open a folder of complete shards.

        Raises:
            InputError: no such folder, encoding is not finished, or a shard is missing or damaged.
        """
        folder = Path(folder)
        manifest = _read_manifest(folder)
        if not manifest.get("complete"):
            raise InputError(f"{folder}: encoding is not finished; run the same `hf-hybrid encode` again to go on")
        settings = ShardSettings(
            **{name: manifest[name] for name in ShardSettings.__dataclass_fields__ if name in manifest}
        )
        for shard in manifest["shards"]:
            path = folder / shard["file"]
            if not path.is_file() or _rows(path) != shard["rows"]:
                raise InputError(f"{path} is missing or damaged: delete it and run the same `hf-hybrid encode` again")
        rows = tuple(shard["rows"] for shard in manifest["shards"])
        return cls(folder, settings, rows, tuple(shard["sha256"] for shard in manifest["shards"]))

    @property
    def num_rows(self) -> int:
        """Number of vectors."""
        return sum(self.rows_of_shard)

    @property
    def dimension(self) -> int:
        """Dimension of the vectors."""
        return self.settings.dimension

    def fingerprint(self) -> str:
        """sha256 of the shards' digests: of all vectors and ids in their order."""
        return hashlib.sha256("\n".join(self.sha256_of_shard).encode()).hexdigest()

    def verify(self) -> None:
        """Compare every shard with the manifest.

        Raises:
            InputError: a shard was changed; names it.
        """
        for shard, digest in enumerate(self.sha256_of_shard):
            path = shard_path(self.folder, shard)
            if file_digest(path) != digest:
                raise InputError(
                    f"{path} has changed since it was written: delete it and run `hf-hybrid encode` again"
                )

    def blocks(self, rows: int) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield ``(first row, float32 vectors [n, d])``, at most ``rows`` at a time, in order.

        A shard is memory-mapped while its blocks are read, and let go before the next one.
        """
        first = 0
        for shard, size in enumerate(self.rows_of_shard):
            with safe_open(shard_path(self.folder, shard), framework="pt") as file:
                vectors = file.get_slice("vectors")
                for start in range(0, size, rows):
                    yield first + start, vectors[start : start + rows].float()
            first += size

    def ids(self, rows: np.ndarray) -> list[str]:
        """Passage ids of some rows, in their order; reads only the shards concerned, one at a time."""
        rows = np.asarray(rows, dtype=np.int64)
        if len(rows) and (rows.min() < 0 or rows.max() >= self.num_rows):
            raise IndexError(f"rows must lie in 0..{self.num_rows - 1}")
        ends = np.cumsum(self.rows_of_shard)
        shard_of_row = np.searchsorted(ends, rows, side="right")
        found = np.empty(len(rows), dtype=object)
        for shard in np.unique(shard_of_row):
            wanted = np.flatnonzero(shard_of_row == shard)
            names = self._ids_of_shard(int(shard))
            local = rows[wanted] - (ends[shard] - self.rows_of_shard[shard])
            for position, row in zip(wanted.tolist(), local.tolist(), strict=True):
                found[position] = names(row)
        return found.tolist()

    def _ids_of_shard(self, shard: int):
        with safe_open(shard_path(self.folder, shard), framework="np") as file:
            content, ends = file.get_tensor("id_bytes").tobytes(), file.get_tensor("id_ends")
        return lambda row: content[ends[row - 1] if row else 0 : ends[row]].decode()


def wait_until_complete(folder: str | Path, seconds: float | None = None) -> Shards:
    """Wait for the other processes to write their shards.

    Args:
        folder: the shards.
        seconds: give up after this long; never by default: a launcher ends all processes when one fails.
    """
    started = time.monotonic()
    while not _read_manifest(Path(folder)).get("complete"):
        if seconds is not None and time.monotonic() - started > seconds:
            raise InputError(f"{folder}: other processes have not finished encoding after {seconds:.0f} seconds")
        time.sleep(0.2)
    return Shards.open(folder)


def shard_path(folder: Path, shard: int) -> Path:
    """File of a shard."""
    return folder / f"shard-{shard:05d}.safetensors"


def _rows(path: Path) -> int:
    try:
        with safe_open(path, framework="pt") as file:
            return file.get_slice("vectors").get_shape()[0]
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is damaged ({error}): delete it and run the same `hf-hybrid encode` again"
        ) from error


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}; make the vectors with `hf-hybrid encode`"
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}): delete the folder and encode again") from error
    wanted = {name for name in ShardSettings.__dataclass_fields__ if name not in _ADDED_LATER}
    if manifest.get("schema_version") != SCHEMA_VERSION or not wanted <= set(manifest):
        raise InputError(f"{path} is not a manifest of schema {SCHEMA_VERSION}: encode into another folder")
    return {**_ADDED_LATER, **manifest}


def _check_same(manifest: Mapping[str, Any], settings: ShardSettings, path: Path) -> None:
    for name, value in vars(settings).items():
        unknown = name == "modules" and manifest[name] is None
        if manifest[name] != value and not unknown:
            raise InputError(
                f"{path}: {name} is {manifest[name]!r}, not {value!r}: these are vectors of something else; choose "
                "another folder"
            )
