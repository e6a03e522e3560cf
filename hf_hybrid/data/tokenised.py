"""Renditions tokenised once: `TokenisedPairs` hands out the token ids of any batch of the plan.

Each rendition's query and passage is tokenised a single time by `datasets.map`, whose fingerprint cache makes the next
run with the same data, tokenizer and limits start at once. Batches then are gathers from memory-mapped arrays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, List, Value

from hf_hybrid.data.parallel_queries import parallel_query_rows
from hf_hybrid.encoders.packed import spans
from hf_hybrid.encoders.text_inputs import TextInput, text_inputs
from hf_hybrid.errors import InputError
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import BatchSlice, GlobalBatch

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.data.teacher_targets import BatchTargets, TeacherTargets

# Below this many bytes a token column is copied into one piece, which makes gathers a single indexing operation.
CONTIGUOUS_BYTES = 512 << 20
WRITER_BATCH = 50_000


@dataclass(frozen=True)
class Ragged:
    """Token ids of several texts, end to end: `values[total]` and `lengths[num_texts]`."""

    values: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class TokenisedBatch:
    """A rank's rows of a global batch with their token ids; `address` says which batch it is."""

    address: BatchSlice
    rows: GlobalBatch
    query: Ragged
    passage: Ragged
    negative: Ragged | None
    teacher: BatchTargets | None = None
    parallel: Ragged | None = None


class TokenColumn:
    """Random access to a list-of-int32 Arrow column, by whole batches."""

    def __init__(self, column: pa.ChunkedArray, contiguous_bytes: int = CONTIGUOUS_BYTES):
        chunks = column.chunks
        if column.nbytes <= contiguous_bytes and len(chunks) > 1:
            combined = column.combine_chunks()
            chunks = combined.chunks if isinstance(combined, pa.ChunkedArray) else [combined]
        self._values = [chunk.values.to_numpy() for chunk in chunks]
        self._offsets = [chunk.offsets.to_numpy() for chunk in chunks]
        self._ends = np.cumsum([len(chunk) for chunk in chunks])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def lengths(self) -> np.ndarray:
        """Number of tokens of every row."""
        return np.concatenate([np.diff(offsets) for offsets in self._offsets])

    def take(self, rows: np.ndarray) -> Ragged:
        """Token ids of `rows`, in their order."""
        if len(self._values) == 1:
            return self._take_from(0, rows)
        chunk = np.searchsorted(self._ends, rows, side="right")
        local = rows - np.concatenate([[0], self._ends[:-1]])[chunk]
        order = np.argsort(chunk, kind="stable")
        lengths = np.empty(len(rows), dtype=np.int64)
        if not len(rows):
            return Ragged(np.empty(0, dtype=np.int32), lengths)
        parts = [self._take_from(int(c), local[order][chunk[order] == c]) for c in np.unique(chunk)]
        lengths[order] = np.concatenate([part.lengths for part in parts])
        gathered = np.concatenate([part.values for part in parts])
        starts = np.empty(len(rows), dtype=np.int64)
        starts[order] = np.cumsum(lengths[order]) - lengths[order]
        return Ragged(gathered[spans(starts, lengths)], lengths)

    def _take_from(self, chunk: int, rows: np.ndarray) -> Ragged:
        offsets = self._offsets[chunk]
        starts = offsets[rows].astype(np.int64)
        lengths = offsets[rows + 1].astype(np.int64) - starts
        return Ragged(self._values[chunk][spans(starts, lengths)], lengths)


class TokenisedPairs:
    """A plan's renditions, tokenised: a map-style data set whose items are addresses of batches.

    Args:
        plan: The plan; its pairs are tokenised.
        model: The encoder: its tokenizer, prompts and maximum length decide the token ids.
        max_length: Cut texts to this many tokens; default: the encoder's own maximum.
        num_negatives: Hard negatives per row, or 0 for none.
        teacher: A teacher's vectors of the plan's examples, or None.
        parallel_queries: Bring for every row the same question in another language (module `parallel_queries`).

    Raises:
        InputError: A row has fewer hard negatives than `num_negatives`.

    `__getitems__` takes a `BatchSlice` where other data sets take a list of indices; it is called in the loader's
    worker.
    """

    def __init__(
        self,
        plan: HybridBatchPlan,
        model: SentenceTransformer,
        max_length: int | None = None,
        num_negatives: int = 0,
        teacher: TeacherTargets | None = None,
        parallel_queries: bool = False,
    ):
        self.plan = plan
        self.parallel_queries = parallel_queries
        self.num_negatives = num_negatives
        self.teacher = teacher
        if num_negatives:
            check_negatives(plan.pairs.dataset, num_negatives, plan.pairs.name)
        tables = [tokenise(plan.pairs.dataset, model, max_length)]
        if num_negatives:
            tables.append(tokenise_negatives(plan.pairs.dataset, model, num_negatives, max_length))
        self._columns = {name: TokenColumn(t.data.column(name)) for t in tables for name in t.column_names}

    def __len__(self) -> int:
        """Number of renditions."""
        return len(self.plan.pairs)

    def __getitems__(self, address: BatchSlice) -> TokenisedBatch:
        whole = self.plan.batch(address.step, address.epoch)
        rows = whole.slice(address.start, address.stop)
        negative = None
        if self.num_negatives:
            flat = rows.passage_rows[:, None].astype(np.int64) * self.num_negatives + np.arange(self.num_negatives)
            negative = self._columns["negative"].take(flat.ravel())
        query = self._columns["query"].take(rows.query_rows)
        passage = self._columns["passage"].take(rows.passage_rows)
        teacher = None if self.teacher is None else self.teacher.take(rows, whole)
        parallel = None
        if self.parallel_queries:
            every = parallel_query_rows(self.plan.pairs, whole, address, self.plan.settings.seed)
            parallel = self._columns["query"].take(every[address.start : address.stop])
        return TokenisedBatch(address, rows, query, passage, negative, teacher, parallel)

    def lengths(self, side: str) -> np.ndarray:
        """Number of tokens of every rendition's `query` or `passage` (0 where it has none)."""
        return self._columns[side].lengths()


def check_negatives(dataset: Dataset, num_negatives: int, name: str) -> None:
    """Refuse rows with fewer hard negatives than asked for.

    Raises:
        InputError: Names the first such row.
    """
    if "negatives" not in dataset.column_names:
        raise InputError(f"{name}: num_negatives is {num_negatives}, but there is no column 'negatives'")
    column = dataset.select_columns("negatives").with_format("arrow")[:]["negatives"].cast(pa.list_(pa.string()))
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    if len(short := np.flatnonzero(counts < num_negatives)):
        raise InputError(
            f"{name}, row {short[0]}: {counts[short[0]]} negatives, fewer than num_negatives={num_negatives}; "
            "give every row as many, lower num_negatives, or train with negatives=in_batch"
        )
    for place in range(num_negatives):
        texts = pc.list_element(column, place)
        blank = pc.fill_null(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(texts)), 0), True).to_numpy()
        if blank.any():
            raise InputError(
                f"{name}, row {int(np.argmax(blank))}: negative {place + 1} is null or empty; "
                "fill it in, or train with negatives=in_batch"
            )


def tokenise(dataset: Dataset, model: SentenceTransformer, max_length: int | None = None) -> Dataset:
    """Token ids of every rendition's query and passage, cached on disk by content.

    Returns:
        Columns `query` and `passage`, one row per rendition; an absent text has no tokens.
    """
    inputs = dict(zip(("query", "passage"), text_inputs(model), strict=True))

    def tokens(batch: dict[str, list]) -> dict[str, list]:
        return {side: token_ids(batch[side], side_input, max_length) for side, side_input in inputs.items()}

    return _map_tokens(dataset, tokens, tuple(inputs), _digest([*inputs.values()], max_length))


def tokenise_negatives(
    dataset: Dataset, model: SentenceTransformer, num_negatives: int, max_length: int | None = None
) -> Dataset:
    """Token ids of the first `num_negatives` hard negatives of every rendition.

    Returns:
        Column `negative`, with `num_negatives` consecutive rows per rendition.
    """
    passage = text_inputs(model)[1]

    def tokens(batch: dict[str, list]) -> dict[str, list]:
        texts = [text for texts in batch["negatives"] for text in texts[:num_negatives]]
        return {"negative": token_ids(texts, passage, max_length)}

    return _map_tokens(dataset, tokens, ("negative",), _digest([passage], max_length, str(num_negatives)))


def _map_tokens(dataset: Dataset, tokens: Callable, columns: tuple[str, ...], digest: str) -> Dataset:
    return dataset.map(
        tokens,
        batched=True,
        batch_size=10_000,
        writer_batch_size=WRITER_BATCH,
        remove_columns=dataset.column_names,
        features=Features({column: List(Value("int32")) for column in columns}),
        new_fingerprint=hashlib.sha256(f"{dataset._fingerprint}|{columns}|{digest}".encode()).hexdigest()[:32],
        desc=f"Tokenising {' and '.join(columns)}",
    )


def token_ids(texts: list[str | None], side: TextInput, max_length: int | None = None) -> list[list[int]]:
    """Token ids of texts, exactly those that `model.encode` would use; an absent text has none.

    Args:
        texts: The texts.
        side: How the encoder reads them.
        max_length: Cut texts to this many tokens, where the encoder would not cut them before.
    """
    limit = _limit(side, max_length)
    present = [i for i, text in enumerate(texts) if text is not None]
    inputs = [side.prompt + texts[i] for i in present]
    if not inputs:
        found = []
    elif side.is_static:
        encodings = side.fast_tokenizer.encode_batch(inputs, add_special_tokens=False)
        found = [encoding.ids[:limit] for encoding in encodings]
    else:
        found = side.module.tokenizer(inputs, truncation=True, max_length=limit)["input_ids"]
    out: list[list[int]] = [[] for _ in texts]
    for i, ids in zip(present, found, strict=True):
        out[i] = ids
    return out


def _digest(inputs: list[TextInput], max_length: int | None, *settings: str) -> str:
    """What the token ids depend on besides the text."""
    prompts = [side.prompt for side in inputs]
    modules = {id(side.module): side for side in inputs}
    return json.dumps(
        [*(part for side in modules.values() for part in _tokenizer_facts(side, max_length)), *prompts, *settings]
    )


def _tokenizer_facts(side: TextInput, max_length: int | None) -> list:
    tokenizer = json.loads(side.fast_tokenizer.to_str())
    if not side.is_static:
        # Set by every call of a transformers tokenizer, and no property of it; a static encoder's truncation is its
        # own.
        tokenizer = {key: value for key, value in tokenizer.items() if key not in ("truncation", "padding")}
    return [tokenizer, side.is_static, _limit(side, max_length)]


def _limit(side: TextInput, max_length: int | None) -> int | None:
    limits = [limit for limit in (side.max_length, max_length) if limit]
    return min(limits) if limits else None
