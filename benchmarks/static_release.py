"""Make the repositories of the released static models in `model_cards/` of what `static_arms.py` trained.

    python benchmarks/static_release.py --mix hybrid_mix --runs runs/static --xquad_r lareqa/xquad-r

Each is one seed's weights in float16 on their principal axes, scored on XQuAD-R and world_facts, with what made it; the hybrid model
also gets the aggregated arms and the curve over alpha on XQuAD-R, of all seeds, and the results files they were made of; those on world_facts
go into `benchmarks/results/static_arms`, since a repository is to stay below 25 MB. Cards are then written by `hf-hybrid card`. A step
whose output is there is not repeated.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import yaml
from bench_training_common import RESULTS
from static_arms import ALPHAS, ROOT, call

from hf_hybrid.data.teacher_vectors import TeacherVectors
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_bytes, write_json

RELEASES = {"hybrid-xlir-static": "hybrid", "hybrid-xlir-static-mono": "x-x-mono", "hybrid-xlir-static-cross": "x-y"}
MAIN = "hybrid-xlir-static"
COMPARED = ("hybrid", "x-x", "x-x-mono", "x-y")
POINTS = {0.0: "x-y", **{alpha: f"alpha_{alpha}" for alpha in ALPHAS}, 0.5: "hybrid", 1.0: "x-x-mono"}
BENCHMARKS = ("xquad_r", "world_facts")


def main(argv: Sequence[str] | None = None) -> int:
    """Make what is missing; 2 is the exit status of a mistake in the input."""
    parser = make_parser(__doc__, "static_arms.py")
    parser.add_argument("--other_results", type=Path, default=RESULTS / "static_arms", help="default: %(default)s")
    arguments = parser.parse_args(argv)
    try:
        for name, arm in RELEASES.items():
            release(arguments, arguments.output / name, arm)
        aggregate(arguments.runs / "results", "xquad_r", arguments.output / MAIN / "results")
        aggregate(arguments.runs / "results", "world_facts", arguments.other_results)
        for name in RELEASES:
            call(["card", str(arguments.output / name)])
    except InputError as error:
        sys.stderr.write(f"static_release.py: error: {error}\n")
        return 2
    return 0


def make_parser(description: str | None, experiment: str) -> argparse.ArgumentParser:
    """The arguments that every release takes; `experiment` is the command that trained."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mix", type=Path, required=True, help="folder of hybrid_mix")
    parser.add_argument("--runs", type=Path, required=True, help=f"folder that {experiment} made")
    parser.add_argument("--xquad_r", type=Path, required=True, help="XQuAD-R's JSON files")
    parser.add_argument("--output", type=Path, default=Path("model_cards"), help="default: model_cards")
    parser.add_argument("--seed", type=int, default=1, help="whose weights are released")
    parser.add_argument("--commit", help="of the code that trained; default: this checkout's")
    return parser


def release(arguments: argparse.Namespace, folder: Path, arm: str) -> None:
    """Weights, scores and provenance of one model."""
    run = arguments.runs / "arms" / arm / f"seed_{arguments.seed}"
    if not (folder / "modules.json").is_file():
        axes = ["--principal_axes", str(arguments.mix / "qa" / "dev.parquet")]
        call(["export", str(run / "model"), str(folder), "--dtype", "float16", *axes])
    results = folder / "results"
    for benchmark in BENCHMARKS:
        target = results / f"{benchmark}.json"
        if not target.is_file():
            data = ["--data_dir", str(arguments.xquad_r)] if benchmark == "xquad_r" else []
            seed = ["--seed", str(arguments.seed)]
            call(["evaluate", str(folder), "--benchmark", benchmark, *data, *seed, "--output", str(target)])
            # The values of single queries are large, and can be had again.
            target.with_suffix(".per_query.parquet").unlink()
    if not (results / "speed.json").is_file():
        script = str(Path(__file__).with_name("static_measures.py"))
        done = subprocess.run(
            [sys.executable, script, str(folder), "--xquad_r", str(arguments.xquad_r), "--overwrite"]
        )
        if done.returncode:
            raise InputError("static_measures.py failed; see above")
    recipe = yaml.safe_load((run / "arguments.yaml").read_text(encoding="utf-8"))
    write_bytes(folder / "training.yaml", (run / "arguments.yaml").read_bytes(), overwrite=True)
    write_json(results / "training.json", provenance(arguments, run, arm, recipe), overwrite=True)
    shutil.copyfile(arguments.mix / "mix.json", results / "mix.json")


def provenance(arguments: argparse.Namespace, run: Path, arm: str, recipe: dict[str, Any]) -> dict[str, Any]:
    """Commit, data, stages and hardware, in the form that cards read."""
    scored = json.loads((arguments.runs / "results" / arm / f"xquad_r_{arguments.seed}.json").read_text())
    outputs = json.loads((arguments.mix / "mix.json").read_text())["outputs"]
    names = [f"{config}/train.parquet" for config in ("align", "qa", "text")]
    base = yaml.safe_load((arguments.runs / "base" / "arguments.yaml").read_text(encoding="utf-8"))
    # A run's arguments leave out what is the default, as the hybrid arm is.
    stages = [stage("base", base, arguments.runs / "base"), stage(arm, {"arm": arm, **recipe}, run)]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return {
        "training_version": 1,
        "commit": arguments.commit or head,
        "command": f"python benchmarks/static_arms.py --mix hybrid_mix --output static --arms {arm} --seeds {arguments.seed}",
        "seed": arguments.seed,
        "data_sha256": {name: outputs[name]["sha256"] for name in names},
        "seconds": round(sum(each["seconds"] for each in stages), 1),
        "hardware": scored["hardware"],
        "versions": scored["versions"],
        "stages": stages,
        **teacher(arguments.runs),
    }


def stage(name: str, recipe: dict[str, Any], run: Path) -> dict[str, Any]:
    """What a stage took."""
    seconds = json.loads((run / "seconds.json").read_text())["seconds"]
    numbers = {"batches": recipe["max_steps"], "batch_size": recipe["global_batch_size"], "seconds": round(seconds, 1)}
    return {"name": name, "arm": recipe["arm"], **numbers}


def teacher(runs: Path) -> dict[str, Any]:
    """The teacher of the base, as its file of vectors names it."""
    file = runs / "teacher.safetensors"
    if not file.is_file():
        return {}
    settings = TeacherVectors.open(file).settings
    named = {"model": settings.model, "language": settings.language, "weights_sha256": settings.weights_sha256}
    return {"teacher": named}


def aggregate(runs: Path, benchmark: str, folder: Path) -> None:
    """Arms and the curve over alpha on a benchmark, with the results files they were made of."""
    if (folder / "arms.json").is_file():
        return
    arms = dict.fromkeys([*COMPARED, *POINTS.values()])
    files = {arm: copied(runs / arm, folder / "seeds", arm, benchmark) for arm in arms}
    words = [word for arm in COMPARED for word in ("--arm", arm, *files[arm])]
    words += [word for alpha, arm in POINTS.items() for word in ("--alpha", str(alpha), *files[arm])]
    call(["arms", *words, "--output", str(folder / "arms.json")])
    for table in (folder / "seeds").glob("*.per_query.parquet"):
        table.unlink()


def copied(source: Path, seeds: Path, arm: str, benchmark: str) -> list[str]:
    """The seeds' results files of an arm, copied under names of their own, with the tables that they name.

    Raises:
        InputError: There are none.
    """
    copies = []
    for file in sorted(source.glob(f"{benchmark}_[0-9]*.json")):
        target = seeds / f"{arm}_{file.stem.rpartition('_')[2]}.json"
        table = target.with_suffix(".per_query.parquet")
        content = json.loads(file.read_text(encoding="utf-8"))
        write_json(target, {**content, "per_query": {**content["per_query"], "file": table.name}}, overwrite=True)
        shutil.copyfile(file.with_suffix(".per_query.parquet"), table)
        copies.append(str(target))
    if not copies:
        raise InputError(f"{source}: no results on {benchmark}; train and score this arm first")
    return copies


if __name__ == "__main__":
    sys.exit(main())
