"""What strings cannot see: training texts whose vector is close to that of an evaluation text in another language.

A multilingual encoder puts translations near each other, so a translated evaluation text is found among the nearest.
So is a text on the same subject: the results are candidates for a person to look at, and nothing is removed because of
them.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from hf_hybrid.overlap.comparable_text import comparable, weight_of
from hf_hybrid.overlap.sources import Row, count_rows, read_rows, text_files

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH_TEXTS = 4096
_BLOCK_SCORES = 32_000_000


def find_candidates(
    train: Sequence[str | Path],
    against: Mapping[str, str | Path],
    model: SentenceTransformer,
    *,
    min_cosine: float = 0.8,
    most: int = 200,
    min_letters: float = 40,
    show_progress: bool = False,
) -> list[dict[str, Any]]:
    """The closest pairs of a training text and an evaluation text in another language.

    Args:
        train: Files or folders of the training set, read as a stream.
        against: Name -> file or folder of each evaluation set; its vectors are held in memory.
        model: A multilingual encoder, the better the more use; see `hf_hybrid.retrieval.encode.load_encoder`.
        min_cosine: Least cosine similarity; it depends on the encoder.
        most: How many pairs are kept.
        min_letters: Shorter texts are left out: short texts are close to many.
        show_progress: Show progress bars.

    Returns:
        Records with ``cosine``, ``id``, ``lang``, ``source``, ``field`` and ``against``, closest first.
    """
    owners, targets = _encode_against(against, model, min_letters, show_progress)
    langs = np.array([owner["lang"] for owner in owners])
    masks = {lang: langs == lang for lang in set(langs.tolist())}
    files = [file for path in train for file in text_files(path)]
    closest = _Closest(most)
    with tqdm(desc="encoding", unit="row", total=count_rows(files), disable=not show_progress) as progress:
        batch: list[tuple[Row, str, str]] = []
        seen: set[tuple[str, str]] = set()
        for row in (row for file in files for row in read_rows(file)):
            progress.update()
            for field, text in row.texts.items():
                if field != "title" and (row.lang, text) not in seen and _is_long(text, min_letters):
                    seen.add((row.lang, text))
                    batch.append((row, field, text))
            if len(batch) >= _BATCH_TEXTS:
                _keep_closest(batch, owners, targets, masks, model, min_cosine, closest)
                batch, seen = [], set()
        if batch:
            _keep_closest(batch, owners, targets, masks, model, min_cosine, closest)
    return closest.records()


class _Closest:
    """The records of greatest cosine; of equal ones the first."""

    def __init__(self, most: int):
        self._most = most
        self._heap: list[tuple[float, int, dict[str, Any]]] = []
        self._offered = 0

    def offer(self, record: dict[str, Any]) -> None:
        self._offered += 1
        item = (record["cosine"], -self._offered, record)
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, item)
        else:
            heapq.heappushpop(self._heap, item)

    def records(self) -> list[dict[str, Any]]:
        return [record for _, _, record in sorted(self._heap, key=lambda item: item[:2], reverse=True)]


def _is_long(text: str, min_letters: float) -> bool:
    return len(text) >= min_letters / 3 and weight_of(comparable(text)) >= min_letters


def _encode_against(
    against: Mapping[str, str | Path], model: SentenceTransformer, min_letters: float, show_progress: bool
) -> tuple[list[dict[str, str]], np.ndarray]:
    owners, texts = [], []
    for name, path in against.items():
        for row in (row for file in text_files(path) for row in read_rows(file)):
            for field, text in row.texts.items():
                if field != "title" and _is_long(text, min_letters):
                    owners.append({"name": name, "key": row.key, "lang": row.lang, "field": field})
                    texts.append(text)
    return owners, _vectors(model, texts, show_progress)


def _vectors(model: SentenceTransformer, texts: list[str], show_progress: bool = False) -> np.ndarray:
    """Unit vectors float32 ``[len(texts), d]``; all texts take the passages' prompt, so that equal texts get equal
    vectors.
    """
    from hf_hybrid.retrieval.encode_texts import encode_texts

    return encode_texts(model, texts, kind="passage", show_progress=show_progress).float().cpu().numpy()


def _keep_closest(
    batch: list[tuple[Row, str, str]],
    owners: list[dict[str, str]],
    targets: np.ndarray,
    masks: Mapping[str, np.ndarray],
    model: SentenceTransformer,
    min_cosine: float,
    closest: _Closest,
) -> None:
    """Offer each training text with the evaluation text in another language that is closest to it."""
    if not len(targets):
        return
    vectors = _vectors(model, [text for _, _, text in batch])
    step = max(1, _BLOCK_SCORES // len(targets))
    for first in range(0, len(batch), step):
        scores = vectors[first : first + step] @ targets.T
        for place, (row, field, _) in enumerate(batch[first : first + step]):
            if row.lang in masks:
                scores[place, masks[row.lang]] = -1
            best = int(scores[place].argmax())
            cosine = float(scores[place, best])
            if cosine < min_cosine:
                continue
            record = {
                "cosine": round(cosine, 4),
                "id": row.key,
                "lang": row.lang,
                "source": row.source,
                "field": field,
            }
            closest.offer(record | {"against": owners[best]})
