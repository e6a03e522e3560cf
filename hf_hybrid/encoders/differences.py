"""A fine-tuned encoder as the difference of its weights from those that it started from, in eight bits.

The difference of two close checkpoints needs few bits: each row of a matrix gets one scale, and each weight a number
from -127 to 127, so that a weight comes back to half a step, 1/254 of the largest change of its row. Vectors (norms,
biases) are kept whole. What takes 94 MB in half precision takes 46 compressed after 200 steps, and 36 after 2. A
difference names the weights that it starts from by their sha256, and is refused with others.

Files are parts of one compressed stream, so that they can be as small as wanted.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save
from safetensors.torch import save_file

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import check_output, new_directory, write_bytes

WEIGHTS = "model.safetensors"
STEPS = 127
_SCALE = "#scale"
# BERT's pooler is not trained, and some checkpoints leave it out.
_LEFT_OUT = re.compile(r"(^|\.)pooler\.")
_LEVEL = 6


def write_difference(
    start: str | Path, trained: str | Path, target: str | Path, part_bytes: int | None = None, overwrite: bool = False
) -> list[Path]:
    """Write what training changed.

    Args:
        start, trained: Folders of two checkpoints of one shape.
        target: The file; with more than one part, they are called `TARGET.1of3` and so on.
        part_bytes: Most bytes of a file.
        overwrite: Replace files that are there.

    Returns:
        The files.

    Raises:
        InputError: The checkpoints do not fit together, or a file exists.
    """
    before, after = weights_of(start), weights_of(trained)
    difference = quantised_difference(before, after)
    content = zlib.compress(save(difference, {"start": json.dumps(digest(before))}), _LEVEL)
    return write_parts(target, content, part_bytes or len(content), overwrite)


def write_parts(target: str | Path, content: bytes, part_bytes: int, overwrite: bool = False) -> list[Path]:
    """Write bytes as one file, or as files `TARGET.1of3` and so on of at most `part_bytes`.

    Raises:
        InputError: A file exists.

    Example:
        >>> [part.name for part in write_parts("/tmp/it", b"12345", 2)]  # doctest: +SKIP
        ['it.1of3', 'it.2of3', 'it.3of3']
    """
    pieces = [content[place : place + part_bytes] for place in range(0, len(content), part_bytes)]
    names = [Path(f"{target}.{number}of{len(pieces)}") for number in range(1, len(pieces) + 1)]
    names = names if len(names) > 1 else [Path(target)]
    for name in names:
        check_output(name, overwrite)
    return [write_bytes(name, piece, overwrite) for name, piece in zip(names, pieces, strict=True)]


def apply_difference(
    start: str | Path, parts: Iterable[str | Path], directory: str | Path, overwrite: bool = False
) -> Path:
    """Write the fine-tuned checkpoint: the start's files with other weights, in float32.

    Args:
        start: Folder of the checkpoint that it was made from.
        parts: All files of the difference, in any order.
        directory: Where it goes.
        overwrite: Replace an encoder that is there.

    Raises:
        InputError: A part is missing or damaged, or the start is another one.
    """
    difference, expected = _read(sorted(map(Path, parts), key=_number))
    before = weights_of(start)
    if digest(before) != expected:
        raise InputError(f"{start}: its weights are not those that the difference starts from; name the right start")
    after = changed(before, difference)
    with new_directory(directory, overwrite) as fresh:
        shutil.copytree(start, fresh, dirs_exist_ok=True, ignore=shutil.ignore_patterns(WEIGHTS, "README.md"))
        save_file({name: torch.from_numpy(value) for name, value in after.items()}, fresh / WEIGHTS, {"format": "pt"})
        _say_float32(fresh / "config.json")
    return Path(directory).expanduser()


def quantised_difference(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What to add to weights: matrices as int8 with a float32 scale a row (`NAME#scale`), others as float32.

    Raises:
        InputError: Names or shapes differ.

    Example:
        >>> found = quantised_difference({"w": np.zeros((1, 2), "f4")}, {"w": np.array([[1.27, -0.5]], "f4")})
        >>> found["w"].tolist(), found["w#scale"].round(6).tolist()
        ([[127, -50]], [[0.009999999776482582]])
    """
    if before.keys() != after.keys():
        raise InputError(f"checkpoints: {min(before.keys() ^ after.keys())} is in one of the two only")
    found = {}
    for name, start in before.items():
        if start.shape != after[name].shape:
            raise InputError(f"checkpoints: {name} is {list(start.shape)} in one and {list(after[name].shape)} in two")
        difference = after[name].astype(np.float32) - start.astype(np.float32)
        if not np.isfinite(difference).all():
            raise InputError(f"checkpoints: {name} holds numbers that are not finite")
        if difference.ndim < 2:
            found[name] = difference
            continue
        scale = np.abs(difference).max(axis=-1, keepdims=True) / STEPS
        # Where a scale is so small that it was rounded itself, the quotient may be more.
        found[name] = np.clip(np.round(difference / np.where(scale > 0, scale, 1)), -STEPS, STEPS).astype(np.int8)
        found[f"{name}{_SCALE}"] = scale.astype(np.float32)
    return found


def changed(before: Mapping[str, np.ndarray], difference: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights after a difference, float32."""
    names = {name for name in difference if not name.endswith(_SCALE)}
    if names != before.keys():
        raise InputError(f"difference: {min(names ^ before.keys())} is in it or in the start only")
    return {
        name: start.astype(np.float32)
        + difference[name].astype(np.float32) * difference.get(f"{name}{_SCALE}", np.float32(1))
        for name, start in before.items()
    }


def weights_of(folder: str | Path) -> dict[str, np.ndarray]:
    """The weights of a checkpoint in one file, but for a pooler's, by their names.

    Raises:
        InputError: There is no such file, or it is damaged.
    """
    path = Path(folder) / WEIGHTS
    try:
        with safe_open(path, "pt") as file:
            # Through torch, which knows bfloat16; float32 holds both halves exactly.
            return {name: file.get_tensor(name).float().numpy() for name in file.keys() if not _LEFT_OUT.search(name)}
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read ({error}); name a folder with one {WEIGHTS}") from error


def digest(weights: Mapping[str, np.ndarray]) -> str:
    """sha256 of weights, whatever file they came from."""
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(f"{name}{weights[name].shape}".encode())
        found.update(np.ascontiguousarray(weights[name], dtype="<f4").data)
    return found.hexdigest()


def _read(parts: list[Path]) -> tuple[dict[str, np.ndarray], str]:
    if not parts:
        raise InputError("difference: no files given")
    numbers = [_number(part) for part in parts]
    if numbers != list(range(1, numbers[-1] + 1)) or _count(parts[-1]) != len(parts):
        raise InputError(f"difference: {', '.join(part.name for part in parts)} are not all parts of one; give all")
    try:
        content = zlib.decompress(b"".join(part.read_bytes() for part in parts))
        (size,) = np.frombuffer(content[:8], "<u8").tolist()
        start = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["start"])
        return load(content), start
    except (OSError, zlib.error, SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"difference: {parts[0].name} cannot be read ({error}); get all its parts again") from error


def _number(part: Path) -> int:
    found = re.search(r"\.(\d+)of\d+$", part.name)
    return int(found[1]) if found else 1


def _count(part: Path) -> int:
    found = re.search(r"\.\d+of(\d+)$", part.name)
    return int(found[1]) if found else 1


def _say_float32(config: Path) -> None:
    """The checkpoint's own word on what its weights are stored in."""
    if config.is_file():
        content = json.loads(config.read_text(encoding="utf-8"))
        write_bytes(config, (json.dumps({**content, "dtype": "float32"}, indent=2) + "\n").encode(), overwrite=True)
