"""Ten minutes of one GPU: training speed against sentence-transformers, then the arms of a small encoder, scored.

    python -m zipfile -e gpu_session.zip . && cd gpu_session
    python benchmarks/gpu_session.py --output ../results --minutes 10 --seeds 1 --weights hybrid
    python benchmarks/gpu_session.py --output ../results --tiny      # the whole of it on a CPU, in minutes

The archive is made by `pack_gpu_session.py`; nothing else is needed but PyTorch, transformers, sentence-transformers
and what they bring. First some three minutes of `bench_gpu.py`; then, seed by seed, the arms of the study `small`,
three at a time, each scored on XQuAD-R and world_facts as soon as it is trained. Results are written after every part;
whatever ends the session, the same command goes on. No part is begun for which the time is too short. OUTPUT gets
session.json (what ran, with times), results.zip (all results files) and, with --weights, what training changed of the
weights in eight bits, in files of at most 16 MiB (`hf_hybrid.encoders.differences` makes models of them); runs and
checkpoints are in OUTPUT_work.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(argv: Sequence[str] | None = None) -> int:
    """Settle what is imported from where, then run the session."""
    arguments = parse(argv)
    settle(arguments.work)
    install_missing(ROOT / "wheels", arguments.work / "site")
    from gpu_session_parts import run_session

    from hf_hybrid.errors import run_command

    return run_command(lambda: run_session(arguments))


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Flags, and what `--tiny` makes of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder of the results")
    parser.add_argument("--work", type=Path, help="folder of runs and caches (default: OUTPUT_work)")
    parser.add_argument("--inputs", type=Path, default=ROOT / "inputs", help="encoder.bin, mix/, xquad_r/")
    parser.add_argument("--minutes", type=float, help="budget; default: none")
    parser.add_argument("--bench_minutes", type=float, default=3.0, help="of these, for speed; 0: none")
    parser.add_argument("--with_default", action="store_true", help="time the other as it comes in large batches, too")
    parser.add_argument("--design", default="small", help="study, by name or as a YAML file")
    parser.add_argument("--arms", nargs="+", default=[], help="default: those of the design")
    parser.add_argument("--seeds", type=int, nargs="+", default=[], help="default: those of the design")
    parser.add_argument("--processes", type=int, default=3, help="trainings at a time; one needs about 19 GB")
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 1) // 3), help="of a training")
    parser.add_argument("--seed_seconds", type=float, default=150.0, help="that all arms of a seed are taken to need")
    parser.add_argument(
        "--weights", choices=("none", "hybrid", "all"), default="none", help="arms whose weights to keep"
    )
    parser.add_argument("--part_mib", type=float, default=16.0, help="most MiB of a file of the results")
    parser.add_argument("--most_files", type=int, help="most files of the results; weights beyond are left out")
    parser.add_argument("--tiny", action="store_true", help="few small steps, for a look at the whole on a CPU")
    parser.add_argument("--extra", nargs=argparse.REMAINDER, default=[], help="further flags of every training")
    arguments = parser.parse_args(argv)
    arguments.output = arguments.output.resolve()
    arguments.work = (arguments.work or arguments.output.with_name(f"{arguments.output.name}_work")).resolve()
    return arguments


def settle(work: Path) -> None:
    """Let this process and those that it starts import this folder and the installed wheels, ask no network, and keep
    their caches in the working folder.
    """
    site = work / "site"
    for folder in (site, ROOT / "benchmarks", ROOT):
        sys.path.insert(0, str(folder))
    inherited = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), str(site), inherited]))
    os.environ.update(
        HF_HUB_OFFLINE="1",
        HF_HOME=str(work / "cache"),
        HF_HYBRID_INSTALL_METRIC="0",
        TOKENIZERS_PARALLELISM="false",
        PYTHONUNBUFFERED="1",
    )


def install_missing(wheels: Path, site: Path) -> list[str]:
    """Install the wheels of what cannot be imported into a folder of its own; returns their names."""
    missing = [
        wheel
        for wheel in sorted(wheels.glob("*.whl"))
        if importlib.util.find_spec(wheel.name.partition("-")[0]) is None
    ]
    if missing:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile"]
        subprocess.run([*command, "--upgrade", "--target", str(site), *map(str, missing)], check=True)
        importlib.invalidate_caches()
    return [wheel.name for wheel in missing]


if __name__ == "__main__":
    sys.exit(main())
