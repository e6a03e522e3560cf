"""The demo Space: search over 11 languages with the released models, and what hybrid training changes in it.

python app.py                       # models that travel with the package; on the Hub those pinned in revisions.json
python app.py --models model_cards  # checkpoints in this folder, by their names
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# Before any library of the Hugging Face stack is imported: no token is sent, nobody is told.
os.environ.setdefault("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# A question is a few tokens: threads that wait for each other beside other requests cost more than they give.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from xlir_demo.page import build_page, serve
from xlir_demo.start import load_page_views

from hf_hybrid.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page; 2 is the exit status of a mistake in the input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models",
        type=Path,
        default=os.environ.get("XLIR_DEMO_MODELS"),
        help="folder that holds the checkpoints by their names (default: XLIR_DEMO_MODELS, else those of the package)",
    )
    parser.add_argument("--host", help="address to listen on (default: Gradio's, this machine only)")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860 on")
    arguments = parser.parse_args(argv)
    try:
        views = load_page_views(arguments.models)
    except InputError as error:
        sys.stderr.write(f"app.py: error: {error}\n")
        return 2
    serve(build_page(views), server_name=arguments.host, server_port=arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
