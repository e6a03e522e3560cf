"""How often do the intervals hold the truth, and how often do the tests cry wolf? Simulated pairs of evaluations.

    python benchmarks/simulate_significance.py [--trials 2000] [--clusters 240] [--languages 3]

Each trial draws two systems over paragraphs with one to nine questions, asked in several languages; a question's
difference is the sum of an effect of its paragraph, one of the question and noise of the rendition, skewed like
differences of average precision. The true difference is known. Printed: coverage of the 95 % interval, rate of p < .05
without a difference, rate of a wrong claim of non-inferiority where B is worse by exactly the margin, each clustered
by paragraph, and the first two also as if every rendition were independent; then the same with three and five seeds a
side that carry an effect of their own, and what ignoring the seeds would give.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hf_hybrid.metrics.significance import ClusterSums, cluster_sums, paired_difference

MARGIN = 0.01


@dataclass(frozen=True)
class Design:
    """Who asks what, and how much paragraphs, questions, renditions and seeds vary."""

    clusters: int = 240
    languages: int = 3
    of_paragraph: float = 0.06
    of_question: float = 0.05
    of_rendition: float = 0.10
    of_seed: float = 0.0


def simulate(
    design: Design, shift: float, seeds: int, generator: np.random.Generator
) -> tuple[list, list, np.ndarray]:
    """Values ``[Q, 1]`` of each seed of A and of B, and the paragraph of each row. Rows go question by question."""
    questions = generator.integers(1, 10, design.clusters)
    paragraph = np.repeat(np.arange(design.clusters), questions)
    skewed = generator.exponential(design.of_paragraph, design.clusters) - design.of_paragraph
    effect = shift + skewed[paragraph] + generator.normal(0, design.of_question, len(paragraph))
    rows = np.repeat(effect, design.languages)
    level = np.repeat(generator.uniform(0.2, 0.9, len(paragraph)), design.languages)

    def system(mean: np.ndarray) -> np.ndarray:
        noise = generator.normal(0, design.of_rendition / np.sqrt(2), len(mean))
        return (mean + noise + generator.normal(0, design.of_seed))[:, None]

    a = [system(level) for _ in range(seeds)]
    b = [system(level + rows) for _ in range(seeds)]
    return a, b, np.repeat(paragraph, design.languages)


def added(values: list[np.ndarray], clusters: np.ndarray, languages: int) -> list[ClusterSums]:
    codes = np.tile(np.arange(languages), len(clusters) // languages)
    return [cluster_sums(one, codes, clusters, languages) for one in values]


def rates(
    design: Design, trials: int, seeds: int = 1, clustered: bool = True, resamples: int = 500, start: int = 0
) -> dict[str, float]:
    """Coverage of the 95 % interval, type-I error at 5 %, and wrong claims of non-inferiority at the margin."""
    averages = np.full((design.languages, 1), 1 / design.languages)
    hits = {"coverage": 0, "false_alarm": 0, "false_not_worse": 0}
    for trial in range(trials):
        generator = np.random.default_rng([start, trial])
        for shift in (0.0, -MARGIN):
            a, b, paragraph = simulate(design, shift, seeds, generator)
            clusters = paragraph if clustered else np.arange(len(paragraph))
            found = paired_difference(
                added(a, clusters, design.languages),
                added(b, clusters, design.languages),
                averages,
                resamples=resamples,
                seed=trial,
            )
            if shift == 0:
                low, high = found.interval()
                hits["coverage"] += bool(low[0] <= 0 <= high[0])
                hits["false_alarm"] += bool(found.p_value[0] < 0.05)
            else:
                hits["false_not_worse"] += bool(found.not_worse(MARGIN)[0] < 0.05)
    return {name: count / trials for name, count in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--clusters", type=int, default=240)
    parser.add_argument("--languages", type=int, default=3)
    args = parser.parse_args()
    design = Design(clusters=args.clusters, languages=args.languages)
    noisy = Design(clusters=args.clusters, languages=args.languages, of_seed=0.008)
    few = Design(clusters=20, languages=args.languages)
    cases = {
        "clustered by paragraph": (design, 1, True),
        "renditions as if independent": (design, 1, False),
        "clustered, 20 paragraphs only": (few, 1, True),
        "seeds vary, one seed a side": (noisy, 1, True),
        "seeds vary, three seeds a side": (noisy, 3, True),
        "seeds vary, five seeds a side": (noisy, 5, True),
    }
    error = 1.96 * np.sqrt(0.05 * 0.95 / args.trials)
    print(
        f"{args.trials} trials, {args.clusters} paragraphs, {args.languages} languages; nominal .950 .050 .050, "
        f"+-{error:.3f}"
    )
    print(f"{'':<34}{'coverage':>10}{'type I':>10}{'wrong not-worse':>18}")
    for name, (case, seeds, clustered) in cases.items():
        found = rates(case, args.trials, seeds, clustered)
        print(
            f"{name:<34}{found['coverage']:>10.3f}{found['false_alarm']:>10.3f}{found['false_not_worse']:>18.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
