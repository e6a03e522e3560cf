"""Build the XQuAD-R dataset repository from LAReQA's files.

    python hub_datasets/xquad_r/build.py --source lareqa/xquad-r --output xquad_r

needs ``hf_hybrid``, no network. The files are those of the folder xquad-r of
github.com/google-research-datasets/lareqa.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lareqa_build import Origin, build_command

from hf_hybrid.benchmarks.xquad_r import SOURCE

ORIGIN = Origin(
    "google-research-datasets/lareqa@9bc8c7f, folder xquad-r",
    "cf47b10b898adc62d2643380ec1e7914a604622dc642549c9db47fa48fa28755",
)

if __name__ == "__main__":
    sys.exit(build_command(SOURCE, Path(__file__).resolve().parent, ORIGIN))
