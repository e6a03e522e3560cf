"""Measure the checkpoints over all built-in questions, choose the page's examples, and write `measured.json`.

    python prepare.py                              # checkpoints of the package
    python prepare.py --models model_cards         # checkpoints in this folder, by their names
    python prepare.py --models model_cards --vectors   # also write vectors/, so that the first start embeds nothing

The file names the digest of each checkpoint's weights: with other weights the page measures by itself when it starts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from xlir_demo.examples import FILE, measured_record
from xlir_demo.start import data_digest, load_checkpoints, measure
from xlir_demo.vectors import SHIPPED, VectorCache, cache_folder

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_json


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; 2 is the exit status of a mistake in the input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder that holds the checkpoints by their names")
    parser.add_argument("--output", type=Path, default=FILE, help="file to write (default: %(default)s)")
    parser.add_argument(
        "--vectors", type=Path, nargs="?", const=SHIPPED, metavar="FOLDER", help="keep vectors here (%(const)s)"
    )
    arguments = parser.parse_args(argv)
    try:
        loaded = load_checkpoints(arguments.models, VectorCache(arguments.vectors or cache_folder()))
        measured, _ = measure(loaded, file=None)
        record = measured_record(measured, loaded.digests, data_digest(loaded.pool, loaded.facts))
        write_json(arguments.output, record, overwrite=True)
    except InputError as error:
        sys.stderr.write(f"prepare.py: error: {error}\n")
        return 2
    for name, one in record["checkpoints"].items():
        sys.stdout.write(f"{name}: {json.dumps({key: one[key] for key in ('own_share', 'right', 'weak_below')})}\n")
    sys.stdout.write(f"{len(measured.examples)} examples of {' against '.join(measured.pair)}: {arguments.output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
