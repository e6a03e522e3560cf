"""A corpus of any size to shards of vectors: streamed, by any number of processes, resumed where it stopped.

Process r of W encodes the shards r, r + W, r + 2W ... that are not on disk yet. Every process streams the whole corpus
but parses only its own rows. Nobody waits for anybody: the process that finds the last shard written completes the
manifest.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tqdm.auto import tqdm

from hf_hybrid.encoders.prompts import resolve_prompt
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.compute_dtype import compute_dtype_of
from hf_hybrid.retrieval.encode_sources import Corpus, CorpusBlock, check_distinct
from hf_hybrid.retrieval.encode_texts import ahead, batch_tokens_of, block_maker, encode_block, task_of
from hf_hybrid.retrieval.language_offsets import LanguageOffset
from hf_hybrid.retrieval.provenance import model_sha256, modules_of
from hf_hybrid.retrieval.shards import Shards, ShardSettings, ShardWriter
from hf_hybrid.retrieval.similarity import similarity_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.retrieval.encode_tokens import Block

logger = logging.getLogger(__name__)

ROWS_PER_SHARD = 65536


def encode_corpus(
    model: SentenceTransformer,
    corpus: Corpus,
    folder: str | Path,
    *,
    model_name: str,
    revision: str | None = None,
    kind: str = "passage",
    prompt: str | None = None,
    dtype: str = "float32",
    rows_per_shard: int = ROWS_PER_SHARD,
    batch_size: int = 128,
    show_progress: bool = False,
    similarity: str | None = None,
    offset: LanguageOffset | None = None,
) -> Shards | None:
    """Encode a corpus into a folder of shards, going on where an earlier run stopped.

    Under `accelerate launch` (or any launcher that sets RANK and WORLD_SIZE) all processes share the work. Memory does
    not grow with the corpus: a process holds two shards of texts and one of vectors.

    Args:
        model: the encoder, on this process's device.
        corpus: the texts.
        folder: where the shards are, or will be.
        model_name: kept in the manifest.
        revision: kept in the manifest.
        kind: ``passage`` or ``query``: which of the model's prompts applies.
        prompt: instead of that prompt; an empty string means none.
        dtype: of the vectors on disk. ``float16`` halves them; cosines then move by about 1e-4.
        rows_per_shard: rows of a shard.
        batch_size: texts of 512 tokens that a batch may hold; of shorter texts it holds more.
        show_progress: show a progress bar (first process only).
        similarity: instead of the model's own: `cosine`, `dot`, `euclidean` or `manhattan`. Kept in the manifest.
        offset: what the corpus's language adds, to be subtracted. Its name is kept in the manifest.

    Returns:
        The shards; None where other processes are still at work (see
        `hf_hybrid.retrieval.shards.wait_until_complete`).

    Raises:
        InputError: the folder holds vectors of another model, corpus, prompt or layout; a damaged corpus, or one with
            an id twice; vectors that are not finite.

    Example:
        >>> from hf_hybrid.retrieval.encode_sources import TextCorpus
        >>> corpus = TextCorpus(["a", "b"], ["one text", "another"])
        >>> encode_corpus(model, corpus, "vectors", model_name="my-model").num_rows  # doctest: +SKIP
        2
    """
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    prompt = resolve_prompt(model, kind, prompt)
    settings = ShardSettings(
        model=model_name,
        revision=revision,
        weights_sha256=model_sha256(model),
        kind=kind,
        prompt=prompt,
        max_seq_length=_max_seq_length(model),
        data_sha256=corpus.sha256(),
        dimension=model.get_embedding_dimension(),
        dtype=dtype,
        rows_per_shard=rows_per_shard,
        similarity=similarity_of(model, similarity),
        modules=modules_of(model),
        compute_dtype=compute_dtype_of(model),
        language_offset=None if offset is None else offset.name,
    )
    writer = ShardWriter(folder, settings)
    if rank == 0 and not writer.is_complete:
        check_distinct(corpus)
    make_block = block_maker(model, prompt, task_of(kind))

    def is_ours(shard: int) -> bool:
        return shard % world_size == rank and not writer.has(shard)

    def prepared() -> Iterator[tuple[CorpusBlock, Block | None]]:
        for block in corpus.blocks(rows_per_shard, is_ours):
            yield block, make_block(block.texts) if block.texts else None

    num_shards = 0
    with tqdm(desc="Encoding", unit="text", disable=not show_progress or rank != 0) as bar:
        for block, tokens in ahead(prepared()):
            num_shards = block.index + 1
            if tokens is None:
                continue
            vectors = torch.empty(len(block.ids), settings.dimension, dtype=torch.float32, device=model.device)
            encode_block(
                model,
                tokens,
                vectors,
                task=task_of(kind),
                batch_tokens=batch_tokens_of(model, batch_size),
                progress=bar.update,
                normalise=settings.similarity == "cosine",
            )
            if offset is not None:
                vectors = offset.subtract(vectors, unit=settings.similarity == "cosine")
            _check_finite(vectors, block.ids)
            writer.write(block.index, block.ids, vectors)
    if not num_shards:
        raise InputError("the corpus has no passages: check its files")
    logger.info("%d shards of up to %d rows in %s", num_shards, rows_per_shard, folder)
    return Shards.open(folder) if writer.finish(num_shards) else None


def _check_finite(vectors: torch.Tensor, ids: Sequence[str]) -> None:
    damaged = torch.nonzero(~torch.isfinite(vectors.sum(dim=1))).flatten().tolist()
    if damaged:
        raise InputError(
            f"the vector of passage {ids[damaged[0]]!r} is not finite: check the encoder's weights and precision (try "
            "float32)"
        )


def _max_seq_length(model: SentenceTransformer) -> int | None:
    length = model.max_seq_length
    return None if length is None or length == float("inf") else int(length)
