"""Build the MLQA-R dataset repository from LAReQA's files, which LAReQA withdrew and you supply. Not for commercial
use.

    python hub_datasets/mlqa_r/build.py --source mlqa-r --output mlqa_r

needs ``hf_hybrid``, no network. ``--help`` says how to get the files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hf_hybrid.benchmarks.mlqa_r import SOURCE

# The builder lies beside XQuAD-R: both are LAReQA's.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "xquad_r"))
from lareqa_build import Origin, build_command

ORIGIN = Origin("google-research-datasets/lareqa, folder mlqa-r before commit b91469b")

if __name__ == "__main__":
    sys.exit(build_command(SOURCE, Path(__file__).resolve().parent, ORIGIN))
