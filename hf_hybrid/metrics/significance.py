"""Is the difference between two evaluations more than chance? Paired, clustered by paragraph, with seeds as a level
above.

A figure (Mo, Cr, Mul, ...) is a mean of *cells*, a cell a mean over queries. The 11 x 1,190 queries of XQuAD-R come
from 240 paragraphs: what is independent is the paragraph, with all its questions in all their translations. Hence, for
both evaluations alike:

* **interval**: bootstrap of whole clusters (Davison and Hinkley 1997, section 3.8: no second draw within them, which
  would count the variation inside a paragraph twice). Sums per cluster and cell are made once; 10,000 resamples are
  then one product of a matrix of draws with them. The percentile interval is expanded to the quantiles of Student's t
  with C - 1 degrees of freedom (Hesterberg 2015), since C clusters bootstrap too narrow an interval by sqrt((C - 1) /
  C);
* **p value**: permutation: if both systems are alike, swapping them in any cluster changes nothing but the sign of its
  difference. Two-sided, ``(1 + hits) / (1 + resamples)``;
* **several seeds** on a side: seeds are drawn with replacement, above the clusters. So few values say little about
  their spread: their weights are scaled by sqrt(S / (S - 1)), and interval and p value take Student's t with
  Satterthwaite's degrees of freedom;
* **non-inferiority**: the one-sided test of "B is worse than A by the margin or more"; equivalence (TOST) adds its
    mirror image;
* **Holm's correction** (1979) over the languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from hf_hybrid.metrics.resampling import BLOCK, ClusterSums, cluster_sums, multiplicities, seed_weights, weighted_sums

__all__ = ["ClusterSums", "PairedDifference", "cluster_sums", "holm", "paired_difference"]


@dataclass(frozen=True)
class PairedDifference:
    """Differences B - A of K figures; arrays are float64 ``[K]``.

    Attributes:
        a: figures of A, mean over its seeds.
        b: figures of B.
        difference: ``b - a``.
        standard_error: of the difference.
        degrees: degrees of freedom behind it.
        p_value: two-sided.
        draws: float64 ``[B, K]``, resampled less observed differences, scaled to the right variance.
        by_quantiles: whether intervals come from the quantiles of the draws (one seed a side), else from Student's t.
    """

    a: np.ndarray
    b: np.ndarray
    difference: np.ndarray
    standard_error: np.ndarray
    degrees: np.ndarray
    p_value: np.ndarray
    draws: np.ndarray = field(repr=False)
    by_quantiles: bool

    def interval(self, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Two-sided interval of the difference: lower and upper ends."""
        t = stats.t.ppf(0.5 + confidence / 2, self.degrees)
        if not self.by_quantiles:
            return self.difference - t * self.standard_error, self.difference + t * self.standard_error
        level = stats.norm.cdf(-t)
        ends = [
            [np.quantile(column, q) for column, q in zip(self.draws.T, levels, strict=True)]
            for levels in (level, 1 - level)
        ]
        return self.difference + np.array(ends[0]), self.difference + np.array(ends[1])

    def not_worse(self, margin: float) -> np.ndarray:
        """p value of non-inferiority: small where B is not worse (lower) than A by ``margin`` or more."""
        if not self.by_quantiles:
            return self._tail((self.difference + margin) / self._positive_error)
        return (1 + (self.draws >= self.difference + margin).sum(axis=0)) / (1 + len(self.draws))

    def not_better(self, margin: float) -> np.ndarray:
        """p value of the mirror image: small where B is not higher than A by ``margin`` or more."""
        if not self.by_quantiles:
            return self._tail((margin - self.difference) / self._positive_error)
        return (1 + (self.draws <= self.difference - margin).sum(axis=0)) / (1 + len(self.draws))

    def equivalent(self, margin: float) -> np.ndarray:
        """p value of equivalence within the margin: both one-sided tests must reject (TOST)."""
        return np.maximum(self.not_worse(margin), self.not_better(margin))

    @property
    def _positive_error(self) -> np.ndarray:
        return np.maximum(self.standard_error, 1e-300)

    def _tail(self, t: np.ndarray) -> np.ndarray:
        return stats.t.sf(t, self.degrees)


def paired_difference(
    a: Sequence[ClusterSums],
    b: Sequence[ClusterSums],
    averages: np.ndarray,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    paired_seeds: bool = False,
) -> PairedDifference:
    """Compare two systems on the same queries.

    Args:
        a: the baseline, one entry for each seed.
        b: the candidate, one entry for each seed.
        averages: float64 ``[M, K]``: figure k is the sum of the cells weighted by column k.
        resamples: bootstrap and permutation draws.
        seed: of the draws.
        paired_seeds: entry s of both sides shares its seed: they are drawn together.

    Returns:
        The differences of the K figures.

    Raises:
        ValueError: the entries are of different queries, or there are fewer than two clusters.

    Example:
        >>> sums = [ClusterSums(np.arange(20.0)[:, None] + shift, np.ones((20, 1))) for shift in (0.0, 1.0)]
        >>> found = paired_difference(sums[:1], sums[1:], np.ones((1, 1)), resamples=99)
        >>> found.difference.tolist(), found.p_value.tolist()
        ([1.0], [0.01])
    """
    counts = a[0].counts
    if any(not np.array_equal(entry.counts, counts) for entry in (*a, *b)):
        raise ValueError("the evaluations are not of the same queries: their counts differ")
    if len(counts) < 2:
        raise ValueError("at least two clusters are needed to say anything about chance")
    if paired_seeds and len(a) != len(b):
        raise ValueError(f"seeds cannot be paired: {len(a)} in A, {len(b)} in B")
    total = counts.sum(axis=0)
    used = np.flatnonzero((total > 0) & (averages != 0).any(axis=1))
    sums = [np.stack([entry.sums[:, used] for entry in side]) for side in (a, b)]
    problem = _Problem(*sums, counts[:, used], averages[used], paired_seeds)

    of_seed = problem.figures_of_seeds()
    figures = [side.mean(axis=0) for side in of_seed]
    difference = figures[1] - figures[0]
    draws = problem.bootstrap(difference, resamples, np.random.default_rng([seed, 0]))
    standard_error = draws.std(axis=0)
    several = len(a) > 1 or len(b) > 1
    degrees = problem.degrees(of_seed, standard_error**2)
    if several:
        with np.errstate(invalid="ignore", divide="ignore"):
            p_value = 2 * stats.t.sf(np.abs(difference) / standard_error, degrees)
        p_value = np.where(difference == 0, 1.0, p_value)
    else:
        p_value = problem.sign_flips(difference, resamples, np.random.default_rng([seed, 1]))
    return PairedDifference(*figures, difference, standard_error, degrees, p_value, draws, by_quantiles=not several)


@dataclass(frozen=True)
class _Problem:
    """Sums of both sides ``[S, C, M]``, shared counts ``[C, M]``, weights of the cells ``[M, K]``."""

    a: np.ndarray
    b: np.ndarray
    counts: np.ndarray
    averages: np.ndarray
    paired: bool

    @property
    def num_clusters(self) -> int:
        return len(self.counts)

    def figures_of_seeds(self) -> list[np.ndarray]:
        """Figures of each seed of A and of B, ``[S, K]``."""
        total = self.counts.sum(axis=0)
        return [side.sum(axis=1) / total @ self.averages for side in (self.a, self.b)]

    def bootstrap(self, observed: np.ndarray, resamples: int, generator: np.random.Generator) -> np.ndarray:
        """Resampled less observed differences, ``[B, K]``."""
        total = self.counts.sum(axis=0)
        mean_cells = (self.b.mean(axis=0) - self.a.mean(axis=0)).sum(axis=0) / total
        one_each = len(self.a) == len(self.b) == 1
        draws = []
        for start in range(0, resamples, BLOCK):
            size = min(BLOCK, resamples - start)
            clusters = multiplicities(size, self.num_clusters, generator)
            if one_each:
                added = clusters @ (self.b[0] - self.a[0])
            else:
                weights = [seed_weights(size, len(side), generator) for side in (self.a, self.b)]
                if self.paired:
                    weights[0] = weights[1]
                added = weighted_sums(clusters, self.b, weights[1]) - weighted_sums(clusters, self.a, weights[0])
            number = clusters @ self.counts
            # A cell without a query in a resample keeps its observed value: rare, and only in tiny cells.
            cells = np.where(number > 0, added / np.maximum(number, 1), mean_cells)
            draws.append(cells @ self.averages - observed)
        scale = np.sqrt(self.num_clusters / (self.num_clusters - 1)) if one_each else 1.0
        return np.concatenate(draws) * scale

    def sign_flips(self, observed: np.ndarray, resamples: int, generator: np.random.Generator) -> np.ndarray:
        """Two-sided permutation p values, ``[K]``: A and B swapped in random clusters."""
        share = (self.b[0] - self.a[0]) / self.counts.sum(axis=0) @ self.averages
        # Equal up to rounding counts as equal: swapping all clusters, say, must count as a hit.
        bound = np.abs(observed) - 1e-12 * np.abs(share).sum(axis=0)
        hits = np.zeros(len(observed))
        for start in range(0, resamples, BLOCK):
            size = min(BLOCK, resamples - start)
            signs = generator.integers(0, 2, (size, self.num_clusters)) * 2.0 - 1.0
            hits += (np.abs(signs @ share) >= bound).sum(axis=0)
        return (1 + hits) / (1 + resamples)

    def degrees(self, of_seed: list[np.ndarray], variance: np.ndarray) -> np.ndarray:
        """Satterthwaite's degrees of freedom of the difference, ``[K]``; C - 1 with one seed a side."""
        groups = [of_seed[1] - of_seed[0]] if self.paired else of_seed
        parts = [(side.var(axis=0, ddof=1) / len(side), len(side) - 1) for side in groups if len(side) > 1]
        of_seeds = sum((part for part, _ in parts), np.zeros(len(variance)))
        parts.append((np.maximum(variance - of_seeds, 0), self.num_clusters - 1))
        whole = sum(part for part, _ in parts)
        below = sum(part**2 / degrees for part, degrees in parts)
        return np.where(below > 0, whole**2 / np.where(below > 0, below, 1), self.num_clusters - 1)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down correction: adjusted p values that control the chance of any false claim in the family.

    Args:
        p_values: float64 ``[m]``; NaN entries are no part of the family and stay NaN.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    defined = np.flatnonzero(~np.isnan(p_values))
    order = defined[np.argsort(p_values[defined], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
