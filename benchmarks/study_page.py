"""The page of a study in `docs/studies`: a head that somebody writes, and below it the study's own report.

    python benchmarks/study_page.py runs/ratio ratio

Copies what the report is made of and what it took into `benchmarks/results/studies/ratio`, the picture to
`docs/studies/ratio.svg`, and the report, with the seconds of the trainings, into `docs/studies/ratio.md`, between
`<!-- study: report -->` and `<!-- end: report -->`. What stands around it stays as it is.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hf_hybrid.errors import InputError, run_command  # noqa: E402
from hf_hybrid.markdown import replace_text_blocks  # noqa: E402
from hf_hybrid.output_files import write_bytes  # noqa: E402

MARK, BLOCK = "study", "report"
KEPT = ("declaration.json", "report.json", "seconds.json")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Copy, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="output folder of `hf-hybrid study`")
    parser.add_argument("name", help="of the page")
    options = parser.parse_args(arguments)
    return run_command(lambda: _write(options.study, options.name, root))


def _write(study: Path, name: str, root: Path) -> None:
    missing = [file for file in (*KEPT, "report.md", "report.svg") if not (study / file).is_file()]
    if missing:
        raise InputError(f"{study} has no {missing[0]}: run the study to its end first")
    results, pages = root / "benchmarks" / "results" / "studies" / name, root / "docs" / "studies"
    for folder in (results, pages):
        folder.mkdir(parents=True, exist_ok=True)
    for file in KEPT:
        shutil.copyfile(study / file, results / file)
    shutil.copyfile(study / "report.svg", pages / f"{name}.svg")
    page = pages / f"{name}.md"
    question, _, body = (study / "report.md").read_text(encoding="utf-8").partition("\n")
    empty = f"{question}\n\n<!-- {MARK}: {BLOCK} -->\n<!-- end: {BLOCK} -->\n"
    around = page.read_text(encoding="utf-8") if page.is_file() else empty
    found = body.replace("(report.png)", f"({name}.svg)").rstrip()
    took = _took(json.loads((study / "seconds.json").read_text(encoding="utf-8"))["training"])
    report = f"## What was declared, and found\n{found}\n\n{took}"
    write_bytes(page, replace_text_blocks(around, {BLOCK: report}, MARK, page.name).encode(), overwrite=True)
    sys.stdout.write(f"{page}\n")


def _took(seconds: dict[str, float]) -> str:
    """A table of the trainings' seconds, medians over seeds: the first also reads and tokenises.

    Example:
        >>> print(_took({"total-hybrid/seed_1": 60.0, "total-hybrid/seed_2": 80.0}))
        ## What the trainings took
        <BLANKLINE>
        | run | seeds | seconds, median |
        | --- | ---: | ---: |
        | total-hybrid | 2 | 70 |
        <BLANKLINE>
        140 seconds in all, wall clock, as many at a time as the command says.
    """
    runs: dict[str, list[float]] = {}
    for name, value in seconds.items():
        runs.setdefault(name.rpartition("/")[0], []).append(value)
    rows = [f"| {name} | {len(values)} | {median(values):.0f} |" for name, values in runs.items()]
    return "\n".join(
        [
            "## What the trainings took",
            "",
            "| run | seeds | seconds, median |",
            "| --- | ---: | ---: |",
            *rows,
            "",
            f"{sum(seconds.values()):,.0f} seconds in all, wall clock, as many at a time as the command says.",
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
