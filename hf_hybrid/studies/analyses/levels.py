"""What every arm reached, by language or by level of the factor: what differences are differences of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hf_hybrid.evaluation.figures import find_figure
from hf_hybrid.evaluation.reading_figures import GOLD as GOLD_SOURCE
from hf_hybrid.evaluation.reading_figures import MEASURES
from hf_hybrid.studies.findings import Table, points
from hf_hybrid.studies.measured import StudyResults

GOLD = {f"{GOLD_SOURCE}_{name}": title for name, title in MEASURES.items()}
# Of a corpus that was judged in part: where it is low, the other figures say little.
JUDGED = "mo_judged_at_10"


def language_levels(results: StudyResults, benchmark: str, budget: str, figures: Sequence[str]) -> Table:
    """Language by language each arm's figures, means over seeds.

    Args:
        results: Of the study.
        benchmark: Its name in the design.
        budget: Likewise.
        figures: Keys of figures by language; judged@10 is added where there is one.
    """
    arms = {
        arm: [results.load(file) for file in results.files(benchmark, {"arm": arm, "budget": budget})]
        for arm in results.design.arms
    }
    first = next(iter(arms.values()))[0]
    facts, by_language = first.benchmark, first.per_language
    passages = dict(zip(facts.languages, facts.candidates_per_language or (), strict=False))
    keys = list(figures)
    if all(JUDGED in one for one in by_language.values()):
        keys.append(JUDGED)
    rows = []
    for tag in by_language:
        cells = []
        for seeds in arms.values():
            means = [float(np.mean([one.per_language[tag][key] for one in seeds])) for key in keys]
            cells.append(" / ".join(points(mean, sign=False) for mean in means))
        rows.append([tag, f"{passages[tag]:,}" if tag in passages else "-", *cells])
    titles = " / ".join(find_figure(key).title for key in keys)
    return Table(
        f"Every arm by language ({benchmark}, {budget})",
        ["language", "passages", *arms],
        rows,
        f"{titles}, points; means over seeds.",
    )


def reader_ceiling(results: StudyResults, benchmark: str) -> Table | None:
    """What the reader answers from the gold passages, by language: no retriever can bring it further.

    Returns:
        None where the benchmark was scored without a reader. All models of a study have the same one.
    """
    first = results.load(next(cell.results(results.output, benchmark) for cell in results.grid.cells))
    if first.reading is None:
        return None
    facts = first.benchmark
    questions = dict(zip(facts.languages, facts.queries_per_language or (), strict=False))
    rows = [
        [tag, f"{questions[tag]:,}" if tag in questions else "-", *(points(of[key], sign=False) for key in GOLD)]
        for tag, of in first.per_language.items()
    ]
    rows.append(["mean", f"{facts.queries:,}", *(points(first.summary[key], sign=False) for key in GOLD)])
    return Table(
        f"The reader's ceiling ({benchmark})",
        ["language", "questions", *GOLD.values()],
        rows,
        "Points, from the gold passages.",
    )


def arm_levels(results: StudyResults, benchmark: str, budget: str, figure: str) -> Table:
    """Level by level each arm's figure, means over seeds.

    Args:
        results: Of the study.
        benchmark: Its name in the design.
        budget: Likewise.
        figure: Key of a figure of the summary.
    """
    design, rows = results.design, []
    for level in design.levels:
        places = [{"arm": arm, "level": level, "budget": budget} for arm in design.arms]
        rows.append([level, *(points(results.mean(benchmark, place, figure), sign=False) for place in places)])
    title = find_figure(figure).title
    head = [design.factor or "level", *design.arms]
    return Table(f"Every arm ({benchmark}, {budget})", head, rows, f"{title} in points, means over seeds.")
