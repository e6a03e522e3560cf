"""Texts to vectors at the speed of the model: no batch holds more padding than it must.

Against `SentenceTransformer.encode`, with the same vectors: texts are sorted by tokens instead of characters, over a
whole window instead of a batch; a batch is as many texts as fit a budget of tokens, so that short texts come in large
batches and long ones in small; the next window is read and tokenised while this one is encoded; vectors go straight to
their place.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from torch.nn.functional import normalize
from tqdm.auto import tqdm

from hf_hybrid.encoders.prompts import check_kind, resolve_prompt
from hf_hybrid.engines.first_rank import is_first_rank
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode_tokens import Block, block_maker

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Tokens, padding included, of a batch. On a CPU a transformer's activations then stay in the cache. A GPU wants to be
# filled, and a static encoder, which only looks up and adds, to be called rarely.
CPU_BATCH_TOKENS = 2048
BATCH_TOKENS = 65536
# Texts that are sorted together.
WINDOW = 65536
_LARGEST_BATCH = 8192

Item = TypeVar("Item")


def encode_texts(
    model: SentenceTransformer,
    texts: Sequence[str],
    *,
    kind: str = "passage",
    prompt: str | None = None,
    batch_tokens: int | None = None,
    max_batch_size: int | None = None,
    show_progress: bool = False,
    normalise: bool = True,
) -> torch.Tensor:
    """Encode texts that are in memory.

    Args:
        model: the encoder.
        texts: the texts.
        kind: ``query`` or ``passage``: which of the prompts saved with the model applies.
        prompt: instead of that prompt; an empty string means none.
        batch_tokens: tokens of a batch, padding included; by default 2,048 for a transformer on a CPU, 65,536
            otherwise. One text longer than this is a batch.
        max_batch_size: texts of a batch at most; by default 8,192.
        show_progress: show a progress bar (first process only).
        normalise: give vectors unit length, as the cosine wants them; other similarities take them as they are.

    Returns:
        float32 vectors ``[len(texts), d]`` on the model's device, in the order of the texts.

    Raises:
        InputError: an unknown kind or a batch size below one.

    Example:
        >>> encode_texts(model, ["a passage", "another"]).shape  # doctest: +SKIP
        torch.Size([2, 384])
    """
    make_block = block_maker(model, resolve_prompt(model, kind, prompt), task_of(kind))
    windows = (texts[start : start + WINDOW] for start in range(0, len(texts), WINDOW))
    vectors = torch.empty(len(texts), model.get_embedding_dimension(), dtype=torch.float32, device=model.device)
    start = 0
    with tqdm(total=len(texts), desc="Encoding", unit="text", disable=not (show_progress and is_first_rank())) as bar:
        for block in ahead(make_block(window) for window in windows):
            stop = start + len(block.lengths)
            encode_block(
                model,
                block,
                vectors[start:stop],
                task=task_of(kind),
                batch_tokens=batch_tokens,
                max_batch_size=max_batch_size,
                progress=bar.update,
                normalise=normalise,
            )
            start = stop
    return vectors


def encode_block(
    model: SentenceTransformer,
    block: Block,
    out: torch.Tensor,
    *,
    task: str | None = None,
    batch_tokens: int | None = None,
    max_batch_size: int | None = None,
    progress: Callable[[int], object] = lambda count: None,
    normalise: bool = True,
) -> None:
    """Encode tokenised texts into ``out``, float32 ``[n, d]`` on the model's device.

    With ``normalise`` they are unit vectors (zero vectors stay zero).

    The batches, and so the vectors to the last bit, depend on nothing but the block and the batch sizes.
    """
    device = model.device
    if batch_tokens is None:
        batch_tokens = _default_batch_tokens(model)
    for name, value in (("batch_tokens", batch_tokens), ("max_batch_size", max_batch_size)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for rows in batches_of(block.lengths, batch_tokens, max_batch_size or _LARGEST_BATCH):
                features = {
                    name: value.to(device, non_blocking=True) if isinstance(value, torch.Tensor) else value
                    for name, value in block.features(rows).items()
                }
                vectors = model(features, task=task)["sentence_embedding"][:, : out.shape[1]]
                vectors = normalize(vectors.float(), dim=1) if normalise else vectors.float()
                out[torch.from_numpy(rows).to(device)] = vectors
                progress(len(rows))
    finally:
        model.train(was_training)


def batch_tokens_of(model: SentenceTransformer, batch_size: int) -> int:
    """The budget that lets a batch hold ``batch_size`` texts of 512 tokens, but never more than is best for the
    device.
    """
    return min(batch_size * 512, _default_batch_tokens(model))


def batches_of(lengths: np.ndarray, batch_tokens: int, max_batch_size: int) -> Iterator[np.ndarray]:
    """Cut texts into batches, longest first, each of at most ``batch_tokens`` padded tokens or of a single text.

    Longest first, so that running out of memory happens at once and not after hours.

    Example:
        >>> [batch.tolist() for batch in batches_of(np.array([3, 9, 4, 2]), batch_tokens=8, max_batch_size=9)]
        [[1], [2, 0], [3]]
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = int(np.clip(batch_tokens // max(int(lengths[order[start]]), 1), 1, max_batch_size))
        yield order[start : start + size]
        start += size


def ahead(items: Iterable[Item], depth: int = 1) -> Iterator[Item]:
    """Produce items in a thread, at most ``depth`` of them before they are asked for; exceptions arrive where they are
    asked for.

    Example:
        >>> list(ahead(number * number for number in range(4)))
        [0, 1, 4, 9]
    """
    waiting: queue.Queue[tuple[str, object]] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(message: tuple[str, object]) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(message, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put(("item", item)):
                    return
            put(("end", None))
        except BaseException as error:
            put(("error", error))

    thread = threading.Thread(target=produce, name="read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            what, content = waiting.get()
            if what == "end":
                return
            if what == "error":
                raise content  # type: ignore[misc]
            yield content  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


def task_of(kind: str) -> str:
    """What sentence-transformers calls it."""
    check_kind(kind)
    return "query" if kind == "query" else "document"


def _default_batch_tokens(model: SentenceTransformer) -> int:
    on_cpu = model.device.type == "cpu" and not isinstance(model[0], StaticEmbedding)
    return CPU_BATCH_TOKENS if on_cpu else BATCH_TOKENS
