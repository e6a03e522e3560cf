"""`hf-hybrid install-metric`: make `evaluate.load("hybrid_xlir_map")` work."""

from __future__ import annotations

import argparse
import sys

from hf_hybrid.cli.command import Command
from hf_hybrid.metric.install import NAME, install_metric


class InstallMetricCommand(Command):
    """Install the metric."""

    name = "install-metric"
    help = f'make evaluate.load("{NAME}") work'
    description = f"""\
Put the metric that comes with this package into the module cache of `evaluate`, so that evaluate.load("{NAME}") finds
it from any folder, with and without the Hub. `import hf_hybrid` does the same. The cache follows HF_MODULES_CACHE and
HF_HOME.
"""

    def run(self, arguments: argparse.Namespace) -> None:
        """`hf-hybrid install-metric`: write and say where."""
        sys.stdout.write(f"Installed {install_metric()}\n")
