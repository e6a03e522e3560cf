"""The checkpoints that the page offers, and where they and the data come from: beside the page, or the Hub at pinned
revisions.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hf_hybrid.data.loading import embedded_dataset_path
from hf_hybrid.encoders.checkpoints import IGNORED, embedded_model
from hf_hybrid.errors import InputError, first_line

from .searching import Encode

REVISIONS = Path(__file__).resolve().parents[1] / "revisions.json"
DATASET = "world_facts"
_COMMIT = re.compile(r"[0-9a-f]{40}")


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
    Checkpoint(
        "hybrid-xlir-static",
        "Hybrid",
        "practised with batches of one language and with batches of two languages by turns",
    ),
    Checkpoint("hybrid-xlir-static-mono", "Monolingual", "practised with one language at a time"),
    Checkpoint("hybrid-xlir-static-cross", "Cross-lingual", "practised with two languages at a time only"),
)
NAMES = tuple(checkpoint.name for checkpoint in CHECKPOINTS)
HYBRID, MONOLINGUAL = NAMES[0], NAMES[1]


def title_of(name: str) -> str:
    """What the page calls a checkpoint."""
    return next(checkpoint.title for checkpoint in CHECKPOINTS if checkpoint.name == name)


def find_model(name: str, models: Path | None = None, revisions: Path = REVISIONS) -> Path:
    """Folder of a checkpoint.

    Args:
        name: one of `NAMES`: nothing else is ever loaded.
        models: folder that holds checkpoints by their names; the first place to look in.
        revisions: which commits the Hub is asked for.

    Raises:
        InputError: it is nowhere; says what to do.
    """
    if name not in NAMES:
        raise InputError(f"There is no checkpoint {name!r}: choose among {', '.join(NAMES)}.")
    if models is not None and (models / name / "modules.json").is_file():
        return models / name
    local = None if on_a_space() else embedded_model(name)
    return local or _fetch("models", "model", name, revisions, ignore_patterns=list(IGNORED))


def find_dataset(revisions: Path = REVISIONS) -> Path:
    """Folder of the data set: the embedded copy, on a Space the pinned one of the Hub."""
    if not on_a_space():
        return Path(embedded_dataset_path(DATASET))
    return _fetch("datasets", "dataset", DATASET, revisions, allow_patterns=["README.md", "data/*.parquet"])


def on_a_space() -> bool:
    """Whether this runs as a Space of the Hub, which says so itself."""
    return bool(os.environ.get("SPACE_ID"))


def pinned(kind: str, name: str, revisions: Path = REVISIONS) -> tuple[str, str]:
    """Repository and commit that the Hub is asked for.

    Args:
        kind: ``models`` or ``datasets``.
        name: without the owner.
        revisions: file with the pins.

    Raises:
        InputError: not pinned, or to something that is no commit.
    """
    entry = json.loads(revisions.read_text(encoding="utf-8"))[kind][name]
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


def load_encode(folder: Path) -> Encode:
    """Load a checkpoint's encoder, on the processor and without any code of the checkpoint's own."""
    from hf_hybrid.retrieval.encode import load_encoder
    from hf_hybrid.retrieval.encode_texts import encode_texts

    model = load_encoder(str(folder), device="cpu")

    def encode(texts: list[str], kind: str) -> np.ndarray:
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
