"""An experiment with arms and seeds: one base, then every arm from it with several seeds, each scored once.

What `static_arms.py` and `mini_arms.py` share. All training goes through the public command with two recipes, every run in a process
of its own; a finished part is not run again, an interrupted one goes on from its last checkpoint. A budget in minutes ends the experiment
in time: the run in progress saves a checkpoint, and the same command later goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_json

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "hf_hybrid.cli.main"]
ARMS = {arm: ["--arm", arm] for arm in ("x-x", "x-x-mono", "x-y", "hybrid")}
# What a process that was asked to stop may take to save.
STOP_SECONDS = 60.0


class OutOfTime(Exception):
    """The budget is spent; all that was done so far is kept."""


@dataclass(frozen=True)
class Experiment:
    """What tells one experiment from another.

    Attributes:
        program: Name of the command, for its messages.
        base, arm: Recipes of the two stages.
        arms: Flags of every arm.
        seeds: Seeds that are run by default.
        threads: Threads of a process by default; None leaves it to the libraries.
        candidate_texts: What XQuAD-R's candidates are, one results file each.
        prepare: Makes what the base needs, and returns flags of its training; gets the arguments and the runner.
    """

    program: str
    base: str
    arm: str
    arms: Mapping[str, Sequence[str]]
    seeds: Sequence[int]
    threads: int | None = 1
    candidate_texts: Sequence[str] = ("sentence",)
    prepare: Callable[[argparse.Namespace, Runner], list[str]] = lambda arguments, runner: []


def make_parser(description: str | None, experiment: Experiment) -> argparse.ArgumentParser:
    """The arguments that all experiments take."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mix", type=Path, required=True, help="folder of hybrid_mix")
    parser.add_argument("--xquad_r", type=Path, help="XQuAD-R's JSON files; without them nothing is scored on it")
    parser.add_argument("--output", type=Path, required=True, help="folder of the models and results")
    arms = list(experiment.arms)
    parser.add_argument("--arms", nargs="+", choices=arms, default=arms, metavar="ARM", help="default: all")
    seeds = " ".join(map(str, experiment.seeds))
    parser.add_argument("--seeds", type=int, nargs="+", default=experiment.seeds, help=f"default: {seeds}")
    parser.add_argument("--processes", type=int, default=1, help="runs at a time")
    parser.add_argument(
        "--threads", type=int, default=experiment.threads, help="threads of each (default: %(default)s)"
    )
    parser.add_argument("--minutes", type=float, help="stop in time, to be gone on with later (default: no limit)")
    parser.add_argument("--base_recipe", default=experiment.base, help="default: %(default)s")
    parser.add_argument("--arm_recipe", default=experiment.arm, help="default: %(default)s")
    parser.add_argument("--extra", nargs=argparse.REMAINDER, default=[], help="further flags of every arm's training")
    return parser


def main(parser: argparse.ArgumentParser, experiment: Experiment, argv: Sequence[str] | None = None) -> int:
    """Run what is missing; 2 is the exit status of a mistake in the input, 143 that of a budget that is spent."""
    arguments = parser.parse_args(argv)
    try:
        run(arguments, experiment)
    except InputError as error:
        sys.stderr.write(f"{experiment.program}: error: {error}\n")
        return 2
    except OutOfTime:
        sys.stderr.write(
            f"{experiment.program}: the {arguments.minutes:g} minutes are over; the same command goes on\n"
        )
        return 128 + signal.SIGTERM
    return 0


def run(arguments: argparse.Namespace, experiment: Experiment) -> None:
    """The base, then all runs, seed by seed, so that an interrupted experiment has whole seeds.

    Raises:
        InputError: There is no mix, or a command failed.
        OutOfTime: The budget is spent.
    """
    if not (arguments.mix / "mix.json").is_file():
        raise InputError(f"{arguments.mix}: no mix.json; build it with hub_datasets/hybrid_mix/build.py")
    runner = Runner.of(arguments, experiment)
    base_flags = ["--config", arguments.base_recipe, *data_flags(arguments.mix, "align")]
    base = runner.train(arguments.output / "base", [*base_flags, *experiment.prepare(arguments, runner)])
    runner.score(base, "base", 0)
    tasks = [(arm, seed) for seed in arguments.seeds for arm in arguments.arms]

    def one(task: tuple[str, int]) -> None:
        arm, seed = task
        flags = ["--config", arguments.arm_recipe, "--model_name_or_path", str(base), "--seed", str(seed)]
        flags += [*experiment.arms[arm], *data_flags(arguments.mix, "qa"), *arguments.extra]
        model = runner.train(arguments.output / "arms" / arm / f"seed_{seed}", flags)
        runner.score(model, arm, seed)

    with ThreadPoolExecutor(arguments.processes) as pool:
        for _ in pool.map(one, tasks):
            pass


def data_flags(mix: Path, config: str) -> list[str]:
    """Flags for a configuration of the mix; the development documents of `qa` judge both stages."""
    flags = ["--dataset_name_or_path", str(mix), "--dataset_config", config]
    texts = [str(mix / name / "train.parquet") for name in ("text", "align", "qa")]
    return [
        *flags,
        "--eval_dataset_name_or_path",
        str(mix / "qa"),
        *(["--tokenizer_texts", *texts] if config == "align" else []),
    ]


@dataclass(frozen=True)
class Runner:
    """Trains and scores what is missing.

    Attributes:
        results: Folder of the results files.
        xquad_r: XQuAD-R's files, or None.
        candidate_texts: See `Experiment`.
        threads: Threads of a process, or None.
        deadline: When to stop, on `time.monotonic`, or None.
    """

    results: Path
    xquad_r: Path | None
    candidate_texts: Sequence[str]
    threads: int | None
    deadline: float | None

    @classmethod
    def of(cls, arguments: argparse.Namespace, experiment: Experiment) -> Runner:
        """The runner that the arguments of the command describe."""
        deadline = None if arguments.minutes is None else time.monotonic() + 60 * arguments.minutes
        results, texts = arguments.output / "results", experiment.candidate_texts
        return cls(results, arguments.xquad_r, texts, arguments.threads, deadline)

    def train(self, folder: Path, flags: list[str]) -> Path:
        """Train one model unless it is there; returns its folder."""
        model = folder / "model"
        if (folder / "seconds.json").is_file():
            return model
        resume = bool(list(folder.glob("checkpoint-*/manifest.json")))
        before = spent(folder) if resume else 0.0
        if folder.exists() and not resume:
            # Our own: interrupted before its first checkpoint.
            shutil.rmtree(folder)
        started = time.perf_counter()
        try:
            self.call(["train", *flags, "--output_dir", str(folder), *(["--resume"] if resume else [])])
        finally:
            seconds = before + time.perf_counter() - started
            if folder.is_dir():
                write_json(folder / "spent.json", {"seconds": seconds}, overwrite=True)
        write_json(folder / "seconds.json", {"seconds": seconds, "resumed": resume}, overwrite=True)
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
        return model

    def score(self, model: Path, name: str, seed: int) -> None:
        """Evaluate a model on every benchmark that it has not been scored on; the base, with 0, has no seed of the experiment's."""
        for stem, flags in self.benchmarks():
            target = self.results / name / f"{stem}_{seed}.json"
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                # A table without its results file is what an interrupted call left.
                again = ["--overwrite"] if target.with_suffix(".per_query.parquet").exists() else []
                told = ["--seed", str(seed)] if seed else []
                self.call(["evaluate", str(model), *flags, *told, *again, "--output", str(target)])

    def benchmarks(self) -> Iterator[tuple[str, list[str]]]:
        """How results files of each benchmark begin, and its flags."""
        yield "world_facts", ["--benchmark", "world_facts"]
        for text in self.candidate_texts if self.xquad_r else ():
            # The sentence alone is the loader's default.
            stem, flags = ("xquad_r", []) if text == "sentence" else (f"xquad_r_{text}", ["--candidate_text", text])
            yield stem, ["--benchmark", "xquad_r", "--data_dir", str(self.xquad_r), *flags]

    def call(self, words: list[str]) -> None:
        """Run a command, until the deadline at most."""
        call(words, self.threads, self.deadline)


def spent(folder: Path) -> float:
    """Seconds that interrupted parts of a run took, as far as they were there to write it down."""
    file = folder / "spent.json"
    return json.loads(file.read_text())["seconds"] if file.is_file() else 0.0


def call(words: list[str], threads: int | None = 1, deadline: float | None = None) -> None:
    """Run a command of this project; its own error line says what is wrong when it fails.

    Raises:
        InputError: It failed.
        OutOfTime: The deadline came first; the command was asked to stop, and had the time to save.
    """
    if deadline is not None and time.monotonic() >= deadline:
        raise OutOfTime
    print("+ hf-hybrid", *words, flush=True)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "TQDM_DISABLE": "1"}
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    process = subprocess.Popen([*COMMAND, *words], env=environment, stdout=subprocess.DEVNULL)
    try:
        status = process.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        raise OutOfTime from None
    finally:
        stop(process)
    if status:
        raise InputError(
            f"`hf-hybrid {' '.join(words[:3])} ...` ended with status {status}; mend its cause, run again"
        )


def stop(process: subprocess.Popen) -> None:
    """End a process that still runs: it is asked to, and later made to."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
