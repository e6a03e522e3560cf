"""What every evaluation needs: queries, candidates, their languages, which candidates answer which query."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.benchmarks.parallel import fields_of_pairs
from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from hf_hybrid.data.pairs import ParallelPairs


@dataclass(frozen=True)
class Benchmark:
    """A retrieval benchmark over several languages. Checks itself when it is made.

    Attributes:
        name: short name, kept in results files.
        languages: BCP-47 tags, L of them; other fields refer to them by index.
        query_ids: unique names of the Q queries.
        queries: their texts.
        query_languages: int64 ``[Q]``.
        query_examples: int64 ``[Q]``, the question a query is a rendition of: parallel questions share a number.
        candidate_ids: unique names of the N candidates.
        candidates: their texts.
        candidate_languages: int64 ``[N]``.
        relevance_offsets: int64 ``[Q + 1]``; the relevant candidates of query q are
            ``relevance_candidates[relevance_offsets[q]:relevance_offsets[q + 1]]``. Every query has at least one.
        relevance_candidates: int64 ``[nnz]``.
        clusters: int64 ``[Q]``, the unit to resample for intervals (questions about one paragraph are not
            independent).
        settings: options that the data were built with, e.g. ``{"candidate_text": "sentence"}``.
        data_sha256: sha256 of everything above but names and settings; computed where not given.
        empty_candidates: whether a candidate may be the empty text: it then takes part in the ranking as it is.
        answers: of each query the texts that answer it, for a reader; empty where the data keep them back, None where
            a benchmark has none. Ranks do not depend on them, and nor does `data_sha256`.

    Raises:
        InputError: the fields do not fit together; names the field and the first culprit.
    """

    name: str
    languages: tuple[str, ...]
    query_ids: Sequence[str] = field(repr=False)
    queries: Sequence[str] = field(repr=False)
    query_languages: np.ndarray = field(repr=False)
    query_examples: np.ndarray = field(repr=False)
    candidate_ids: Sequence[str] = field(repr=False)
    candidates: Sequence[str] = field(repr=False)
    candidate_languages: np.ndarray = field(repr=False)
    relevance_offsets: np.ndarray = field(repr=False)
    relevance_candidates: np.ndarray = field(repr=False)
    clusters: np.ndarray = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    data_sha256: str = ""
    empty_candidates: bool = False
    answers: Sequence[tuple[str, ...]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        arrays = (
            "query_languages",
            "query_examples",
            "candidate_languages",
            "relevance_offsets",
            "relevance_candidates",
            "clusters",
        )
        for name in arrays:
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        self._check_lengths()
        self._check_texts()
        self._check_relevance()
        if not self.data_sha256:
            object.__setattr__(self, "data_sha256", self._content_sha256())

    @property
    def num_queries(self) -> int:
        """Number of queries, Q."""
        return len(self.queries)

    @property
    def num_candidates(self) -> int:
        """Number of candidates in the multilingual pool, N."""
        return len(self.candidates)

    @classmethod
    def from_pairs(
        cls, pairs: ParallelPairs, name: str = "dev", max_examples: int | None = None, seed: int = 0
    ) -> Benchmark:
        """Make a benchmark of parallel training or development data, see
        `hf_hybrid.benchmarks.parallel.fields_of_pairs`.
        """
        return cls(name=name, **fields_of_pairs(pairs, name, max_examples, seed))

    def describe(self) -> dict[str, Any]:
        """What a results file keeps of the benchmark."""
        return {
            "name": self.name,
            "languages": list(self.languages),
            "queries": self.num_queries,
            "candidates": self.num_candidates,
            "queries_per_language": np.bincount(self.query_languages, minlength=len(self.languages)).tolist(),
            "candidates_per_language": np.bincount(self.candidate_languages, minlength=len(self.languages)).tolist(),
            "data_sha256": self.data_sha256,
            "settings": dict(self.settings),
        }

    def _check_lengths(self) -> None:
        if not self.languages or len(set(self.languages)) != len(self.languages):
            raise InputError(
                f"benchmark {self.name!r}: languages must be distinct and not empty, got {self.languages}"
            )
        if not self.num_queries or not self.num_candidates:
            raise InputError(
                f"benchmark {self.name!r} has {self.num_queries} queries and {self.num_candidates} candidates: "
                "check that the data has both questions and passages"
            )
        sizes = {
            "query_ids": self.num_queries,
            "query_languages": self.num_queries,
            "query_examples": self.num_queries,
        }
        sizes |= {"clusters": self.num_queries, "relevance_offsets": self.num_queries + 1}
        sizes |= {"candidate_ids": self.num_candidates, "candidate_languages": self.num_candidates}
        sizes |= {} if self.answers is None else {"answers": self.num_queries}
        for field_name, size in sizes.items():
            if len(getattr(self, field_name)) != size:
                raise InputError(
                    f"benchmark {self.name!r}: {field_name} has {len(getattr(self, field_name))} entries, not {size}"
                )
        for field_name in ("query_languages", "candidate_languages"):
            codes = getattr(self, field_name)
            if codes.min() < 0 or codes.max() >= len(self.languages):
                raise InputError(f"benchmark {self.name!r}: {field_name} must lie in 0..{len(self.languages) - 1}")

    def _check_texts(self) -> None:
        for kind, ids, texts in (
            ("query", self.query_ids, self.queries),
            ("candidate", self.candidate_ids, self.candidates),
        ):
            seen = set()
            for identifier, text in zip(ids, texts, strict=True):
                if identifier in seen:
                    raise InputError(
                        f"benchmark {self.name!r}: two {kind} entries share the id {identifier!r}; make ids unique"
                    )
                seen.add(identifier)
                may_be_empty = self.empty_candidates and kind == "candidate" and text == ""
                if not isinstance(text, str) or not (text.strip() or may_be_empty):
                    raise InputError(
                        f"benchmark {self.name!r}: {kind} {identifier!r} has no text; fill it in or leave it out"
                    )

    def _check_relevance(self) -> None:
        offsets, relevant = self.relevance_offsets, self.relevance_candidates
        counts = np.diff(offsets)
        if offsets[0] != 0 or offsets[-1] != len(relevant) or (counts < 0).any():
            raise InputError(f"benchmark {self.name!r}: relevance_offsets must rise from 0 to {len(relevant)}")
        if (counts == 0).any():
            culprit = self.query_ids[int(np.argmin(counts))]
            raise InputError(
                f"benchmark {self.name!r}: query {culprit!r} has no relevant candidate; add one or leave the query out"
            )
        if relevant.min() < 0 or relevant.max() >= self.num_candidates:
            raise InputError(f"benchmark {self.name!r}: relevance_candidates must lie in 0..{self.num_candidates - 1}")
        query = np.repeat(np.arange(self.num_queries), counts)
        keys, repeats = np.unique(query * self.num_candidates + relevant, return_counts=True)
        if (repeats > 1).any():
            culprit = self.query_ids[int(keys[np.argmax(repeats)]) // self.num_candidates]
            raise InputError(
                f"benchmark {self.name!r}: query {culprit!r} names a relevant candidate twice; name it once"
            )

    def _content_sha256(self) -> str:
        digest = hashlib.sha256()
        texts = [list(self.languages), *map(list, (self.query_ids, self.queries, self.candidate_ids, self.candidates))]
        for part in texts:
            digest.update(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        for array in (
            self.query_languages,
            self.candidate_languages,
            self.relevance_offsets,
            self.relevance_candidates,
            self.clusters,
        ):
            digest.update(array.astype("<i8").tobytes() + b"\n")
        return digest.hexdigest()
