"""Vectors of the shipped texts: made once for every checkpoint, kept under the digest of its weights, read again."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_bytes

from .searching import Encode

logger = logging.getLogger(__name__)

# Vectors that travel with the page, where `prepare.py --vectors` has written them.
SHIPPED = Path(__file__).resolve().parents[1] / "vectors"
_STEP = 64


def cache_folder() -> Path:
    """Where vectors are kept between two starts: ``XLIR_DEMO_CACHE``, else a folder in the Hub's own cache."""
    from huggingface_hub.constants import HF_HOME

    return Path(os.environ.get("XLIR_DEMO_CACHE") or Path(HF_HOME) / "xlir_demo")


class VectorCache:
    """Files of vectors, named by what they were made of: a changed checkpoint or text never gets old ones.

    Args:
        written: folder that new files go to.
        read: further folders that are looked into first.

    Example:
        >>> import tempfile
        >>> ones = lambda texts, kind: np.ones((len(texts), 2), np.float32)
        >>> with tempfile.TemporaryDirectory() as name:
        ...     cache = VectorCache(Path(name))
        ...     first = cache.vectors(ones, ["a", "b"], "passage", "digest")
        ...     again = cache.vectors(None, ["a", "b"], "passage", "digest")
        >>> bool((first == again).all()), again.shape
        (True, (2, 2))
    """

    def __init__(self, written: Path, read: Sequence[Path] = ()) -> None:
        self._written = written
        self._folders = (*read, written)

    def vectors(self, encode: Encode, texts: Sequence[str], kind: str, digest: str, title: str = "") -> np.ndarray:
        """Vectors of texts, read or made.

        Args:
            encode: the checkpoint's; called only where there is no file.
            texts: n texts.
            kind: ``query`` or ``passage``.
            digest: of the checkpoint's weights.
            title: of the checkpoint, for the progress bar.

        Returns:
            float32 ``[n, d]``.
        """
        name = self.file_name(texts, kind, digest)
        kept = next(
            (found for folder in self._folders if (found := _read(folder / name, len(texts))) is not None), None
        )
        if kept is not None:
            return kept
        made = encode_with_progress(encode, texts, kind, title)
        packed = io.BytesIO()
        np.save(packed, made, allow_pickle=False)
        try:
            write_bytes(self._written / name, packed.getvalue(), overwrite=True)
        except (InputError, OSError) as error:
            logger.warning("Vectors cannot be kept for the next start: %s", error)
        return made

    @staticmethod
    def file_name(texts: Sequence[str], kind: str, digest: str) -> str:
        """Name of the file with the vectors of some texts with some checkpoint."""
        of_texts = hashlib.sha256("\0".join((kind, *texts)).encode()).hexdigest()
        return f"{digest[:24]}-{kind}-{of_texts[:24]}.npy"


def encode_with_progress(encode: Encode, texts: Sequence[str], kind: str, title: str) -> np.ndarray:
    """Encode in steps, with a bar that says how long it takes."""
    # Texts of one length together, or every step would be as slow as its longest text.
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    vectors: np.ndarray | None = None
    bar = tqdm(total=len(texts), desc=f"Embedding with {title or 'the checkpoint'}", unit="text", delay=1)
    with bar, _all_cores():
        for start in range(0, len(order), _STEP):
            rows = order[start : start + _STEP]
            part = encode([texts[row] for row in rows], kind)
            if vectors is None:
                vectors = np.empty((len(texts), part.shape[1]), dtype=np.float32)
            vectors[rows] = part
            bar.update(len(rows))
    assert vectors is not None, "no texts"
    return vectors


@contextmanager
def _all_cores() -> Iterator[None]:
    """Before the page is up nobody else wants the cores; later a search has one, so that others' need not wait."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(threads, os.cpu_count() or 1))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _read(file: Path, number: int) -> np.ndarray | None:
    """The vectors in a file; None where there is no whole one."""
    try:
        found = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    good = found.ndim == 2 and len(found) == number and found.dtype == np.float32 and np.isfinite(found).all()
    return found if good else None
