"""Jobs of a study on a cluster: each is the study's own command with `--job NAME`, submitted through submitit."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError

LAUNCHERS = ("local", "slurm")
COMMAND = [sys.executable, "-m", "hf_hybrid.cli.main"]


def submit_jobs(
    words: Sequence[str],
    jobs: Sequence[str],
    folder: Path,
    cluster: str = "slurm",
    settings: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Submit one job of the cluster for each job of a study.

    Args:
        words: The study's command after `hf-hybrid`, without its launcher.
        jobs: Names of the study's jobs.
        folder: Where submitit keeps scripts and logs.
        cluster: Of submitit: `slurm`, or `local`, processes of this machine.
        settings: Of submitit's executor: `timeout_min`, `cpus_per_task`, `slurm_partition`, ...

    Returns:
        submitit's jobs.

    Raises:
        InputError: submitit is not installed, there is no such cluster here, or a setting that it does not know.
    """
    try:
        import submitit
        from submitit.helpers import CommandFunction
    except ImportError as error:
        raise InputError('--launcher slurm needs submitit: pip install "hf_hybrid[study]"') from error
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
        executor.update_parameters(**{"name": "hf-hybrid-study", "timeout_min": 24 * 60, **(settings or {})})
    except (RuntimeError, NameError, TypeError, ValueError) as error:
        raise InputError(f"--launcher {cluster}: {' '.join(str(error).split())}") from error
    return [executor.submit(CommandFunction([*COMMAND, *words, "--job", job], verbose=False)) for job in jobs]
