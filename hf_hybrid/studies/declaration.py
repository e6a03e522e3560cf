"""What a study declares before it runs, kept in its folder: the design with its contrasts, and the sha256 of what it
is trained and scored on. On resume it must be the same.

    declaration_version  1
    design               as written, with its places: no path of a machine
    data                 where in the design -> sha256 of the file, folder or packaged data; "hub:NAME@REVISION" for
                         what the Hub has
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hf_hybrid.benchmarks.registry import benchmark_names, benchmark_spec, load_benchmark
from hf_hybrid.data.loading import embedded_dataset_path
from hf_hybrid.encoders.checkpoints import embedded_model
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import file_digest, write_json
from hf_hybrid.studies.study import StudyDesign

DECLARATION_VERSION = 1
FILE = "declaration.json"
# Flags whose values are files, folders or names of the Hub.
PLACES = (
    "dataset_name_or_path",
    "eval_dataset_name_or_path",
    "tokenizer_texts",
    "teacher_vectors",
    "model_name_or_path",
    "data_dir",
    "hub_id",
    "parallel_text",
)


def declare(design: StudyDesign, filled: StudyDesign, output: Path) -> dict[str, Any]:
    """Write the declaration, or compare it with the one that is there.

    Args:
        design: As written.
        filled: With its places filled.
        output: Folder of the study.

    Returns:
        The declaration.

    Raises:
        InputError: It differs from that of the folder: names what changed.
    """
    declared = {
        "declaration_version": DECLARATION_VERSION,
        "design": _declared(design),
        "data": dict(_data(filled)),
    }
    declared = json.loads(json.dumps(declared))
    file = output / FILE
    if not file.is_file():
        write_json(file, declared)
        return declared
    before = json.loads(file.read_text(encoding="utf-8"))
    changed = [
        name
        for name in sorted(set(_flat(before) | _flat(declared)))
        if _flat(before).get(name) != _flat(declared).get(name)
    ]
    if changed:
        raise InputError(
            f"{file}: the study was declared with another {changed[0]}"
            f"{f' (and {len(changed) - 1} more)' if len(changed) > 1 else ''}; what is compared is chosen before it "
            "runs: restore it, or choose another --output"
        )
    return before


def digest_of(place: str | Path) -> str:
    """sha256 of a file, or of a folder's files with their names; hidden files do not count.

    Example:
        >>> digest_of("no/such/place")
        'hub:no/such/place'
    """
    path = Path(place).expanduser()
    if path.is_file():
        return file_digest(path)
    if not path.is_dir():
        return f"hub:{place}"
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(f"{name.as_posix()}\0{file_digest(file)}\n".encode())
    return digest.hexdigest()


def _declared(design: StudyDesign) -> dict[str, Any]:
    """What is compared: not how many threads it takes."""
    content = design.to_json()
    content.pop("threads")
    return content


def _data(design: StudyDesign) -> Iterator[tuple[str, str]]:
    if "dataset_name_or_path" not in design.train:
        yield "train.dataset_name_or_path", digest_of(embedded_dataset_path())
    yield from _places(design.train, "train")
    for group, entries in (("arms", design.arms), ("levels", design.levels), ("benchmarks", design.benchmarks)):
        for name, flags in entries.items():
            yield from _places(flags or {}, f"{group}.{name}")
    for name, flags in design.benchmarks.items():
        benchmark = str(flags.get("benchmark", name))
        if benchmark in benchmark_names() and benchmark_spec(benchmark).is_packaged:
            yield f"benchmarks.{name}", load_benchmark(benchmark).data_sha256


def _places(flags: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for key, value in flags.items():
        if isinstance(value, Mapping):
            yield from _places(value, f"{where}.{key}")
        elif key in PLACES:
            for number, one in enumerate(value if isinstance(value, list | tuple) else [value]):
                revision = flags.get("dataset_revision") if key == "dataset_name_or_path" else None
                packaged = embedded_model(str(one)) if key == "model_name_or_path" and not Path(one).exists() else None
                found = digest_of(packaged or str(one))
                yield f"{where}.{key}" + (f".{number}" if number else ""), f"{found}@{revision}" if revision else found


def _flat(content: Any, where: str = "") -> dict[str, Any]:
    """Place -> value of everything in nested JSON types."""
    if isinstance(content, dict) and content:
        return {key: value for name, one in content.items() for key, value in _flat(one, f"{where}.{name}").items()}
    if isinstance(content, list) and content:
        return {
            key: value for number, one in enumerate(content) for key, value in _flat(one, f"{where}.{number}").items()
        }
    return {where.lstrip("."): content}
