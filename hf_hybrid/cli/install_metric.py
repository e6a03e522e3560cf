"""`hf-hybrid install-metric`: make `evaluate.load("hybrid_xlir_map")` work."""

from __future__ import annotations

import argparse
import sys

from hf_hybrid.cli.command import Command
from hf_hybrid.errors import InputError
from hf_hybrid.metric.install import NAME, install_metric, modules_cache


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
        try:
            path = install_metric()
        except OSError as error:
            raise InputError(
                f"cannot write to the module cache {modules_cache()}: {error.strerror or error}; "
                "set HF_HOME to a folder of yours"
            ) from error
        sys.stdout.write(f"Installed {path}\n")
