"""Resampling of clusters with seeds as a level above: sums by cluster, and figures of many systems drawn together.

What is drawn and why stands in `hf_hybrid.metrics.significance`, which compares two systems by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

# Resamples drawn at once: bounds the memory, and keeps the draws of a seed the same whatever is computed from them.
BLOCK = 500


@dataclass(frozen=True)
class ClusterSums:
    """One evaluation, added up by cluster.

    Attributes:
        sums: float64 ``[C, M]``, sum over the queries of each cluster, for each of M cells.
        counts: float64 ``[C, M]``, number of queries behind it.
    """

    sums: np.ndarray
    counts: np.ndarray


def cluster_sums(
    values: np.ndarray, query_languages: np.ndarray, clusters: np.ndarray, num_languages: int
) -> ClusterSums:
    """Add up values by cluster, for every cell (query language, column).

    Args:
        values: float64 ``[Q, J]``, J measures of each query; NaN where a measure does not exist.
        query_languages: int ``[Q]``.
        clusters: int ``[Q]``; any numbers.
        num_languages: L.

    Returns:
        Sums over C clusters and ``M = L * J`` cells; cell ``l * J + j`` is column j of the queries in language l.

    Example:
        >>> added = cluster_sums(np.array([[1.0], [2.0], [4.0]]), np.array([0, 0, 1]), np.array([7, 7, 9]), 2)
        >>> added.sums.tolist(), added.counts.tolist()
        ([[3.0, 0.0], [0.0, 4.0]], [[2.0, 0.0], [0.0, 1.0]])
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    num_clusters, columns = int(cluster.max(initial=-1)) + 1, values.shape[1]
    row = cluster * num_languages + query_languages
    defined = ~np.isnan(values)
    filled = np.where(defined, values, 0.0)
    length = num_clusters * num_languages
    sums = np.stack([np.bincount(row, weights=filled[:, j], minlength=length) for j in range(columns)], axis=1)
    counts = np.stack([np.bincount(row, weights=defined[:, j], minlength=length) for j in range(columns)], axis=1)
    shape = (num_clusters, num_languages * columns)
    return ClusterSums(sums.reshape(shape), counts.reshape(shape))


@dataclass(frozen=True)
class JointDraws:
    """Figures of P systems with the same seeds, and what they are when seeds and clusters are drawn anew.

    Attributes:
        figures: float64 ``[P, K]``, means over the seeds.
        of_seed: float64 ``[S, P, K]``.
        draws: float64 ``[B, P, K]``: the same seeds and clusters for all systems of a draw.
        clusters: C.
    """

    figures: np.ndarray
    of_seed: np.ndarray = field(repr=False)
    draws: np.ndarray = field(repr=False)
    clusters: int

    def degrees(self, weights: np.ndarray) -> float:
        """Satterthwaite's degrees of freedom of a weighted sum of figures, ``weights`` ``[P, K]``: S - 1 where all its
        variation is the seeds', C - 1 where it is the clusters'.
        """
        whole = float(np.einsum("bpk,pk->b", self.draws, weights).var())
        of_seed = np.einsum("spk,pk->s", self.of_seed, weights)
        parts = [(float(of_seed.var(ddof=1)) / len(of_seed), len(of_seed) - 1)] if len(of_seed) > 1 else []
        parts.append((max(whole - sum(part for part, _ in parts), 0.0), self.clusters - 1))
        below = sum(part**2 / degrees for part, degrees in parts)
        return sum(part for part, _ in parts) ** 2 / below if below > 0 else float(self.clusters - 1)


def joint_draws(
    systems: Sequence[Sequence[ClusterSums]], averages: np.ndarray, *, resamples: int = 2_000, seed: int = 0
) -> JointDraws:
    """Draw seeds, and below them clusters, for all systems together.

    Args:
        systems: P systems, each with one entry for each of the same S seeds, in one order.
        averages: float64 ``[M, K]``: figure k is the sum of the cells weighted by column k.
        resamples: B.
        seed: of the draws.

    Raises:
        ValueError: the entries are of different queries, or the systems have different numbers of seeds.

    Example:
        >>> sums = ClusterSums(np.arange(20.0)[:, None], np.ones((20, 1)))
        >>> joint_draws([[sums, sums]], np.ones((1, 1)), resamples=9).figures.tolist()
        [[9.5]]
    """
    counts = systems[0][0].counts
    if any(not np.array_equal(entry.counts, counts) for system in systems for entry in system):
        raise ValueError("the evaluations are not of the same queries: their counts differ")
    number = len(systems[0])
    if any(len(system) != number for system in systems):
        raise ValueError("every system needs the same seeds")
    total = counts.sum(axis=0)
    used = np.flatnonzero((total > 0) & (averages != 0).any(axis=1))
    total, counts, averages = total[used], counts[:, used], averages[used]
    sums = [np.stack([entry.sums[:, used] for entry in system]) for system in systems]
    of_seed = np.stack([system.sum(axis=1) / total @ averages for system in sums], axis=1)
    generator = np.random.default_rng([seed, 0])
    draws = []
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        clusters = multiplicities(size, len(counts), generator)
        weights = seed_weights(size, number, generator)
        drawn = clusters @ counts
        block = []
        for system in sums:
            observed = system.mean(axis=0).sum(axis=0) / total
            # A cell without a query in a resample keeps its observed value: rare, and only in tiny cells.
            cells = np.where(drawn > 0, weighted_sums(clusters, system, weights) / np.maximum(drawn, 1), observed)
            block.append(cells @ averages)
        draws.append(np.stack(block, axis=1))
    figures = of_seed.mean(axis=0)
    drawn_figures = np.concatenate(draws)
    # C clusters bootstrap too narrow by sqrt((C - 1) / C).
    scale = np.sqrt(len(counts) / (len(counts) - 1)) if len(counts) > 1 else 1.0
    return JointDraws(figures, of_seed, figures + (drawn_figures - figures) * scale, len(counts))


def multiplicities(size: int, number: int, generator: np.random.Generator) -> np.ndarray:
    """How often each of ``number`` units is drawn with replacement, float64 ``[size, number]``."""
    drawn = generator.integers(0, number, (size, number)) + np.arange(size)[:, None] * number
    return np.bincount(drawn.ravel(), minlength=size * number).reshape(size, number).astype(np.float64)


def seed_weights(size: int, number: int, generator: np.random.Generator) -> np.ndarray:
    """Weights of resampled seeds, ``[size, number]``, summing to one, with the variance that few seeds lack put
    back.
    """
    if number == 1:
        return np.ones((size, 1))
    weights = multiplicities(size, number, generator) / number
    return 1 / number + (weights - 1 / number) * np.sqrt(number / (number - 1))


def weighted_sums(clusters: np.ndarray, sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum over seeds of their weight times the resampled sums, ``[size, M]``."""
    total = np.zeros((len(clusters), sums.shape[2]))
    for weight, of_seed in zip(weights.T, sums, strict=True):
        total += weight[:, None] * (clusters @ of_seed)
    return total
