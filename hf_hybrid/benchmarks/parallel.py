"""A benchmark from parallel pairs: every question in every language against every passage in every language."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from hf_hybrid.errors import InputError

if TYPE_CHECKING:
    from hf_hybrid.data.pairs import ParallelPairs


def fields_of_pairs(pairs: ParallelPairs, name: str, max_examples: int | None = None, seed: int = 0) -> dict[str, Any]:
    """The fields of a benchmark of parallel data, for `Benchmark.from_pairs`.

    Queries are all renditions that have a question; candidates all distinct passages: by passage id, language and
    text. Relevant to a query are the passages of its passage id in every language. A question whose passage exists in
    no language is left out. Questions about one passage form a cluster.

    Args:
        pairs: the renditions.
        name: name of the benchmark, for error messages.
        max_examples: keep at most this many examples, with all their renditions. Which ones depends on the example ids
            and the seed only, not on the order of the rows, and a larger number keeps those of a smaller one.
        seed: chooses among the examples.

    Raises:
        InputError: nothing is left to evaluate.

    Example:
        >>> from hf_hybrid.data.pairs import ParallelPairs, embedded_dataset_path
        >>> pairs = ParallelPairs.load(embedded_dataset_path(), split="test")
        >>> len(fields_of_pairs(pairs, "dev", max_examples=10)["queries"]) >= 10
        True
    """
    rows = _rows_of_examples(pairs, max_examples, seed)
    table = pairs.dataset.select_columns(
        [c for c in ("id", "lang", "query", "passage", "passage_id") if c in pairs.dataset.column_names]
    )
    columns = table[rows.tolist()] if len(rows) < len(table) else table[:]
    examples, languages = pairs.example_of_row[rows], pairs.language_of_row[rows]
    passage_ids = columns.get("passage_id") or columns["id"]
    passages = pairs.passage_of_row[rows]

    candidates = _Candidates(pairs.languages)
    for position, text in enumerate(columns["passage"]):
        if text is not None:
            candidates.add(
                int(passages[position]),
                int(languages[position]),
                passage_ids[position] or columns["id"][position],
                text,
            )
    asked = [
        p for p, text in enumerate(columns["query"]) if text is not None and int(passages[p]) in candidates.by_passage
    ]
    if not asked:
        raise InputError(
            f"no question with a passage to find among {len(rows)} rows for benchmark {name!r}: check columns query "
            "and passage"
        )
    relevant = [sorted(candidates.by_passage[int(passages[p])], key=candidates.languages.__getitem__) for p in asked]
    return {
        "languages": tuple(pairs.languages),
        "query_ids": [f"{pairs.languages[languages[p]]}:{columns['id'][p]}" for p in asked],
        "queries": [columns["query"][p] for p in asked],
        "query_languages": languages[asked],
        "query_examples": examples[asked],
        "candidate_ids": candidates.ids,
        "candidates": candidates.texts,
        "candidate_languages": np.array(candidates.languages),
        "relevance_offsets": np.concatenate([[0], np.cumsum([len(found) for found in relevant])]),
        "relevance_candidates": np.concatenate(relevant),
        "clusters": passages[asked],
        "settings": {} if max_examples is None else {"max_examples": max_examples, "seed": seed},
    }


class _Candidates:
    """Distinct passages in the order of their first appearance."""

    def __init__(self, language_tags: tuple[str, ...]) -> None:
        self.language_tags = language_tags
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.languages: list[int] = []
        self.by_passage: dict[int, list[int]] = {}
        self._texts_of: dict[tuple[int, int], set[str]] = {}

    def add(self, passage: int, language: int, passage_id: str, text: str) -> None:
        known = self._texts_of.setdefault((passage, language), set())
        if text in known:
            return
        known.add(text)
        self.by_passage.setdefault(passage, []).append(len(self.ids))
        number = "" if len(known) == 1 else f"#{len(known)}"
        self.ids.append(f"{self.language_tags[language]}:{passage_id}{number}")
        self.texts.append(text)
        self.languages.append(language)


def _rows_of_examples(pairs: ParallelPairs, max_examples: int | None, seed: int) -> np.ndarray:
    """Rows of the chosen examples, in the data's order."""
    if max_examples is None or max_examples >= pairs.num_examples:
        return np.arange(len(pairs.dataset))
    if max_examples < 1:
        raise InputError(f"max_examples must be at least 1, got {max_examples}")
    order = sorted(
        range(pairs.num_examples),
        key=lambda code: hashlib.sha256(f"{seed}\n{pairs.example_ids[code]}".encode()).digest(),
    )
    return np.flatnonzero(np.isin(pairs.example_of_row, order[:max_examples]))
