"""`ParallelPairs`: renditions of parallel examples as one Arrow table and two presence matrices.

An example is a question with its passage, known by an `id` that all its translations share; a rendition is the example
in one language: a row `(id, lang, query, passage)`. Eleven languages give 121 ordered language pairs, and none of them
is ever written out: a pair `(a, b)` of an example is its row in `a` for the query and its row in `b` for the passage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hf_hybrid.data.loading import embedded_dataset_path, load_renditions
from hf_hybrid.errors import InputError
from hf_hybrid.language_tags import canonical_tag, canonical_tags

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["ParallelPairs", "embedded_dataset_path"]

TEXT_COLUMNS = ("query", "passage")
OPTIONAL_COLUMNS = ("passage_id", "source", "negatives")


class ParallelPairs:
    """Renditions `(id, lang, query, passage)` of parallel examples, indexed by example and language.

    Args:
        dataset: One row per rendition. Required columns: `id`, `lang`, `query`, `passage` (strings; query or passage
            may be null where that side does not exist in the language). Optional: `passage_id` (rows that share it are
            never each other's negatives; default the example's id), `source`, `negatives` (list of strings, hard
            negatives in the passage's language).
        name: How errors call the data: a path or a Hub name.

    Raises:
        InputError: A missing column, an unknown language tag, a duplicate `(id, lang)`, an empty text, a row with
            neither query nor passage; each names the row.

    Attributes:
        dataset: The rows as given (memory-mapped Arrow).
        languages: BCP-47 tags in their canonical form, sorted; rows may spell them otherwise.
        query_row: int32 `[num_examples, num_languages]`, the row whose query is example i in language l, or -1.
        passage_row: The same for passages.
        example_of_row, language_of_row, passage_of_row: Integer codes per row.

    Example:
        >>> from datasets import Dataset
        >>> rows = [("q1", "en", "Capital of Peru?", "Lima is."), ("q1", "de", "Hauptstadt von Peru?", "Lima.")]
        >>> pairs = ParallelPairs(Dataset.from_list([dict(zip(("id", "lang", "query", "passage"), r)) for r in rows]))
        >>> pairs.languages, pairs.num_examples
        (('de', 'en'), 1)
    """

    def __init__(self, dataset: Dataset, name: str = "the data"):
        self.dataset = dataset
        self.name = name
        self._check_columns()
        self.example_of_row, self._example_dictionary = self._codes("id")
        language_codes, tags = self._codes("lang")
        self.languages, self.language_of_row = _sorted_languages(language_codes, tags, name)
        has_query, has_passage = (self._has_text(column) for column in TEXT_COLUMNS)
        if len(neither := np.flatnonzero(~(has_query | has_passage))):
            raise InputError(
                f"{self._where(neither[0])}: neither query nor passage; remove the row or fill one of them"
            )
        self.query_row = self._presence(has_query)
        self.passage_row = self._presence(has_passage)
        self.passage_of_row = self._passage_codes()
        self.sources, self.source_of_example = self._sources()

    # -- construction -------------------------------------------------------------------------------------------------

    @classmethod
    def from_dataset(cls, dataset: Dataset, name: str = "the data") -> ParallelPairs:
        """Index a `datasets.Dataset`; see the class for its columns."""
        return cls(dataset, name)

    @classmethod
    def load(
        cls,
        path_or_hub_id: str,
        split: str = "train",
        config: str | None = None,
        revision: str | None = None,
        languages: Sequence[str] | None = None,
    ) -> ParallelPairs:
        """Load renditions from a local Parquet/JSONL file or folder, or from a Hub data set.

        Args:
            path_or_hub_id: A file, a folder (with a dataset card, or with `<split>.parquet`, `<split>.jsonl`,
                `<split>-*.parquet`), or a Hub name `owner/name`.
            split: The split to read.
            config: The data set's configuration, where it has several.
            revision: The Hub revision to pin.
            languages: Keep only these languages.

        Raises:
            InputError: The data cannot be found or read (the message names the file), or is not valid.
        """
        dataset = load_renditions(path_or_hub_id, split=split, config=config, revision=revision)
        name = f"{path_or_hub_id} [{split}]"
        pairs = cls(dataset, name)
        return pairs if languages is None else pairs.select_languages(languages)

    def select_languages(self, languages: Sequence[str]) -> ParallelPairs:
        """Keep the renditions in `languages` only.

        Raises:
            InputError: A language that the data does not have.
        """
        chosen = set()
        for tag in languages:
            try:
                chosen.add(canonical_tag(tag))
            except InputError:
                chosen.add(tag)  # no tag at all, and so not in the data
            if chosen - set(self.languages):
                raise InputError(f"{self.name}: no rendition in language '{tag}'; it has {', '.join(self.languages)}")
        wanted = np.array([tag in chosen for tag in self.languages])
        if wanted.all():
            return self
        return ParallelPairs(self.dataset.select(np.flatnonzero(wanted[self.language_of_row])), self.name)

    # -- what a reader asks -------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.dataset)

    def __repr__(self) -> str:
        counts = f"{self.num_examples:,} examples, {len(self):,} renditions, {len(self.languages)} languages"
        return f"ParallelPairs({self.name}: {counts})"

    @property
    def num_examples(self) -> int:
        return len(self._example_dictionary)

    @cached_property
    def example_ids(self) -> list[str]:
        """The id of every example code."""
        return self._example_dictionary.to_pylist()

    @property
    def has_negatives(self) -> bool:
        return "negatives" in self.dataset.column_names

    def cell_size(self, query_language: str, passage_language: str) -> int:
        """Number of examples with a query in one language and a passage in the other."""
        a, b = self.languages.index(query_language), self.languages.index(passage_language)
        return int(((self.query_row[:, a] >= 0) & (self.passage_row[:, b] >= 0)).sum())

    @cached_property
    def sha256(self) -> str:
        """Hash of the renditions' content in row order, whatever the file format or chunking they came in."""
        total = hashlib.sha256()
        columns = [c for c in ("id", "lang", *TEXT_COLUMNS, *OPTIONAL_COLUMNS) if c in self.dataset.column_names]
        for column in columns:
            lengths, content = hashlib.sha256(), hashlib.sha256()
            for chunk in self._chunks(column):
                _hash_strings(chunk, lengths, content)
            total.update(f"{column}:{lengths.hexdigest()}:{content.hexdigest()};".encode())
        return total.hexdigest()

    # -- internals ----------------------------------------------------------------------------------------------------

    def _chunks(self, column: str) -> list[pa.Array]:
        """The column's Arrow chunks in row order; rows chosen by `select` are gathered first."""
        data = self.dataset.data.column(column)
        if self.dataset._indices is not None:
            # `datasets` would hand out one chunk for every row. Long offsets, as the rows are laid end to end.
            whole = data.cast(pa.large_string()) if pa.types.is_string(data.type) else data
            data = whole.take(self.dataset._indices.column(0))
        return data.chunks if isinstance(data, pa.ChunkedArray) else [data]

    def _where(self, row: int) -> str:
        record: dict[str, Any] = self.dataset[int(row)]
        return f"{self.name}, row {int(row)} (id {record.get('id')!r}, lang {record.get('lang')!r})"

    def _check_columns(self) -> None:
        missing = [c for c in ("id", "lang", *TEXT_COLUMNS) if c not in self.dataset.column_names]
        if missing:
            raise InputError(
                f"{self.name}: no column '{missing[0]}'; renditions need id, lang, query, passage, found "
                f"{', '.join(self.dataset.column_names)}"
            )
        if len(self.dataset) == 0:
            raise InputError(f"{self.name}: no rows; give a file with at least one rendition")
        for column in ("id", "lang", *TEXT_COLUMNS):
            kind = self.dataset.data.column(column).type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise InputError(f"{self.name}: column '{column}' has type {kind}, not string; cast it first")
        if self.has_negatives:
            kind = self.dataset.data.column("negatives").type
            items = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
            if not pa.types.is_null(items) and (items == kind or not pa.types.is_string(items)):
                raise InputError(f"{self.name}: column 'negatives' has type {kind}, not list<string>; cast it first")

    def _codes(self, column: str) -> tuple[np.ndarray, pa.Array]:
        """Integer code per row and the dictionary of distinct strings, by first appearance."""
        codes, dictionary = _encode(self._chunks(column))
        if len(null := np.flatnonzero(codes < 0)):
            raise InputError(f"{self._where(null[0])}: '{column}' is null; every rendition needs one")
        return codes, dictionary

    def _has_text(self, column: str) -> np.ndarray:
        """Whether each row has a text; a text of white space only is an error."""
        present, start = [], 0
        for chunk in self._chunks(column):
            blank = pc.fill_null(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(chunk)), 0), False)
            if pc.any(blank).as_py():
                row = start + int(np.flatnonzero(blank.to_numpy(zero_copy_only=False))[0])
                raise InputError(f"{self._where(row)}: empty {column}; use null where the {column} does not exist")
            present.append(chunk.is_valid().to_numpy(zero_copy_only=False))
            start += len(chunk)
        return np.concatenate(present)

    def _presence(self, has_text: np.ndarray) -> np.ndarray:
        matrix = np.full((self.num_examples, len(self.languages)), -1, dtype=np.int32)
        rows = np.flatnonzero(has_text).astype(np.int32)
        matrix[self.example_of_row[rows], self.language_of_row[rows]] = rows
        if np.count_nonzero(matrix >= 0) != len(rows):
            self._raise_duplicate()
        return matrix

    def _raise_duplicate(self) -> None:
        keys = self.example_of_row.astype(np.int64) * len(self.languages) + self.language_of_row
        order = np.argsort(keys, kind="stable")
        second = order[1:][keys[order][1:] == keys[order][:-1]].min()
        first = int(np.flatnonzero(keys == keys[second])[0])
        raise InputError(f"{self._where(second)}: duplicate (id, lang), first in row {first}; keep one of them")

    def _passage_codes(self) -> np.ndarray:
        """Code of each row's passage id; rows without one use their example's id."""
        if "passage_id" not in self.dataset.column_names:
            return self.example_of_row
        codes, dictionary = _encode(self._chunks("passage_id"))
        # Codes of their own for the examples, after those of the given ids, so that the two never meet.
        own = codes < 0
        return np.where(own, self.example_of_row + len(dictionary), codes).astype(np.int32, copy=False)

    def _sources(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The sources' names and each example's source; translations of an example come from one source."""
        if "source" not in self.dataset.column_names:
            return ("",), np.zeros(self.num_examples, dtype=np.int32)
        chunks = self._chunks("source")
        if any(chunk.null_count for chunk in chunks):
            # Rows without a source, such as those of files without the column, come from one without a name.
            chunks = [chunk.cast(pa.large_string()).fill_null("") for chunk in chunks]
        codes, names = _encode(chunks)
        source_of_example = np.zeros(self.num_examples, dtype=np.int32)
        source_of_example[self.example_of_row] = codes
        if len(wrong := np.flatnonzero(source_of_example[self.example_of_row] != codes)):
            raise InputError(
                f"{self._where(wrong[0])}: its id also comes from another source; make ids unique to a source"
            )
        return tuple(names.to_pylist()), source_of_example


def _sorted_languages(codes: np.ndarray, tags: pa.Array, name: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Canonical tags in sorted order and each row's number among them, so that codes do not depend on the row
    order.
    """
    spelt = tags.to_pylist()
    for code, tag in enumerate(spelt):
        try:
            canonical_tag(tag)
        except InputError as error:
            row = int(np.flatnonzero(codes == code)[0])
            raise InputError(f"{name}, row {row}: {error}") from None
    canonical = canonical_tags(spelt, name)
    languages = sorted(set(canonical.values()))
    number = {tag: place for place, tag in enumerate(languages)}
    position = np.array([number[canonical[tag]] for tag in spelt], dtype=np.int16)
    return tuple(languages), position[codes]


def _encode(chunks: list[pa.Array]) -> tuple[np.ndarray, pa.Array]:
    """int32 code of every string (-1 for null) and the distinct strings, by first appearance.

    The column is laid end to end first: encoding chunk by chunk makes a dictionary for each of thousands of chunks.
    """
    whole = pa.chunked_array([chunk.cast(pa.large_string()) for chunk in chunks]).combine_chunks()
    encoded = pc.dictionary_encode(whole if isinstance(whole, pa.Array) else whole.chunk(0))
    return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), encoded.dictionary


def _hash_strings(chunk: pa.Array, lengths: Any, content: Any) -> None:
    """Feed a chunk of strings (or lists of strings) to two hashes, so that chunk boundaries do not matter."""
    if pa.types.is_list(chunk.type) or pa.types.is_large_list(chunk.type):
        counts = pc.fill_null(pc.list_value_length(chunk), -1)
        lengths.update(counts.cast(pa.int64()).to_numpy(zero_copy_only=False).tobytes())
        chunk = chunk.flatten()
    if pa.types.is_null(chunk.type):
        chunk = chunk.cast(pa.string())
    counts = pc.fill_null(pc.binary_length(chunk), -1).cast(pa.int64())
    lengths.update(counts.to_numpy(zero_copy_only=False).tobytes())
    data = chunk.cast(pa.large_string())
    offsets = np.frombuffer(data.buffers()[1], dtype=np.int64)[data.offset : data.offset + len(data) + 1]
    if data.buffers()[2] is not None and len(offsets):
        content.update(memoryview(data.buffers()[2])[offsets[0] : offsets[-1]])
