"""The `evaluate` metric that travels with this package: where it is, and how `evaluate.load("hybrid_xlir_map")` comes
to find it.

`evaluate` looks a bare name up in the current folder, then on the Hub, and after any failure there in its cache of
modules. Packages cannot register metrics, so the module is put into that cache, as a download would have been: the
literal call then works with the Hub down, without such a metric on it, and offline. Nothing of `evaluate` is patched
or even imported.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from pathlib import Path

NAME = "hybrid_xlir_map"
OPT_OUT = "HF_HYBRID_INSTALL_METRIC"
# Marks the versions that this module put into the cache; others, downloaded by `evaluate`, are not ours to delete.
_MARK = ".installed_by_hf_hybrid"
_HASH_LENGTH = 64
_PACKAGE = Path(__file__).parents[1]


def metric_path() -> str:
    """Path of the metric's module, for ``evaluate.load(hf_hybrid.metric_path())``: needs neither the cache nor the
    Hub.

    Raises:
        FileNotFoundError: the installation is incomplete.

    Example:
        >>> metric_path().endswith("hybrid_xlir_map.py")
        True
    """
    # A wheel carries a copy; in a checkout there is the original in the Space's folder.
    places = (_PACKAGE / "_data" / NAME / f"{NAME}.py", _PACKAGE.parent / "spaces" / NAME / f"{NAME}.py")
    for path in places:
        if path.is_file():
            return str(path)
    raise FileNotFoundError(f"{places[0]} is missing: install hf_hybrid again")


def modules_cache() -> Path:
    """Folder in which `evaluate` keeps modules, found as `evaluate` and `datasets` do, without importing them.

    ``$HF_MODULES_CACHE``, else ``$HF_HOME/modules``, else ``$XDG_CACHE_HOME/huggingface/modules``, else
    ``~/.cache/huggingface/modules``.
    """
    loaded = sys.modules.get("evaluate.config")
    if loaded is not None:  # read once, when it was imported: the environment may have changed since
        return Path(loaded.HF_MODULES_CACHE)
    xdg_cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.path.expanduser(os.getenv("HF_HOME", os.path.join(xdg_cache, "huggingface")))
    return Path(os.getenv("HF_MODULES_CACHE", os.path.join(home, "modules")))


def install_metric() -> Path:
    """Make ``evaluate.load("hybrid_xlir_map")`` find the metric of this installation: put it into the cache of
    `evaluate`.

    Idempotent; several processes may do it at once. Versions put there by other releases of this package are removed,
    and this one is made the newest, which `evaluate` prefers. A module of that name on the Hub or in the current
    folder still comes first.

    Returns:
        The module's path in the cache.

    Raises:
        OSError: the cache cannot be written.

    Example:
        >>> install_metric().name  # doctest: +SKIP
        'hybrid_xlir_map.py'
    """
    content = Path(metric_path()).read_bytes()
    versions = modules_cache() / "evaluate_modules" / "metrics" / f"evaluate-metric--{NAME}"
    target = versions / sha256(content).hexdigest()
    module = target / f"{NAME}.py"
    if not _is_file_with(module, content):
        _put(target, content)
    others = _others(versions, target)
    for other in [path for path in others if (path / _MARK).exists()]:
        _remove(other)
    _make_newest(module, others)
    return module


def install_metric_on_import() -> None:
    """`install_metric` as ``import hf_hybrid`` does it: not where ``HF_HYBRID_INSTALL_METRIC=0``, and failure is no
    error.
    """
    if os.getenv(OPT_OUT, "1").strip().lower() in ("0", "off", "no", "false"):
        return
    try:
        install_metric()
    except OSError as error:
        import logging

        logging.getLogger(__name__).debug("the metric was not put into the cache of evaluate: %s", error)


def _is_file_with(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def _put(target: Path, content: bytes) -> None:
    """Make a version's folder, whole or not at all: beside its place, then renamed."""
    import shutil
    import tempfile

    target.parent.mkdir(parents=True, exist_ok=True)
    for package in (target.parents[2], target.parents[1], target.parents[0]):
        (package / "__init__.py").touch()
    # Any name but 64 characters: `evaluate` takes those for versions.
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    try:
        os.chmod(draft, 0o755)  # temporary folders are private, the cache may be shared
        (draft / f"{NAME}.py").write_bytes(content)
        (draft / "__init__.py").touch()
        (draft / _MARK).touch()
        try:
            os.rename(draft, target)
        except OSError:
            # The folder is there: either another process was quicker, or the version in it is damaged.
            if not _is_file_with(target / f"{NAME}.py", content):
                os.replace(draft / f"{NAME}.py", target / f"{NAME}.py")
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _others(versions: Path, target: Path) -> list[Path]:
    """The other versions in the cache."""
    return [path for path in versions.iterdir() if len(path.name) == _HASH_LENGTH and path != target]


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _make_newest(module: Path, others: list[Path]) -> None:
    """Give the module a later time than every other version: `evaluate` takes the latest."""
    times = [(other / f"{NAME}.py").stat().st_mtime for other in others if (other / f"{NAME}.py").is_file()]
    if times and module.stat().st_mtime <= max(times):
        import time

        later = max(time.time(), max(times) + 1)
        os.utime(module, (later, later))
