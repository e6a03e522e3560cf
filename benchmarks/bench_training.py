"""Training against sentence-transformers, side by side: same weights, same batches, equal losses before a time counts.

    python benchmarks/bench_training.py sampler    # plan, sampler and collator: rows a second
    python benchmarks/bench_training.py loss       # the loss alone, B from 1,024 to 16,384: time and peak memory
    python benchmarks/bench_training.py step       # whole steps of a transformer: 64 plain, 1,024 cached
    python benchmarks/bench_training.py static     # whole steps of a static encoder
    python benchmarks/bench_training.py ranks      # two processes: collectives of a step, time
    python benchmarks/bench_training.py profile    # where the time of a step goes

Every command takes --threads, --repeats and --output (a folder for `<command>.json`: versions, settings, hash of the
data, medians with ranges). The other library runs as it comes (default) and as its documentation says it runs fastest
(tuned: larger mini-batches, a token budget, workers, batches sorted by length, `dot_score` on vectors that are unit
already). Variants run in turns, so that a change of the machine's speed meets all of them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMANDS = {
    "sampler": "bench_training_sampler",
    "loss": "bench_training_loss",
    "step": "bench_training_step",
    "static": "bench_training_step",
    "ranks": "bench_training_ranks",
    "profile": "bench_training_profile",
}


def main(argv: list[str] | None = None) -> None:
    """Run one command; its module is imported once the number of threads is set."""
    argv = sys.argv[1:] if argv is None else argv
    command = argv[0] if argv and argv[0] in COMMANDS else None
    common = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common.add_argument("command", choices=COMMANDS)
    common.add_argument("--threads", type=int, default=2)
    common.add_argument("--repeats", type=int, default=5)
    common.add_argument("--output", type=Path, help="folder for the results file; default: none is written")
    if command is None:
        common.parse_args(argv)
    sys.path[:0] = [part for part in (str(HERE), str(HERE.parent)) if part not in sys.path]
    from bench_training_common import fix_threads, quiet, write_results

    fix_threads(common.parse_known_args([part for part in argv if part not in ("-h", "--help")])[0].threads)
    quiet()
    module = importlib.import_module(COMMANDS[command])
    module.add_arguments(common, **({"static": True} if command == "static" else {}))
    arguments = common.parse_args(argv)
    arguments.argv = argv
    results = module.main(arguments)
    if getattr(arguments, "child", None):
        print(json.dumps(results))
    elif arguments.output and results is not None:
        # Names of folders say nothing to others.
        kept = {name: value for name, value in vars(arguments).items() if name not in ("child", "output", "argv")}
        settings = {name: value.name if isinstance(value, Path) else value for name, value in kept.items()}
        print(write_results(f"training_{command}", arguments.output, settings, {"results": results}))


if __name__ == "__main__":
    main()
