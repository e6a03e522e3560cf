"""Figures of a reader behind a retriever, see `hf_hybrid.evaluation.reading`.

They are of the gold passage, of the passages found in the pool of the question's language (Mo), and of those found in
one pool of all languages (Mul).
"""

from __future__ import annotations

from hf_hybrid.evaluation.figure_kinds import Figure, PerQuery
from hf_hybrid.evaluation.figure_tables import COMPARISON, READINGS

GOLD = "gold"
# Where the passages come from -> what tables call it.
SOURCES = {GOLD: "gold passage", "mo": "Mo", "mul": "Mul"}
EXACT, F1 = "em", "f1"
MEASURES = {EXACT: "exact match", F1: "F1"}
ANSWER_RECALL, PASSAGE_RECALL = "answer_recall", "passage_recall"


def _figure(source: str, name: str, title: str, better: bool) -> Figure:
    key = f"{source}_{name}"
    return Figure(
        key,
        f"{SOURCES[source]}, {title}",
        higher_is_better=better,
        tables=dict.fromkeys((READINGS, COMPARISON)),
        measure=name,
        per_query=PerQuery(key),
    )


READING_FIGURES: tuple[Figure, ...] = (
    *(_figure(GOLD, name, title, True) for name, title in MEASURES.items()),
    *(
        _figure(source, name, title, better)
        for source in ("mo", "mul")
        for name, title, better in (
            (PASSAGE_RECALL, "gold passage in the top k", True),
            (ANSWER_RECALL, "an answer in the top k", True),
            *((name, title, True) for name, title in MEASURES.items()),
            *((f"{name}_loss", f"{title} lost by retrieval", False) for name, title in MEASURES.items()),
        )
    ),
)
