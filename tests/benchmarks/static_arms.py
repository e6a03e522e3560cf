"""The arms of the released static encoders: one base, then every arm and alpha from it with several seeds, each scored once.

    python tests/benchmarks/static_arms.py --mix hybrid_mix --xquad_r lareqa/xquad-r --output runs/static

`hybrid_mix` is what `hub_datasets/hybrid_mix/build.py` made. All training goes through the public command with the recipes `static_base` and
`static_arm`, every run in a process of its own; a finished part is not run again, an interrupted one goes on from its last checkpoint.
A seed changes the batches of the arm's stage; all arms share the base, the data, the number of examples and the settings. Each model
is scored on XQuAD-R and world_facts once: `OUTPUT/results/<arm>/<benchmark>_<seed>.json`, which `hf-hybrid arms` aggregates.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_json

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "hf_hybrid.cli"]
SEEDS = (1, 2, 3, 4, 5)
ALPHAS = (0.1, 0.25, 0.75, 0.9)
# alpha 0 is the arm x-y, 0.5 is hybrid, 1 is x-x-mono: the same batches, so they are trained once.
ARMS = {
    "x-x": ["--arm", "x-x"],
    "x-x-mono": ["--arm", "x-x-mono"],
    "x-y": ["--arm", "x-y"],
    "hybrid": ["--arm", "hybrid"],
}
ARMS |= {f"alpha_{alpha}": ["--arm", "hybrid", "--mono_probability", str(alpha)] for alpha in ALPHAS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing; 2 is the exit status of a mistake in the input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mix", type=Path, required=True, help="folder of hybrid_mix")
    parser.add_argument("--xquad_r", type=Path, help="XQuAD-R's JSON files; without them nothing is scored on it")
    parser.add_argument("--output", type=Path, required=True, help="folder of the models and results")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), metavar="ARM", help="default: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="default: 1 2 3 4 5")
    parser.add_argument("--processes", type=int, default=1, help="runs at a time, each of one thread")
    parser.add_argument("--extra", nargs=argparse.REMAINDER, default=[], help="further flags of every arm's training")
    arguments = parser.parse_args(argv)
    try:
        run(arguments)
    except InputError as error:
        sys.stderr.write(f"static_arms.py: error: {error}\n")
        return 2
    return 0


def run(arguments: argparse.Namespace) -> None:
    """The base, then all runs, seed by seed, so that an interrupted experiment has whole seeds.

    Raises:
        InputError: There is no mix, or a command failed.
    """
    if not (arguments.mix / "mix.json").is_file():
        raise InputError(f"{arguments.mix}: no mix.json; build it with hub_datasets/hybrid_mix/build.py")
    base = train(arguments.output / "base", ["--config", "static_base", *data_flags(arguments.mix, "align")])
    score(arguments, base, "base", 0)
    tasks = [(arm, seed) for seed in arguments.seeds for arm in arguments.arms]

    def one(task: tuple[str, int]) -> None:
        arm, seed = task
        flags = ["--config", "static_arm", "--model_name_or_path", str(base), "--seed", str(seed), *ARMS[arm]]
        flags += [*data_flags(arguments.mix, "qa"), *arguments.extra]
        model = train(arguments.output / "arms" / arm / f"seed_{seed}", flags)
        score(arguments, model, arm, seed)

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


def train(folder: Path, flags: list[str]) -> Path:
    """Train one model unless it is there; returns its folder."""
    model = folder / "model"
    if (folder / "seconds.json").is_file():
        return model
    resume = bool(list(folder.glob("checkpoint-*/manifest.json")))
    if folder.exists() and not resume:
        # Our own: interrupted before its first checkpoint.
        shutil.rmtree(folder)
    started = time.perf_counter()
    call(["train", *flags, "--output_dir", str(folder), *(["--resume"] if resume else [])])
    seconds = time.perf_counter() - started
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    write_json(folder / "seconds.json", {"seconds": seconds, "resumed": resume}, overwrite=True)
    return model


def score(arguments: argparse.Namespace, model: Path, name: str, seed: int) -> None:
    """Evaluate a model on every benchmark that it has not been scored on."""
    for benchmark, flags in benchmarks(arguments):
        target = arguments.output / "results" / name / f"{benchmark}_{seed}.json"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            call(["evaluate", str(model), "--benchmark", benchmark, *flags, "--output", str(target)])


def benchmarks(arguments: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Names of the benchmarks and their flags."""
    yield "world_facts", []
    if arguments.xquad_r:
        yield "xquad_r", ["--data_dir", str(arguments.xquad_r)]


def call(words: list[str]) -> None:
    """Run a command of this project on one thread; its own error line says what is wrong when it fails."""
    print("+ hf-hybrid", *words, flush=True)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run([*COMMAND, *words], env=environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise InputError(
            f"`hf-hybrid {' '.join(words[:3])} ...` ended with status {done.returncode}; mend its cause, run again"
        )


if __name__ == "__main__":
    sys.exit(main())
