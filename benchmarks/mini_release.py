"""Make the repository of the released transformer in `model_cards/` of what `mini_arms.py` trained.

    python benchmarks/mini_release.py --mix hybrid_mix --runs runs/mini --xquad_r lareqa/xquad-r --onnx_python onnx/bin/python

One seed's weights in float16, scored on XQuAD-R (the sentence; the sentence in its context in `results/in_context`) and world_facts, with what
made it and the aggregated arms of all seeds. The weights take 46 MB: the hybrid arm alone is made by default, `--siblings` makes the
monolingual and the cross-lingual ones, too. Cards are then written by `hf-hybrid card`. A step whose output is there is not repeated.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import yaml
from arm_runs import ARMS, call
from static_release import copied, make_parser, provenance

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_bytes, write_json

MAIN = "hybrid-xlir-mini"
SIBLINGS = {"hybrid-xlir-mini-mono": "x-x-mono", "hybrid-xlir-mini-cross": "x-y"}
# Folder below `results`, and what is evaluated there.
SCORED = {
    "xquad_r.json": ["--benchmark", "xquad_r"],
    "world_facts.json": ["--benchmark", "world_facts"],
    # A card has one file of each benchmark; this one lies in a folder of its own.
    "in_context/xquad_r.json": ["--benchmark", "xquad_r", "--candidate_text", "sentence_in_context"],
}
# Folder below `results` for the aggregated arms, and how the seeds' files begin.
AGGREGATED = {".": "xquad_r", "world_facts": "world_facts", "in_context": "xquad_r_sentence_in_context"}


def main(argv: Sequence[str] | None = None) -> int:
    """Make what is missing; 2 is the exit status of a mistake in the input."""
    parser = make_parser(__doc__, "mini_arms.py")
    parser.add_argument("--siblings", action="store_true", help="make the repositories of the other arms, too")
    parser.add_argument("--onnx_python", type=Path, help="see mini_measures.py")
    parser.add_argument("--threads", type=int, help="of each command; default: the libraries' choice")
    arguments = parser.parse_args(argv)
    releases = {MAIN: "hybrid", **(SIBLINGS if arguments.siblings else {})}
    try:
        for name, arm in releases.items():
            release(arguments, arguments.output / name, arm)
        aggregate(arguments, arguments.output / MAIN / "results")
        for name in releases:
            call(["card", str(arguments.output / name)], arguments.threads)
    except InputError as error:
        sys.stderr.write(f"mini_release.py: error: {error}\n")
        return 2
    return 0


def release(arguments: argparse.Namespace, folder: Path, arm: str) -> None:
    """Weights, scores and provenance of one model."""
    run = arguments.runs / "arms" / arm / f"seed_{arguments.seed}"
    if not (folder / "modules.json").is_file():
        call(["export", str(run / "model"), str(folder), "--dtype", "float16"], arguments.threads)
    results = folder / "results"
    for name, flags in SCORED.items():
        target = results / name
        if not target.is_file():
            data = ["--data_dir", str(arguments.xquad_r)] if "xquad_r" in flags else []
            seed = ["--seed", str(arguments.seed), "--output", str(target)]
            call(["evaluate", str(folder), *flags, *data, *seed], arguments.threads)
            # The values of single queries are large, and can be had again.
            target.with_suffix(".per_query.parquet").unlink()
    if not (results / "speed.json").is_file():
        measure(arguments, folder)
    recipe = (run / "arguments.yaml").read_bytes()
    write_bytes(folder / "training.yaml", recipe, overwrite=True)
    made = provenance(arguments, run, arm, yaml.safe_load(recipe))
    command = f"python benchmarks/mini_arms.py --mix hybrid_mix --output mini --arms {arm} --seeds {arguments.seed}"
    write_json(results / "training.json", {**made, "command": command}, overwrite=True)
    shutil.copyfile(arguments.mix / "mix.json", results / "mix.json")


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    """Variants and speed, by `mini_measures.py`.

    Raises:
        InputError: It failed.
    """
    script = str(Path(__file__).with_name("mini_measures.py"))
    onnx = ["--onnx_python", str(arguments.onnx_python)] if arguments.onnx_python else []
    command = [sys.executable, script, str(folder), "--xquad_r", str(arguments.xquad_r), "--overwrite", *onnx]
    if subprocess.run(command).returncode:
        raise InputError("mini_measures.py failed; see above")


def aggregate(arguments: argparse.Namespace, results: Path) -> None:
    """The arms over their seeds, for each benchmark; the results files that they were made of go with them."""
    for where, benchmark in AGGREGATED.items():
        folder, runs = results / where, arguments.runs / "results"
        if (folder / "arms.json").is_file():
            continue
        arms = [word for arm in ARMS for word in ("--arm", arm, *copied(runs / arm, folder / "seeds", arm, benchmark))]
        call(["arms", *arms, "--output", str(folder / "arms.json")], arguments.threads)
        for table in (folder / "seeds").glob("*.per_query.parquet"):
            table.unlink()


if __name__ == "__main__":
    sys.exit(main())
