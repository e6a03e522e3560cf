"""The checkpoints that the page offers: what they are called, which two are compared, and where they and the data come
from: beside the page, or the Hub at pinned revisions.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.data.loading import embedded_dataset_path
from hf_hybrid.encoders.checkpoints import IGNORED, embedded_model
from hf_hybrid.errors import InputError, first_line
from hf_hybrid.output_files import file_digest

from .searching import Encode

REVISIONS = Path(__file__).resolve().parents[1] / "revisions.json"
DATASET = "world_facts"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,60}")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that can be chosen.

    Attributes:
        name: of its repository, without the owner.
        title: what the page calls it.
        training: how it was trained, in words.
    """

    name: str
    title: str
    training: str


CHECKPOINTS = (
    Checkpoint("xlir-small-base", "Base", "a multilingual encoder as it comes, without hybrid training"),
    Checkpoint("hybrid-xlir-small", "Hybrid", "the same encoder after hybrid training"),
    Checkpoint("hybrid-xlir-static", "Static", "word vectors, small and very fast, after hybrid training, too"),
)
NAMES = tuple(checkpoint.name for checkpoint in CHECKPOINTS)
# What is compared where both are there: before and after hybrid training.
PAIR = ("xlir-small-base", "hybrid-xlir-small")


def describe(name: str) -> Checkpoint:
    """A checkpoint with its title; one that the page has never heard of goes by its name."""
    known = {checkpoint.name: checkpoint for checkpoint in CHECKPOINTS}
    return known.get(name, Checkpoint(name, name, "a checkpoint of this folder"))


def title_of(name: str) -> str:
    """What the page calls a checkpoint."""
    return describe(name).title


def usual_pair(names: Sequence[str]) -> tuple[str, str]:
    """The two checkpoints that are compared unless others are chosen: before and after.

    Args:
        names: those that were loaded, at least one.

    Example:
        >>> usual_pair(["hybrid-xlir-small", "hybrid-xlir-static", "xlir-small-base"])
        ('xlir-small-base', 'hybrid-xlir-small')
        >>> usual_pair(["mine", "yours"]), usual_pair(["mine"])
        (('mine', 'yours'), ('mine', 'mine'))
    """
    return PAIR if set(PAIR) <= set(names) else (names[0], names[min(1, len(names) - 1)])


def find_models(models: Path | None = None, revisions: Path = REVISIONS) -> dict[str, Path]:
    """Folders of all checkpoints that are to be had, those that the page knows first.

    Beside the page these are all of the given folder, or without one the known ones of the package; on a Space those
    that are pinned, none of which may be missing.

    Raises:
        InputError: there is none, or on a Space one is missing.
    """
    if on_a_space():
        return {name: find_model(name, models, revisions) for name in pinned_names(revisions)}
    inside = sorted(file.parent.name for file in models.glob("*/modules.json")) if models else []
    names = dict.fromkeys((*NAMES, *(name for name in inside if _NAME.fullmatch(name))))
    found = {name: folder for name in names if (folder := _local_model(name, models))}
    if not found:
        where = "the package" if models is None else str(models)
        raise InputError(
            f"There is no checkpoint in {where}: name a folder with --models that holds one, such as {NAMES[1]}/"
        )
    return found


def find_model(name: str, models: Path | None = None, revisions: Path = REVISIONS) -> Path:
    """Folder of a checkpoint that the page knows.

    Args:
        name: nothing but these is ever fetched.
        models: folder that holds checkpoints by their names; the package's are taken without.
        revisions: which commits the Hub is asked for.

    Raises:
        InputError: it is nowhere; says what to do.
    """
    if name not in pinned_names(revisions) and name not in NAMES:
        raise InputError(f"There is no checkpoint {name!r}: choose among {', '.join(NAMES)}.")
    local = _local_model(name, models)
    return local or _fetch("models", "model", name, revisions, ignore_patterns=list(IGNORED))


def _local_model(name: str, models: Path | None) -> Path | None:
    if models is not None:
        return models / name if (models / name / "modules.json").is_file() else None
    return None if on_a_space() else embedded_model(name)


def find_dataset(revisions: Path = REVISIONS) -> Path:
    """Folder of the data set: the embedded copy, on a Space the pinned one of the Hub."""
    if not on_a_space():
        return Path(embedded_dataset_path(DATASET))
    return _fetch("datasets", "dataset", DATASET, revisions, allow_patterns=["README.md", "data/*.parquet"])


def on_a_space() -> bool:
    """Whether this runs as a Space of the Hub, which says so itself."""
    return bool(os.environ.get("SPACE_ID"))


def pinned_names(revisions: Path = REVISIONS) -> list[str]:
    """Names of the checkpoints that a Space loads."""
    return list(json.loads(revisions.read_text(encoding="utf-8"))["models"])


def pinned(kind: str, name: str, revisions: Path = REVISIONS) -> tuple[str, str]:
    """Repository and commit that the Hub is asked for.

    Args:
        kind: ``models`` or ``datasets``.
        name: without the owner.
        revisions: file with the pins.

    Raises:
        InputError: not pinned, or to something that is no commit.
    """
    entry = json.loads(revisions.read_text(encoding="utf-8"))[kind].get(name, {"repository": None, "revision": None})
    repository, revision = entry["repository"], entry["revision"]
    if not repository or not revision:
        raise InputError(
            f"{name} is neither installed here nor pinned in {revisions.name}: name a folder that holds it with "
            "--models, or pin its repository with `python pin_revisions.py OWNER`"
        )
    if not _COMMIT.fullmatch(revision):
        raise InputError(
            f"{revisions.name}: the revision of {name} must be a commit of 40 hex digits, got {revision!r}; run "
            "`python pin_revisions.py OWNER`"
        )
    return repository, revision


def weights_digest(folder: Path) -> str:
    """sha256 of everything in a checkpoint's folder that its vectors depend on: weights, tokenizer and settings.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     weights_digest(Path(name))[:12]
        'e3b0c44298fc'
    """
    used = [file for file in sorted(folder.rglob("*")) if file.suffix in (".safetensors", ".json", ".model")]
    digest = ""
    for file in used:
        if "results" not in file.relative_to(folder).parts:
            digest = file_digest(file, start=digest.encode() + file.name.encode())
    return digest or file_digest(os.devnull)


def load_encode(folder: Path) -> Encode:
    """Load a checkpoint's encoder, on the processor and without any code of the checkpoint's own."""
    from hf_hybrid.retrieval.encode import load_encoder
    from hf_hybrid.retrieval.encode_texts import encode_texts

    model = load_encoder(str(folder), device="cpu")

    def encode(texts: Sequence[str], kind: str) -> np.ndarray:
        return encode_texts(model, texts, kind=kind).numpy()

    return encode


def _fetch(kind: str, repo_type: str, name: str, revisions: Path, **patterns: Any) -> Path:
    from huggingface_hub import snapshot_download

    repository, revision = pinned(kind, name, revisions)
    return _from_hub(
        lambda: snapshot_download(repository, repo_type=repo_type, revision=revision, token=False, **patterns),
        f"{repository} at {revision[:8]}",
    )


def _from_hub(download: Callable[[], str], what: str) -> Path:
    try:
        return Path(download())
    except OSError as error:
        # Errors of huggingface_hub are OSErrors, too.
        raise InputError(f"{what} cannot be fetched from the Hub ({first_line(error)}).") from error
