"""From one value per query to Mo, Cr and Mul: the paper's three retrieval settings, over every language pair.

* a *cell* (query language, candidate language) is the mean over the queries of the first language, each searching the
  candidates of the second language only;
* Mo is the mean of the same-language cells, Cr that of the ordered cross-language cells;
* Mul is one pool of all languages: the mean over the queries of a language, then over languages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LanguageScores:
    """One measure over all settings.

    Attributes:
        cells: float64 ``[L, L]``, query language x candidate language; NaN where no query of the row has a relevant
            candidate in the column.
        pool: float64 ``[L]``, the multilingual pool per query language; NaN where a language asks no query.
    """

    cells: np.ndarray
    pool: np.ndarray

    @property
    def mo(self) -> float:
        """Mean of the same-language cells."""
        return _mean_of_defined(np.diagonal(self.cells))

    @property
    def cr(self) -> float:
        """Mean of the ordered cross-language cells; NaN with one language only."""
        return _mean_of_defined(self.cells[~np.eye(len(self.cells), dtype=bool)])

    @property
    def mul(self) -> float:
        """Mean over query languages of the multilingual pool."""
        return _mean_of_defined(self.pool)

    @property
    def cross_by_language(self) -> np.ndarray:
        """float64 ``[L]``: mean cross-language cell of each query language."""
        off_diagonal = np.where(np.eye(len(self.cells), dtype=bool), np.nan, self.cells)
        return np.array([_mean_of_defined(row) for row in off_diagonal])


def language_scores(by_language: np.ndarray, in_pool: np.ndarray, query_languages: np.ndarray) -> LanguageScores:
    """Average a measure over queries.

    Args:
        by_language: float64 ``[Q, L]``, the measure of each query within the candidates of each language; NaN where
            the query has no relevant candidate in the language: the query is left out of that cell.
        in_pool: float64 ``[Q]``, the measure of each query in the pool of all languages; NaN leaves the query out.
        query_languages: int ``[Q]``, language of each query, an index below L.

    Returns:
        The cells and the pool's values per query language.

    Example:
        >>> scores = language_scores(np.array([[1.0, 0.5], [0.2, 0.8]]), np.array([0.7, 0.6]), np.array([0, 1]))
        >>> round(scores.mo, 3), round(scores.cr, 3), round(scores.mul, 3)
        (0.9, 0.35, 0.65)
    """
    num_languages = by_language.shape[1]
    cells = np.stack(
        [mean_by_language(by_language[:, column], query_languages, num_languages) for column in range(num_languages)],
        axis=1,
    )
    return LanguageScores(cells=cells, pool=mean_by_language(in_pool, query_languages, num_languages))


def mean_by_language(values: np.ndarray, query_languages: np.ndarray, num_languages: int) -> np.ndarray:
    """Mean of ``values`` ``[Q]`` over the queries of each language: float64 ``[L]``; NaN values are left out."""
    defined = ~np.isnan(values)
    counts = np.bincount(query_languages[defined], minlength=num_languages)
    sums = np.bincount(query_languages[defined], weights=values[defined], minlength=num_languages)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _mean_of_defined(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
