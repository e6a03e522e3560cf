"""The tables that show figures, each with its decimals and headings."""

from __future__ import annotations

from hf_hybrid.evaluation.figure_kinds import Table

RUN = Table("before and after a run", heading="{title} ({told}), {measure}")
SUMMARY = Table("an evaluation, measures by setting", fractions=2)
LANGUAGES = Table("an evaluation, by query language")
CORPORA = Table("an evaluation on corpora, by language", fractions=2)
READINGS = Table("what a reader answered, by language", fractions=2)
COMPARISON = Table("a comparison", fractions=2, heading="{title}, {measure}")
ARMS = Table("arms and the curve over alpha", fractions=2)
CARD = Table("a card's evaluation")
CARD_LANGUAGES = Table("a card's languages", ranks=0)
CARD_BIAS = Table("a card's language bias")
CARD_ARMS = Table("a card's arms", fractions=2)
CARD_ARMS_BIAS = Table("the language bias of a card's arms", fractions=2)
HUB = Table("`model-index` and `.eval_results`", fractions=4, in_percent=False, heading="{title}: {measure} {among}")
DEMO = Table("the demo's measured results", ranks=0, heading="{plain}")
METRIC_PAGE = Table("the page of the metric", fractions=4, in_percent=False, heading="{title}: {label}")
MAP_TABLES = (RUN, LANGUAGES, COMPARISON, ARMS, CARD, CARD_LANGUAGES, CARD_ARMS, HUB, DEMO, METRIC_PAGE)
