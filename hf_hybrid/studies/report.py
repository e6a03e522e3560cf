"""The report of a study, made from its declaration and results files alone: Markdown, JSON, PNG and SVG.

The same results files give the same bytes. What differs from run to run, the seconds, is in `seconds.json` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hf_hybrid.markdown import table
from hf_hybrid.output_files import write_bytes, write_json
from hf_hybrid.plots.files import FORMATS, write_picture
from hf_hybrid.plots.panels import Page, page_picture
from hf_hybrid.studies.findings import Analysis
from hf_hybrid.studies.measured import StudyResults

REPORT_VERSION = 1
NAME = "report"


def write_report(results: StudyResults, declaration: Mapping[str, Any], analysis: Analysis) -> list[Path]:
    """Write `report.md`, `report.json` and, where there are panels, `report.png` and `report.svg`.

    Args:
        results: Of the study, all there.
        declaration: Of the study.
        analysis: What was found.

    Returns:
        The files.
    """
    output = results.output
    content = {
        "report_version": REPORT_VERSION,
        "study": results.design.study,
        "question": results.design.question,
        "declaration": dict(declaration),
        "left_out": [{"cell": cell, "reason": reason} for cell, reason in results.grid.left_out],
        "results": made_of(results),
        **analysis.to_json(),
    }
    files = [write_json(output / f"{NAME}.json", content, overwrite=True)]
    files.append(write_bytes(output / f"{NAME}.md", markdown(results, analysis).encode(), overwrite=True))
    if analysis.panels:
        figure = page_picture(Page(results.design.question, analysis.panels))
        files += [write_picture(output / f"{NAME}.{suffix}", figure, overwrite=True) for suffix in FORMATS]
    return files


def made_of(results: StudyResults) -> list[dict[str, Any]]:
    """The results files behind a report: by the sha256 of their values per query, since they themselves name the time
    they took.
    """
    entries = []
    for cell in results.grid.cells:
        for benchmark in results.design.benchmarks:
            path = cell.results(results.output, benchmark)
            loaded = results.load(path)
            entries.append(
                {
                    "file": path.relative_to(results.output).as_posix(),
                    "seed": cell.seed,
                    "data_sha256": loaded.benchmark.data_sha256,
                    "per_query_sha256": None if loaded.per_query is None else loaded.per_query.sha256,
                }
            )
    return entries


def markdown(results: StudyResults, analysis: Analysis) -> str:
    """The page: question, answers, picture, tables, what is not identified, how it was made."""
    design = results.design
    parts = [f"# {design.question}", _list([finding.sentence() for finding in analysis.findings])]
    if analysis.panels:
        parts.append(f"![{design.question}]({NAME}.png)")
    for one in analysis.tables:
        parts += [f"## {one.title}", table(one.head, one.rows, one.left)]
        if one.note:
            parts.append(one.note)
    if analysis.not_identified:
        parts += ["## What is not identified", _list(analysis.not_identified)]
    parts += ["## How it was made", _made(results)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _made(results: StudyResults) -> str:
    design, grid = results.design, results.grid
    trained = sum(run.seed is not None for run in grid.runs)
    budgets = "; ".join(
        f"{name or 'budget'}: {one.rule.replace('_', ' ')}, {one.number:,}" for name, one in design.budgets.items()
    )
    seeds = ", ".join(map(str, design.seeds))
    lines = [
        f"{trained} trainings by recipe `{design.recipe}`, {len(grid.cells)} cells, seeds {seeds}.",
        f"Budgets: {budgets}.",
        f"Benchmarks: {', '.join(design.benchmarks)}.",
        "What is compared was declared before anything ran (`declaration.json`, with the sha256 of the data).",
    ]
    if grid.left_out:
        lines.append("Left out: " + "; ".join(f"{cell} ({reason})" for cell, reason in grid.left_out) + ".")
    lines.append("Seeds are drawn above clusters (paragraphs), whole clusters are resampled; p values are Holm's.")
    return " ".join(lines)
