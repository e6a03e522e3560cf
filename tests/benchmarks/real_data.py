"""The real-data experiment: hybrid batch training of a static encoder on openly licensed text, scored on XQuAD-R.

    python tests/benchmarks/real_data.py mix --source ../shared/data --output real_mix

builds the training and development renditions (see `real_data_mix.py`).
"""

import argparse
import sys
from pathlib import Path

from hf_hybrid.errors import InputError


def make_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    mix = verbs.add_parser("mix", help="build the training and development renditions")
    mix.add_argument(
        "--source", type=Path, required=True, help="folder of the Parquet sets, with lareqa/xquad-r in it"
    )
    mix.add_argument("--output", type=Path, required=True, help="folder to make; it must not exist")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 2 is the exit status of a mistake in the input."""
    arguments = make_parser().parse_args(argv)
    try:
        from real_data_mix import build_mix, table_of_counts

        print(table_of_counts(build_mix(arguments.source, arguments.output)))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
