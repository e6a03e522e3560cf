"""The real-data experiment: hybrid batch training of a static encoder on openly licensed text, scored on XQuAD-R.

    python tests/benchmarks/real_data.py mix --source ../shared/data --output real_mix
    python tests/benchmarks/real_data.py run --mix real_mix --output real_run

`mix` builds the training and development renditions (`real_data_mix.py`); `run` trains a base and then every arm from it
through the public command, evaluates each once on XQuAD-R and prints one table (`real_data_run.py`).
"""

import argparse
import os
import sys
from pathlib import Path

from hf_hybrid.errors import InputError

SHARED = Path(os.environ.get("HF_HYBRID_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def make_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    from real_data_run import ARMS, Settings

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    mix = verbs.add_parser("mix", help="build the training and development renditions")
    mix.add_argument(
        "--source", type=Path, default=SHARED, help="folder of the Parquet sets, with lareqa/xquad-r in it"
    )
    mix.add_argument("--output", type=Path, required=True, help="folder to make; it must not exist")
    run = verbs.add_parser("run", help="train the base and the arms, evaluate each once; resumes where it was stopped")
    run.add_argument("--mix", type=Path, required=True, help="folder that the verb mix made")
    run.add_argument("--output", type=Path, required=True, help="folder of the models and results")
    run.add_argument("--benchmark_dir", type=Path, default=SHARED / "lareqa" / "xquad-r", help="XQuAD-R's JSON files")
    run.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="arms to train (default: all)")
    numbers = "seed vocab_size dimension base_steps base_learning_rate arm_steps arm_learning_rate batch".split()
    for name in numbers:
        default = Settings.__dataclass_fields__[name].default
        run.add_argument(f"--{name}", type=type(default), default=default, help=f"default: {default}")
    run.add_argument("--extra", nargs=argparse.REMAINDER, default=[], help="further flags for every hf-hybrid train")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 2 is the exit status of a mistake in the input."""
    arguments = vars(make_parser().parse_args(argv))
    try:
        if arguments.pop("verb") == "mix":
            from real_data_mix import build_mix, table_of_counts

            print(table_of_counts(build_mix(arguments["source"], arguments["output"])))
        else:
            from real_data_run import Settings, run

            print(run(Settings(**{**arguments, "arms": tuple(arguments["arms"])})))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
