"""Run a study by its design: declare, train and score what is missing, report.

    OUTPUT/declaration.json                      what was declared before anything ran
    OUTPUT/runs/<cell>/seed_<n>                  runs of `hf-hybrid train`
    OUTPUT/results/<benchmark>/<cell>_<n>.json   results files
    OUTPUT/report.{md,json,png,svg}, seconds.json

What is there is not made again. A deadline ends the runs in progress, which save a checkpoint; the same command later
goes on from there, and ends with the report that an uninterrupted one makes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from hf_hybrid.arguments.parsing import read_recipe
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_json
from hf_hybrid.studies.declaration import declare
from hf_hybrid.studies.grid import Grid, Run, make_grid
from hf_hybrid.studies.jobs import Jobs, run_all
from hf_hybrid.studies.kinds import kind_of
from hf_hybrid.studies.measured import StudyResults
from hf_hybrid.studies.report import write_report
from hf_hybrid.studies.study import StudyDesign

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudyOptions:
    """How a study is run.

    Attributes:
        output: Its folder.
        places: Name -> path for the places in the design.
        processes: Jobs at a time.
        threads: Threads of each; None is the design's number.
        deadline: When to stop, on `time.monotonic`, or None.
        job: Run this job alone and make no report, as launchers ask for.
        submit: Gives the names of jobs to a cluster instead of running them here; None runs them here.
    """

    output: Path
    places: Mapping[str, str] = field(default_factory=dict)
    processes: int = 1
    threads: int | None = None
    deadline: float | None = None
    job: str | None = None
    submit: Callable[[Sequence[str]], None] | None = None


def run_study(design: StudyDesign, options: StudyOptions) -> list[Path]:
    """Run what is missing of a study.

    Args:
        design: As written, with its places.
        options: How.

    Returns:
        The report's files; none where jobs are left to others.

    Raises:
        InputError: The design is not what the analysis takes, the declaration differs from the folder's, or a command
            failed.
        OutOfTime: The deadline came first.
    """
    filled = design.with_places(options.places)
    kind = kind_of(design.study)
    kind.check(filled)
    declaration = declare(design, filled, options.output)
    grid = make_grid(filled, read_recipe(filled.recipe))
    results = StudyResults(filled, grid, options.output)
    waiting = [run for run in grid.runs if _is_missing(run, results)]
    if options.job is not None:
        chosen = [run for run in grid.runs if run.name == options.job]
        if not chosen:
            raise InputError(f"--job {options.job}: the study has no such job")
        _run_here(chosen, results, options)
        return []
    if options.submit is not None and waiting:
        options.submit([run.name for run in waiting])
        return []
    _run_here(waiting, results, options)
    if left := results.missing():
        logger.warning("%d results files are being made by other processes; the same command reports later", len(left))
        return []
    _write_seconds(grid, options.output)
    return write_report(results, declaration, kind.analyse(results))


def _is_missing(run: Run, results: StudyResults) -> bool:
    design = results.design
    return any(not cell.results(results.output, name).is_file() for cell in run.cells for name in design.benchmarks)


def _run_here(runs: Sequence[Run], results: StudyResults, options: StudyOptions) -> None:
    threads = options.threads if options.threads is not None else results.design.threads
    jobs = Jobs(threads, options.deadline)
    bar = tqdm(total=len(runs), desc="Jobs", unit="job", disable=not runs)

    def one(run: Run) -> None:
        with locked(results.output / "runs" / f"{run.name.replace('/', '-')}.lock") as ours:
            if ours:
                _make(run, results, jobs)
            else:
                logger.info("%s is being run by another process", run.name)
        bar.update()

    with bar:
        run_all([partial(one, run) for run in runs], options.processes)


def _make(run: Run, results: StudyResults, jobs: Jobs) -> None:
    """Train unless it is there, then score what is not scored."""
    design, output = results.design, results.output
    if run.seed is None:
        model: str | Path = str(design.train.get("model_name_or_path", ""))
        if not model:
            raise InputError("an arm without training needs model_name_or_path in `train`")
    else:
        model = jobs.train(output / "runs" / run.name, ["--config", design.recipe, *flag_words(run.flags)])
    for cell in run.cells:
        seed = [] if cell.seed is None else ["--seed", str(cell.seed)]
        for name, flags in design.benchmarks.items():
            words = flag_words(evaluation_flags(name, {**flags, **cell.evaluate}, output))
            jobs.evaluate(Path(model), cell.results(output, name), [*words, *seed, "--quiet"])


def evaluation_flags(benchmark: str, flags: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """Flags of `hf-hybrid evaluate` for a benchmark; what a reader says is kept for all retrievers of the study.

    Example:
        >>> evaluation_flags("tydiqa", {"reader": "runs/reader"}, Path("study"))["readings"]
        'study/readings'
    """
    kept = {"readings": str(output / "readings")} if flags.get("reader") else {}
    return {"benchmark": benchmark, **kept, **flags}


def flag_words(flags: Mapping[str, Any]) -> list[str]:
    """Flags as words of a command line; None is left out.

    Example:
        >>> flag_words({"symmetric": True, "languages": ["de", "en"], "teacher": None})
        ['--symmetric', 'true', '--languages', 'de', 'en']
    """
    words = []
    for name, value in flags.items():
        if value is None:
            continue
        values = value if isinstance(value, list | tuple) else [value]
        words += [f"--{name}", *(str(one).lower() if isinstance(one, bool) else str(one) for one in values)]
    return words


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock of a job while it is entered; the system drops it with the process."""
    try:
        import fcntl
    except ImportError:
        yield True
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _write_seconds(grid: Grid, output: Path) -> None:
    """What the trainings took, by run; no part of the report, which is the same for a run that was interrupted."""
    seconds = {}
    for run in grid.runs:
        file = output / "runs" / run.name / "seconds.json"
        if file.is_file():
            seconds[run.name] = json.loads(file.read_text(encoding="utf-8"))["seconds"]
    write_json(output / "seconds.json", {"training": seconds, "sum": sum(seconds.values())}, overwrite=True)
