"""Search through FAISS (extra ``faiss``): a flat index, or IVF-PQ for corpora whose exact search takes too long."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm.auto import tqdm

from hf_hybrid.engines.first_rank import is_first_rank
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import check_output, whole_file, write_json
from hf_hybrid.retrieval.search import TopK, check_search, recall_against, search_exactly
from hf_hybrid.retrieval.shards import Shards

if TYPE_CHECKING:
    import faiss

logger = logging.getLogger(__name__)

INDEX_KINDS = ("flat", "ivfpq")
_BLOCK = 65536
# FAISS warns below 39 training vectors for each cell of the coarse quantiser; more than 256 add little.
_TRAINING_PER_LIST = 64
_BITS = 8


def build_index(
    shards: Shards,
    kind: str = "flat",
    *,
    lists: int | None = None,
    subvectors: int | None = None,
    probes: int | None = None,
    seed: int = 0,
    show_progress: bool = False,
) -> faiss.Index:
    """Build an index over a corpus; blocks are added one by one.

    Args:
        shards: the corpus.
        kind: ``flat``: exact, all vectors in memory. ``ivfpq``: vectors in ``lists`` cells, each compressed to
            ``subvectors`` bytes.
        lists: cells; by default four times the square root of the number of passages, as far as the corpus can train
            them.
        subvectors: parts of a vector, a byte each; must divide the dimension. By default the dimension divided by
            four, or the nearest smaller divisor.
        probes: cells searched for each query; by default a sixteenth of them, at least eight. More find more and take
            longer.
        seed: chooses the vectors that train the cells.
        show_progress: show a progress bar (first process only).

    Raises:
        InputError: FAISS is not installed, an unknown kind, or numbers that do not fit the corpus.

    Example:
        >>> index = build_index(Shards.open("vectors"), "ivfpq")  # doctest: +SKIP
    """
    faiss = _faiss()
    if kind not in INDEX_KINDS:
        raise InputError(f"index is {kind!r}: choose one of {', '.join(INDEX_KINDS)}")
    metric = _metric(faiss, shards.settings.similarity)
    if kind == "flat":
        index = faiss.IndexFlat(shards.dimension, metric)
    elif metric == faiss.METRIC_L1:
        raise InputError(f"index is {kind!r}, which knows no manhattan distance: use a flat index, or search exactly")
    else:
        index = _train_ivfpq(faiss, shards, lists, subvectors, seed)
        index.nprobe = min(index.nlist, probes or max(8, index.nlist // 16))
    bar = tqdm(total=shards.num_rows, desc="Indexing", unit="passage", disable=not (show_progress and is_first_rank()))
    with bar:
        for _, vectors in shards.blocks(_BLOCK):
            index.add(vectors.numpy())
            bar.update(len(vectors))
    return index


def search_index(index: faiss.Index, queries: torch.Tensor, shards: Shards, k: int) -> TopK:
    """Search an index; arguments and result as in `hf_hybrid.retrieval.search.search_exactly`."""
    check_search(queries, shards, k)
    if index.ntotal != shards.num_rows:
        raise InputError(f"the index has {index.ntotal} vectors, the corpus {shards.num_rows}: build it again")
    scores, rows = index.search(queries.cpu().float().contiguous().numpy(), min(k, shards.num_rows))
    if shards.settings.similarity == "euclidean":
        # FAISS leaves the root out, and rounding can make the square of a distance of nothing negative.
        scores = np.sqrt(np.maximum(scores, 0))
    if shards.settings.similarity in ("euclidean", "manhattan"):
        scores = -scores
    return TopK(np.where(rows < 0, -np.inf, scores).astype(np.float32), rows.astype(np.int64))


def measured_recall(
    index: faiss.Index, queries: torch.Tensor, shards: Shards, k: int, sample: int = 200, seed: int = 0
) -> float:
    """Share of the exact best k that the index finds, on a sample of the queries; 1 minus it is what the index
    loses.
    """
    chosen = torch.from_numpy(np.random.default_rng(seed).permutation(len(queries))[:sample])
    some = queries[chosen.to(queries.device)].cpu()
    return recall_against(search_index(index, some, shards, k), search_exactly(some, shards, k))


def save_index(index: faiss.Index, path: str | Path, shards: Shards, overwrite: bool = False) -> Path:
    """Write an index beside a note of which vectors it holds (``<path>.json``)."""
    path = Path(path)
    check_output(path, overwrite)
    with whole_file(path) as fresh:
        _faiss().write_index(index, str(fresh))
    write_json(f"{path}.json", {"vectors_sha256": shards.fingerprint(), "rows": shards.num_rows}, overwrite=True)
    return path


def load_index(path: str | Path, shards: Shards) -> faiss.Index:
    """Read an index of `save_index`.

    Raises:
        InputError: no such index, or one of other vectors.
    """
    path = Path(path)
    try:
        note: dict[str, Any] = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}.json ({error}): build the index again") from error
    if note.get("vectors_sha256") != shards.fingerprint():
        raise InputError(f"{path} is an index of other vectors than {shards.folder}: build it again")
    try:
        index = _faiss().read_index(str(path))
    except RuntimeError as error:
        raise InputError(f"{path} is damaged ({str(error).splitlines()[0]}): build the index again") from error
    if index.metric_type != _metric(_faiss(), shards.settings.similarity):
        raise InputError(f"{path} compares by another similarity than {shards.settings.similarity}: build it again")
    return index


def _metric(faiss: Any, similarity: str) -> int:
    distances = {"euclidean": faiss.METRIC_L2, "manhattan": faiss.METRIC_L1}
    return distances.get(similarity, faiss.METRIC_INNER_PRODUCT)


def _train_ivfpq(faiss: Any, shards: Shards, lists: int | None, subvectors: int | None, seed: int) -> faiss.IndexIVFPQ:
    trainable = shards.num_rows // 39
    lists = lists or max(1, min(round(4 * math.sqrt(shards.num_rows)), trainable))
    subvectors = subvectors or next(
        parts for parts in range(max(shards.dimension // 4, 1), 0, -1) if shards.dimension % parts == 0
    )
    if shards.dimension % subvectors:
        raise InputError(f"subvectors is {subvectors}, which does not divide the dimension {shards.dimension}")
    if shards.num_rows < max(lists, 1 << _BITS):
        raise InputError(
            f"{shards.num_rows} passages cannot train {lists} cells and {1 << _BITS} codes: use a flat index"
        )
    metric = _metric(faiss, shards.settings.similarity)
    quantiser = faiss.IndexFlat(shards.dimension, metric)
    index = faiss.IndexIVFPQ(quantiser, shards.dimension, lists, subvectors, _BITS, metric)
    index.train(_sample(shards, max(lists * _TRAINING_PER_LIST, 64 << _BITS), seed))
    logger.info("IVF-PQ: %d cells, %d bytes a vector", lists, subvectors)
    return index


def _sample(shards: Shards, size: int, seed: int) -> np.ndarray:
    """Vectors of rows drawn without replacement, in the corpus's order: float32 ``[size, d]``."""
    size = min(size, shards.num_rows)
    rows = np.sort(np.random.default_rng(seed).choice(shards.num_rows, size, replace=False))
    parts = []
    for first, vectors in shards.blocks(_BLOCK):
        inside = rows[np.searchsorted(rows, first) : np.searchsorted(rows, first + len(vectors))] - first
        parts.append(vectors[torch.from_numpy(inside)].numpy())
    return np.concatenate(parts)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise InputError("an index needs FAISS: `pip install 'hf_hybrid[faiss]'`, or search exactly") from error
    return faiss
