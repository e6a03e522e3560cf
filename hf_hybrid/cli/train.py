"""`hf-hybrid train`: hands its arguments to `hf_hybrid.train`, whose parser takes recipes and transformers' flags."""

from __future__ import annotations

import argparse

from hf_hybrid.cli.command import Command


class TrainCommand(Command):
    """Train, evaluate before and after, save."""

    name = "train"
    help = "train an encoder; see `hf-hybrid train --help`"
    description = "Train an encoder. The arguments are those of `accelerate launch hf_hybrid/train.py`."
    has_own_parser = True

    def run(self, arguments: argparse.Namespace) -> int:
        """Train; mistakes of the user are printed there."""
        from hf_hybrid.train import main

        return main(arguments.argv)
