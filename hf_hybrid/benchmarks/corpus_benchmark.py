"""Benchmarks whose corpora need not fit in memory: each language searches its own corpus, and only some passages were
judged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode_sources import Corpus


@dataclass(frozen=True)
class Collection:
    """Queries, judgements and corpus of one language.

    Attributes:
        language: BCP-47 tag.
        query_ids: unique names of the queries.
        queries: their texts.
        judgements: for each query, passage id -> grade; 0 was judged and is not relevant. Every query has a grade
            above 0.
        corpus: the passages, streamed.
        clusters: of each query the name of what it shares with others that are not independent of it, such as a
            passage; without it every query stands for itself.
    """

    language: str
    query_ids: Sequence[str] = field(repr=False)
    queries: Sequence[str] = field(repr=False)
    judgements: Sequence[Mapping[str, int]] = field(repr=False)
    corpus: Corpus = field(repr=False)
    clusters: Sequence[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.query_ids:
            raise InputError(f"language {self.language}: no query has a relevant passage; check topics and qrels")
        for name, grades in zip(self.query_ids, self.judgements, strict=True):
            if not any(grade > 0 for grade in grades.values()):
                raise InputError(f"language {self.language}: query {name!r} has no relevant passage; leave it out")
        if self.clusters is not None and len(self.clusters) != len(self.query_ids):
            raise InputError(
                f"language {self.language}: clusters has {len(self.clusters)} entries, not {len(self.query_ids)}"
            )


@dataclass(frozen=True)
class CorpusBenchmark:
    """Monolingual retrieval in several languages, from corpora on disk.

    Attributes:
        name: short name, kept in results files.
        collections: one for each language.
        settings: options that the data were built with.
    """

    name: str
    collections: tuple[Collection, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def languages(self) -> tuple[str, ...]:
        """BCP-47 tags."""
        return tuple(collection.language for collection in self.collections)

    @property
    def num_queries(self) -> int:
        """Number of queries in all languages."""
        return sum(len(collection.queries) for collection in self.collections)

    def describe(self, passages: Mapping[str, int]) -> dict[str, Any]:
        """What a results file keeps of the benchmark.

        Args:
            passages: language -> number of passages; known once the corpora have been read.
        """
        return {
            "name": self.name,
            "languages": list(self.languages),
            "queries": self.num_queries,
            "candidates": sum(passages.values()),
            "queries_per_language": [len(collection.queries) for collection in self.collections],
            "candidates_per_language": [passages[tag] for tag in self.languages],
            "data_sha256": self.sha256(),
            "settings": dict(self.settings),
        }

    def sha256(self) -> str:
        """Digest of queries, judgements and corpora; reads the corpora's files."""
        digest = hashlib.sha256()
        for each in self.collections:
            queries = [each.language, list(each.query_ids), list(each.queries), [dict(one) for one in each.judgements]]
            digest.update(json.dumps(queries, ensure_ascii=False).encode() + b"\n")
            digest.update(each.corpus.sha256().encode() + b"\n")
        return digest.hexdigest()
