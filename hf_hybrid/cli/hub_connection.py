"""How `hf-hybrid push` and `hf-hybrid pull` speak with the Hub."""

from __future__ import annotations

import argparse


def set_up_connection(arguments: argparse.Namespace) -> None:
    """Apply --timeout and --quiet to the Hub's client."""
    from huggingface_hub.utils import disable_progress_bars

    from hf_hybrid.publishing.hub import use_timeout

    use_timeout(arguments.timeout)
    if arguments.quiet:
        disable_progress_bars()
