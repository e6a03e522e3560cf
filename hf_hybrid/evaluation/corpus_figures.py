"""Figures of benchmarks that are searched within each language only, see `hf_hybrid.evaluation.corpus`."""

from __future__ import annotations

from hf_hybrid.evaluation.figure_kinds import Figure, PerQuery
from hf_hybrid.evaluation.figure_tables import CARD, CARD_LANGUAGES, COMPARISON, CORPORA, HUB

# In their order: the first is the one of which a loss below a margin is tested, and that is told by language.
CORPUS_FIGURES: tuple[Figure, ...] = (
    Figure(
        "mo_ndcg_at_10",
        "nDCG@10",
        higher_is_better=True,
        tables={**dict.fromkeys((CORPORA, COMPARISON, CARD, CARD_LANGUAGES)), HUB: "nDCG@10 within a language"},
        measure="ndcg_at_10",
        per_query=PerQuery("ndcg_at_10"),
        hub_type="ndcg_at_10",
    ),
    Figure(
        "mo_recall_at_100",
        "Recall@100",
        higher_is_better=True,
        tables={**dict.fromkeys((CORPORA, COMPARISON, CARD, CARD_LANGUAGES)), HUB: "Recall@100 within a language"},
        measure="recall_at_100",
        per_query=PerQuery("recall_at_100"),
        hub_type="recall_at_100",
    ),
    Figure(
        "mo_judged_at_10",
        "judged@10",
        tables={CORPORA: "Judged@10", COMPARISON: None, CARD: None, CARD_LANGUAGES: None},
        measure="judged_at_10",
        per_query=PerQuery("judged_at_10"),
    ),
)
