"""Every figure, declared once: its key in a results file, title, unit, direction, values per query, and the tables
that show it.

A `Measure` is a pure function of ranks and gives three figures, one for each setting: Mo, Cr, Mul. The other figures
are about language bias. To add a measure, write the function in `hf_hybrid.metrics` and an entry in `MEASURES`:
evaluation, results files, reports, comparisons, arms, cards and Spaces read this list. Keys may hold ``{k}``, the
cutoff.
"""

from __future__ import annotations

import re

from hf_hybrid.evaluation.corpus_figures import CORPUS_FIGURES
from hf_hybrid.evaluation.figure_kinds import (
    MAIN,
    SETTINGS,
    Cells,
    Column,
    Figure,
    Measure,
    PerQuery,
    Setting,
    Table,
    Unit,
)
from hf_hybrid.evaluation.figure_tables import (
    ARMS,
    CARD,
    CARD_ARMS,
    CARD_ARMS_BIAS,
    CARD_BIAS,
    CARD_LANGUAGES,
    COMPARISON,
    CORPORA,
    DEMO,
    HUB,
    LANGUAGES,
    MAP_TABLES,
    METRIC_PAGE,
    READINGS,
    RUN,
    SUMMARY,
)
from hf_hybrid.evaluation.reading_figures import F1, READING_FIGURES
from hf_hybrid.metrics import average_precision, ndcg_at_k, recall_at_k, reciprocal_rank

__all__ = [
    "ARMS",
    "BIAS",
    "CARD",
    "CARD_ARMS",
    "CARD_ARMS_BIAS",
    "CARD_BIAS",
    "CARD_LANGUAGES",
    "COMPARISON",
    "CORPORA",
    "CORPUS_FIGURES",
    "DEMO",
    "HUB",
    "LANGUAGES",
    "MAIN",
    "MAP_TABLES",
    "MEASURES",
    "METRIC_PAGE",
    "READINGS",
    "READING_FIGURES",
    "RUN",
    "SETTINGS",
    "SUMMARY",
    "Cells",
    "Column",
    "Figure",
    "Measure",
    "PerQuery",
    "Setting",
    "Table",
    "Unit",
    "all_figures",
    "column_of",
    "columns",
    "compared_figures",
    "figures_of",
    "find_figure",
    "kept_columns",
    "main_figures",
    "main_keys",
    "measures_at",
    "query_columns",
]

MEASURES: tuple[Measure, ...] = (
    Measure(MAIN, "mAP", lambda groups, k: average_precision(groups), MAP_TABLES, per_query=True),
    Measure("recall_at_1", "Recall@1", lambda groups, k: recall_at_k(groups, 1)),
    Measure("recall_at_{k}", "Recall@{k}", recall_at_k),
    Measure("mrr", "MRR", lambda groups, k: reciprocal_rank(groups)),
    Measure("ndcg_at_{k}", "nDCG@{k}", ndcg_at_k),
)
_DISTANCE = "rank distance of parallel answers, mean"
# By key: `hf_hybrid.evaluation.measured.Evaluation` finds their values.
BIAS: tuple[Figure, ...] = (
    Figure(
        "rank_distance",
        "rank distance",
        Unit.RANKS,
        False,
        {
            **dict.fromkeys((LANGUAGES, COMPARISON, ARMS, CARD_LANGUAGES, CARD_BIAS, CARD_ARMS_BIAS)),
            RUN: _DISTANCE,
            HUB: _DISTANCE,
            DEMO: "Mean spread, places",
            METRIC_PAGE: "Rank distance, mean",
        },
        per_query=PerQuery("rank_distance"),
        reading="places; lower is better",
        hub_type="rank_distance",
    ),
    Figure(
        "rank_distance_median",
        "rank distance, median",
        Unit.RANKS,
        False,
        {
            CARD_BIAS: "median",
            CARD_ARMS_BIAS: "its median",
            DEMO: "Spread of the answers, places",
            METRIC_PAGE: "Rank distance, median",
        },
        reading="places",
    ),
    Figure(
        "rank_distance_normalised",
        "rank distance, % of the pool",
        higher_is_better=False,
        tables={
            CARD_BIAS: "% of the pool",
            CARD_ARMS_BIAS: "% of the pool",
            METRIC_PAGE: "Rank distance / (N - 1)",
        },
        reading="0 to 1",
    ),
    Figure(
        "max_rank",
        "Max@R",
        Unit.RANKS,
        False,
        dict.fromkeys((COMPARISON, METRIC_PAGE)),
        per_query=PerQuery("max_rank"),
        reading="rank of the last relevant candidate",
    ),
    Figure("max_rank_median", "Max@R, median", Unit.RANKS, False),
    Figure(
        "own_language_share_at_{k}",
        "own language in top {k}",
        tables={
            **dict.fromkeys((COMPARISON, CARD_LANGUAGES)),
            RUN: "query's language among the top {k}",
            LANGUAGES: "own share of top {k}",
            CARD_BIAS: "own language in the top, %",
            CARD_ARMS_BIAS: "own language in top {k}, %",
            HUB: "share of the question's language in the top ten",
            DEMO: "Own language in top {k}, %",
        },
        by_language="own_language_share",
        per_query=PerQuery("own_language_share"),
        hub_type="language_share",
    ),
    Figure("own_language_share_of_pool", "own language in the pool", tables={CARD_BIAS: "of the pool, %"}),
    Figure(
        "one_target_own_map",
        "one target: own language",
        higher_is_better=True,
        tables={METRIC_PAGE: "One target, own language"},
        reading="mAP",
    ),
    Figure(
        "one_target_other_map",
        "one target: other languages",
        higher_is_better=True,
        tables={METRIC_PAGE: "One target, other languages"},
        reading="mAP",
    ),
    Figure(
        "one_target_own_advantage",
        "one target: own advantage",
        tables={COMPARISON: None, METRIC_PAGE: "Advantage of the own language"},
        per_query=PerQuery("one_target", Cells.OWN_LESS_OTHER),
        reading="0: no bias",
    ),
    Figure(
        "kendall_w",
        "Kendall's W",
        Unit.INDEX,
        False,
        {METRIC_PAGE: None},
        reading="0: languages ranked alike; 1: always in one order",
    ),
    Figure("peer", "PEER", Unit.INDEX, True, {METRIC_PAGE: None}, reading="near 1: languages ranked alike"),
    Figure("language_divergence_at_{k}", "divergence, bits", Unit.INDEX, False, by_language="language_divergence"),
    Figure("awrf_at_{k}", "AWRF", Unit.INDEX, by_language="awrf"),
    Figure("awrf_min_max_at_{k}", "AWRF, min/max", Unit.INDEX, by_language="awrf_min_max"),
    Figure("mlrs_own", "MLRS, own language", Unit.PERCENT),
    Figure("mlrs_other", "MLRS, other languages", Unit.PERCENT),
)


def measures_at(k: int) -> dict[str, Measure]:
    """The measures by name, with the cutoff in it.

    Example:
        >>> list(measures_at(10))
        ['map', 'recall_at_1', 'recall_at_10', 'mrr', 'ndcg_at_10']
    """
    return {measure.name.format(k=k): measure for measure in MEASURES}


def all_figures() -> list[Figure]:
    """The figures of a language matrix: those of `MEASURES`, their mean, and `BIAS`."""
    mean = Figure(f"mean_{MAIN}", "mean of Mo, Cr and Mul", higher_is_better=True)
    return [*(figure for measure in MEASURES for figure in measure.figures()), mean, *BIAS]


def find_figure(name: str) -> Figure | None:
    """The figure of a key, of a summary or of a language, or None.

    Example:
        >>> find_figure("own_language_share_at_10").title, find_figure("rank_distance").unit
        ('own language in top {k}', <Unit.RANKS: 'ranks'>)
    """
    declared = [*all_figures(), *CORPUS_FIGURES, *READING_FIGURES]
    exact = next((figure for figure in declared if name in (figure.key, figure.by_language)), None)
    patterns = ((re.escape(figure.key).replace(r"\{k\}", r"\d+"), figure) for figure in declared)
    return exact or next((figure for pattern, figure in patterns if re.fullmatch(pattern, name)), None)


def column_of(name: str, table: Table, k: int = 10) -> Column:
    """How a table shows the figure of a key; one that is not declared is shown like mAP, under its key."""
    return (find_figure(name) or Figure(name, name)).column(table, k)._replace(key=name)


def columns(table: Table, k: int = 10, by_language: bool = False, corpora: bool = False) -> list[Column]:
    """The columns of a table, in order.

    Args:
        table: which.
        k: the cutoff.
        by_language: with the keys of a language's values.
        corpora: the figures of benchmarks that are searched within each language only, instead of the others.

    Example:
        >>> [(column.title, column.key, column.factor, column.decimals) for column in columns(CARD)]
        [('Mo', 'mo_map', 100, 1), ('Cr', 'cr_map', 100, 1), ('Mul', 'mul_map', 100, 1)]
    """
    return [figure.column(table, k, by_language) for figure in figures_of(table, corpora)]


def figures_of(table: Table, corpora: bool = False) -> list[Figure]:
    """The figures that a table shows; see `columns`."""
    return [figure for figure in (CORPUS_FIGURES if corpora else all_figures()) if table in figure.tables]


def compared_figures(k: int | None = 10) -> dict[str, Figure]:
    """Name in a comparison -> figure, for those with values per query; that name is the key of a language's value."""
    declared = [*all_figures(), *CORPUS_FIGURES, *READING_FIGURES]
    found = [figure for figure in declared if figure.per_query is not None]
    return {(figure.by_language or figure.key).format(k=k): figure for figure in found}


def main_figures() -> list[list[Figure]]:
    """Of each kind of evaluation the figures that a comparison tells by language, and tests against its margin: mAP in
    each setting; nDCG@10 of corpora; F1 of a reader.

    Example:
        >>> [[figure.key for figure in figures] for figures in main_figures()]
        [['mo_map', 'cr_map', 'mul_map'], ['mo_ndcg_at_10'], ['gold_f1', 'mo_f1', 'mul_f1']]
    """
    of_maps = [figure for measure in MEASURES if measure.name == MAIN for figure in measure.figures()]
    return [of_maps, [CORPUS_FIGURES[0]], [figure for figure in READING_FIGURES if figure.measure == F1]]


def main_keys() -> list[str]:
    """Keys of `main_figures`, of all kinds of evaluation."""
    return [figure.key for figures in main_figures() for figure in figures]


def query_columns() -> tuple[list[str], list[str]]:
    """The columns of the values per query: those of one number a query, and those of one for each language."""
    wanted = list(dict.fromkeys(figure.per_query for figure in all_figures() if figure.per_query is not None))
    single = [one.column for one in wanted if not one.is_list]
    lists = [one.column for one in wanted if one.is_list]
    return single, list(dict.fromkeys(lists))


def kept_columns() -> tuple[list[str], list[str]]:
    """As `query_columns`, with those of corpora and of readers: all that a table of values per query may have."""
    single, lists = query_columns()
    return [*single, *(figure.per_query.column for figure in (*CORPUS_FIGURES, *READING_FIGURES))], lists
