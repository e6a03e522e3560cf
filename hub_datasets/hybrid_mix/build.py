"""Build the training mix from the sets that its card names, which the user supplies.

    python hub_datasets/hybrid_mix/build.py --source sets/ --output hybrid_mix --against xquad_r=lareqa/xquad-r

needs ``pip install "hf_hybrid[data]"``, no network. An interrupted build goes on where it stopped: give the same
command again.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import time
from pathlib import Path

from mix.build import MixOptions, build_mix
from mix.card import write_card
from mix.language_check import LANGUAGES
from mix.licences import GROUPS

from hf_hybrid.cli.decontaminate import named_paths
from hf_hybrid.errors import InputError

HERE = Path(__file__).resolve().parent


def main(argv: list[str] | None = None) -> int:
    """Parse the arguments and build; 2 is the exit status of a mistake in the input."""
    parser = argparse.ArgumentParser(
        prog="hub_datasets/hybrid_mix/build.py",
        description=__doc__.splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--source", required=True, type=Path, metavar="DIR", help="folder of the Parquet sets")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder to make")
    parser.add_argument(
        "--licences",
        default="all",
        metavar="GROUP",
        help=f"{', '.join(GROUPS)}; each holds the one before (default: all)",
    )
    parser.add_argument(
        "--languages", nargs="+", default=LANGUAGES, metavar="TAG", help=f"default: {' '.join(LANGUAGES)}"
    )
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="[NAME=]PATH",
        help="evaluation sets: examples that overlap them are left out, and the report goes into the output",
    )
    parser.add_argument(
        "--card", action="store_true", help="put the numbers of this build into the card beside build.py, too"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    started = time.perf_counter()
    try:
        against = {name: Path(path) for name, path in named_paths(arguments.against).items()}
        options = MixOptions(
            source=arguments.source,
            output=arguments.output,
            card=HERE / "README.md",
            licences=arguments.licences,
            languages=tuple(arguments.languages),
            against=against,
        )
        report = build_mix(options, show_progress=not arguments.quiet)
        if arguments.card:
            write_card(HERE / "README.md", HERE / "README.md", report)
    except InputError as error:
        sys.stderr.write(f"{parser.prog}: error: {' '.join(str(error).split())}\n")
        return 2
    rows = sum(
        sum(langs.values()) for config in report["rows"].values() for s in config.values() for langs in s.values()
    )
    # Linux counts in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    seconds = time.perf_counter() - started
    print(f"{rows:,} renditions in {arguments.output}, {seconds:.0f} s, at most {peak:.1f} GiB of memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
