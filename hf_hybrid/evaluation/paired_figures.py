"""Two systems side by side, from their results files: read, checked to belong together, and every figure resampled.

A is the baseline, B the candidate; a side may be several results files, of models that differ in their seed only. What
is made of the differences is `comparison`'s and the studies' affair.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.figures import CORPUS_FIGURES, Cells, Figure, compared_figures, main_keys
from hf_hybrid.evaluation.query_values import QueryValues, read_query_values
from hf_hybrid.evaluation.results import Results
from hf_hybrid.metrics.resampling import ClusterSums, JointDraws, cluster_sums, joint_draws
from hf_hybrid.metrics.significance import PairedDifference, paired_difference


@dataclass(frozen=True)
class Side:
    """The results of one system, one entry for each seed."""

    paths: list[str]
    results: list[Results]
    values: list[QueryValues]


@dataclass(frozen=True)
class PairedFigures:
    """Differences B - A of everything that two systems can be compared by; for statistics of one's own.

    Attributes:
        found: the differences, with standard errors, intervals and tests for any margin.
        names: of its K figures; ``NAME:CODE`` is of the query language of this number among ``languages``.
        figures: name -> figure, of those over all languages.
        languages: the L tags.
        clusters: number of clusters that were resampled.
        seeds: of A and of B.
        seeds_paired: whether both sides have the same seeds, which are then drawn together.
        k: cutoff of the measures.
        sides: the files of A and of B.
    """

    found: PairedDifference
    names: list[str]
    figures: dict[str, Figure]
    languages: tuple[str, ...]
    clusters: int
    seeds: tuple[list[int | None], list[int | None]]
    seeds_paired: bool
    k: int | None
    sides: tuple[Side, Side]

    def place(self, figure: str, language: str | None = None) -> int | None:
        """Which of the K figures it is: over all languages or of one; None where there is none."""
        name = figure if language is None else f"{figure}:{self.languages.index(language)}"
        return self.names.index(name) if name in self.names else None


def paired_figures(
    a: Sequence[str | Path],
    b: Sequence[str | Path],
    *,
    resamples: int = 10_000,
    seed: int = 0,
    only: Collection[str] | None = None,
) -> PairedFigures:
    """Resample two systems; see `compare_results` for the arguments and what is refused.

    Args:
        a, b, resamples, seed: as there.
        only: keys of the figures that are wanted: with many languages and passages others cost minutes.

    Example:
        >>> paired_figures(["mono.json"], ["hybrid.json"]).found.not_worse(0.005)  # doctest: +SKIP
        array([0.003, ...])
    """
    sides = tuple(_read_side(paths) for paths in (a, b))
    _check_same(sides)
    first = sides[0].values[0]
    k = sides[0].results[0].settings.k
    figures = _comparable_figures(sides, k, only)
    sums, (names, averages) = _added(sides, figures)
    seeds = tuple([results.seed for results in side.results] for side in sides)
    paired_seeds = _can_pair(*seeds)
    if paired_seeds:
        sums[1] = [sums[1][seeds[1].index(one)] for one in seeds[0]]
    found = paired_difference(*sums, averages, resamples=resamples, seed=seed, paired_seeds=paired_seeds)
    clusters = len(sums[0][0].counts)
    return PairedFigures(found, names, figures, tuple(first.languages), clusters, seeds, paired_seeds, k, sides)


@dataclass(frozen=True)
class JointFigures:
    """Figures of several systems with the same seeds; see `hf_hybrid.metrics.resampling.JointDraws`.

    Attributes:
        drawn: figures, and draws of seeds and clusters that are the same for all systems.
        systems: their P names.
        names: of the K figures; ``NAME:TAG`` is of one query language.
        languages: the L tags.
        seeds: the S seeds.
    """

    drawn: JointDraws
    systems: tuple[str, ...]
    names: list[str]
    languages: tuple[str, ...]
    seeds: tuple[int | None, ...]


def joint_figures(
    systems: Mapping[str, Sequence[str | Path]], *, resamples: int = 2_000, seed: int = 0
) -> JointFigures:
    """Resample several systems together, all with the same seeds.

    Args:
        systems: name -> its results files, one for each seed.
        resamples: draws.
        seed: of the draws.

    Raises:
        InputError: as `paired_figures`, or a system has other seeds.

    Example:
        >>> joint_figures({"0": ["y1.json", "y2.json"], "1": ["m1.json", "m2.json"]}).seeds  # doctest: +SKIP
        (1, 2)
    """
    sides = tuple(_read_side(paths) for paths in systems.values())
    _check_same(sides)
    seeds = [one.seed for one in sides[0].results]
    for name, side in zip(systems, sides, strict=True):
        own = [one.seed for one in side.results]
        if sorted(own, key=str) != sorted(seeds, key=str) or len(set(own)) < len(own):
            raise InputError(f"{name} has seeds {own}, others {seeds}: every system needs the same, once each")
    figures = _comparable_figures(sides, sides[0].results[0].settings.k)
    sums, (names, averages) = _added(sides, figures)
    ordered = [
        [own[[one.seed for one in side.results].index(wanted)] for wanted in seeds]
        for own, side in zip(sums, sides, strict=True)
    ]
    drawn = joint_draws(ordered, averages, resamples=resamples, seed=seed)
    languages = tuple(sides[0].values[0].languages)
    tagged = [
        f"{name}:{languages[int(code)]}" if code else name for name, _, code in (one.partition(":") for one in names)
    ]
    return JointFigures(drawn, tuple(systems), tagged, languages, tuple(seeds))


def _added(
    sides: Sequence[Side], figures: Mapping[str, Figure]
) -> tuple[list[list[ClusterSums]], tuple[list[str], np.ndarray]]:
    """Sums by cluster of every file of every side, and names and weights of the figures."""
    first = sides[0].values[0]
    num_languages = len(first.languages)
    columns = [[_columns(values, figures) for values in side.values] for side in sides]
    absent = np.any([np.isnan(values) for side in columns for values in side], axis=0)
    sums = [
        [
            cluster_sums(np.where(absent, np.nan, values), first.query_languages, first.clusters, num_languages)
            for values in side
        ]
        for side in columns
    ]
    if len(sums[0][0].counts) < 2:
        raise InputError(f"{sides[0].paths[0]}: all queries form one cluster, so nothing can be said about chance")
    return sums, _averages(sums[0][0].counts.sum(axis=0), figures, num_languages)


def _can_pair(a: list[int | None], b: list[int | None]) -> bool:
    """Whether both sides name the same several, distinct seeds."""
    return len(a) > 1 and None not in (*a, *b) and len(set(a)) == len(a) and sorted(a) == sorted(b)


def _read_side(paths: Sequence[str | Path]) -> Side:
    names = [str(path) for path in paths]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise InputError(f"{repeated} is named twice on one side: name the results of each seed once")
    results = [Results.load(path) for path in names]
    return Side(names, results, [read_query_values(*pair) for pair in zip(names, results, strict=True)])


def _check_same(sides: Sequence[Side]) -> None:
    """Everything is compared with the first file of A."""
    path, results, values = sides[0].paths[0], sides[0].results[0], sides[0].values[0]
    for side in sides:
        for other_path, other, other_values in zip(side.paths, side.results, side.values, strict=True):
            if difference := results.differs_from(other):
                raise InputError(
                    f"{path} and {other_path} cannot be compared: {difference}; evaluate both on the same data with "
                    "the same settings"
                )
            _check_queries(path, values, other_path, other_values)


def _check_queries(path: str, values: QueryValues, other_path: str, other: QueryValues) -> None:
    if values.query_ids != other.query_ids:
        ours, theirs = set(values.query_ids), set(other.query_ids)
        odd = next(iter(sorted(ours ^ theirs)), None)
        detail = "their order differs" if odd is None else f"query {odd!r} is in one only"
        raise InputError(f"{path} and {other_path} cannot be compared: not the same queries, {detail}")
    if not np.array_equal(values.clusters, other.clusters):
        raise InputError(f"{path} and {other_path} cannot be compared: their queries are clustered differently")


def _comparable_figures(
    sides: Sequence[Side], k: int | None, only: Collection[str] | None = None
) -> dict[str, Figure]:
    """Name -> figure, for those that are wanted and that all files have values of."""
    every = [values.values for side in sides for values in side.values]
    return {
        name: one
        for name, one in compared_figures(k).items()
        if (only is None or name in only) and all(one.per_query.column in values for values in every)
    }


def _widths(figures: Mapping[str, Figure], num_languages: int) -> dict[str, int]:
    """Column of the values per query -> how many numbers it has for a query; the lists come first."""
    found = dict.fromkeys((one.per_query.column for one in figures.values() if one.per_query.is_list), num_languages)
    return found | dict.fromkeys((one.per_query.column for one in figures.values() if not one.per_query.is_list), 1)


def _columns(values: QueryValues, figures: Mapping[str, Figure]) -> np.ndarray:
    """All columns side by side, as wide as `_widths` says; float64 ``[Q, J]``."""
    return np.column_stack([values.values[name] for name in _widths(figures, len(values.languages))])


def _averages(counts: np.ndarray, figures: Mapping[str, Figure], num_languages: int) -> tuple[list[str], np.ndarray]:
    """Names and weights ``[M, K]`` of the figures, each a mean over the cells that exist; ``NAME:CODE`` is of one
    query language.
    """
    start, width = {}, 0
    for column, numbers in _widths(figures, num_languages).items():
        start[column] = width
        width += numbers
    exists = (counts > 0).reshape(num_languages, width)
    codes = np.arange(num_languages)

    def mean_over(column: str, cells: Cells, rows: np.ndarray) -> np.ndarray | None:
        chosen = np.zeros((num_languages, width), dtype=bool)
        if cells is Cells.POOL:
            chosen[rows, start[column]] = True
        elif cells is Cells.OWN:
            chosen[rows, start[column] + rows] = True
        else:
            for row in rows:
                chosen[row, start[column] + np.delete(codes, row)] = True
        chosen &= exists
        return chosen / chosen.sum() if chosen.any() else None

    def weights(figure: Figure, rows: np.ndarray) -> np.ndarray | None:
        column, cells = figure.per_query
        if cells is not Cells.OWN_LESS_OTHER:
            return mean_over(column, cells, rows)
        own, other = (mean_over(column, side, rows) for side in (Cells.OWN, Cells.OTHER))
        return None if own is None or other is None else own - other

    found = {name: weights(figure, codes) for name, figure in figures.items()}
    by_language = {*main_keys(), *(one.key for one in CORPUS_FIGURES)}
    for code in codes:
        for name, figure in figures.items():
            if figure.key in by_language:
                found[f"{name}:{code}"] = weights(figure, codes[code : code + 1])
    found = {name: one for name, one in found.items() if one is not None}
    return list(found), np.stack([one.ravel() for one in found.values()], axis=1)
