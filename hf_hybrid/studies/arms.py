"""A study of arms: one base (trained, or an encoder that is there), then every arm from it with several seeds, each
scored once.

    OUTPUT/base, OUTPUT/arms/<arm>/seed_<n>     runs of `hf-hybrid train`; each arm's has what made it (training.json)
    OUTPUT/results/<benchmark>/<arm>_<seed>.json   results files; the base's is base.json

A seed changes the batches of the arm's stage; all arms share the base, the data, the number of examples and the
settings. What is there is not made again, and a budget in minutes ends the study in time: the run in progress saves a
checkpoint, and the same command later goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_json
from hf_hybrid.studies.design import ArmsDesign
from hf_hybrid.studies.jobs import Jobs, run_all
from hf_hybrid.studies.provenance import Stage, provenance
from hf_hybrid.studies.teacher import VECTORS, teacher_flags

PROVENANCE = "training.json"


@dataclass(frozen=True)
class ArmsOptions:
    """How a study of arms is run.

    Attributes:
        mix: Folder of the data set `hybrid_mix`.
        output: Folder of the models and results.
        xquad_r: XQuAD-R's files; without them nothing is scored on it.
        arms, seeds: Those to run; empty means all of the design.
        processes: Runs at a time.
        threads: Threads of each; None leaves it to the libraries.
        minutes: Budget, or None.
        teacher: Instead of the design's.
        extra: Further flags of every arm's training.
        start: Instead of the design's.
    """

    mix: Path
    output: Path
    xquad_r: Path | None = None
    arms: Sequence[str] = ()
    seeds: Sequence[int] = ()
    processes: int = 1
    threads: int | None = None
    minutes: float | None = None
    teacher: str | None = None
    extra: Sequence[str] = field(default=())
    start: str | None = None


def run_arms(design: ArmsDesign, options: ArmsOptions) -> None:
    """The base, then all runs, seed by seed, so that an interrupted study has whole seeds.

    Raises:
        InputError: There is no mix, an unknown arm, or a command failed.
        OutOfTime: The budget is spent.
    """
    if not (options.mix / "mix.json").is_file():
        raise InputError(f"{options.mix}: no mix.json; build it with hub_datasets/hybrid_mix/build.py")
    if not (options.mix / design.data / "train.parquet").is_file():
        raise InputError(f"{options.mix}: no {design.data}/train.parquet, which the study {design.name} trains on")
    for arm in options.arms:
        if arm not in design.arms:
            raise InputError(f"no arm '{arm}' in the study {design.name}; choose among {', '.join(design.arms)}")
    deadline = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    jobs = Jobs(options.threads, deadline)
    start = options.start or design.start
    base = start or str(_train_base(jobs, design, options))
    if not start:
        _score(jobs, design, options, base, "base", [])

    def one(task: tuple[str, int] | None) -> None:
        if task is None:
            _score(jobs, design, options, base, "base", [])
            return
        arm, seed = task
        flags = ["--config", design.arm, "--model_name_or_path", base, "--seed", str(seed)]
        flags += [word for name, value in design.arms[arm].items() for word in (f"--{name}", str(value))]
        flags += [*_data_flags(options.mix, design.data), *options.extra]
        folder = options.output / "arms" / arm / f"seed_{seed}"
        model = jobs.train(folder, flags)
        if not (folder / PROVENANCE).is_file():
            write_json(folder / PROVENANCE, _provenance(design, options, arm, seed))
        _score(jobs, design, options, str(model), f"{arm}_{seed}", ["--seed", str(seed)])

    tasks: list[tuple[str, int] | None]
    tasks = [(arm, seed) for seed in options.seeds or design.seeds for arm in options.arms or design.arms]
    # What arms start from is scored beside them, where it needs no training of its own.
    tasks += [None] if start else []
    run_all([partial(one, task) for task in tasks], options.processes)


def _train_base(jobs: Jobs, design: ArmsDesign, options: ArmsOptions) -> Path:
    flags = ["--config", str(design.base), *_data_flags(options.mix, "align")]
    flags += teacher_flags(design, jobs, options.mix, options.output, options.teacher)
    return jobs.train(options.output / "base", flags)


def _data_flags(mix: Path, config: str) -> list[str]:
    """Flags for a configuration of the mix; the development documents of `qa` judge both stages."""
    flags = ["--dataset_name_or_path", str(mix), "--dataset_config", config]
    flags += ["--eval_dataset_name_or_path", str(mix / "qa"), "--test_split", "none"]
    texts = [str(mix / name / "train.parquet") for name in ("text", "align", "qa")]
    return [*flags, *(["--tokenizer_texts", *texts] if config == "align" else [])]


def _score(jobs: Jobs, design: ArmsDesign, options: ArmsOptions, model: str, name: str, seed: list[str]) -> None:
    """Evaluate a model on every benchmark that it has not been scored on."""
    for benchmark, flags in _benchmarks(design, options):
        jobs.evaluate(model, options.output / "results" / benchmark / f"{name}.json", [*flags, *seed])


def _benchmarks(design: ArmsDesign, options: ArmsOptions) -> Iterator[tuple[str, list[str]]]:
    """The folder of each benchmark's results, and its flags."""
    for packaged in design.benchmarks:
        yield packaged, ["--benchmark", packaged]
    for text in design.candidate_texts if options.xquad_r else ():
        # The sentence alone is the loader's default.
        name, flags = ("xquad_r", []) if text == "sentence" else (f"xquad_r_{text}", ["--candidate_text", text])
        yield name, ["--benchmark", "xquad_r", "--data_dir", str(options.xquad_r), *flags]


def _provenance(design: ArmsDesign, options: ArmsOptions, arm: str, seed: int) -> dict[str, object]:
    # Names of folders, not their places on this machine.
    where = f"--mix {options.mix.name} --output {options.output.name}"
    command = f"hf-hybrid study arms --config {design.name} {where} --arms {arm} --seeds {seed}"
    start = options.start or design.start
    stages = [] if start else [Stage("base", options.output / "base")]
    stages.append(Stage(arm, options.output / "arms" / arm / f"seed_{seed}", str(design.arms[arm]["arm"])))
    vectors = options.output / VECTORS
    made = provenance(command, seed, options.mix, stages, vectors if vectors.is_file() else None, design.data)
    # A folder's name, not its place on this machine.
    return {**made, "start": Path(start).name if Path(start).is_dir() else start} if start else dict(made)
