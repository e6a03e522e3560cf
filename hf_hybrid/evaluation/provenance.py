"""What a measurement was made with: versions of packages, and the hardware."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

_PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers", "datasets", "accelerate", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of those that a result can depend on."""
    from hf_hybrid import __version__

    found = {"python": platform.python_version(), "hf_hybrid": __version__}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """What the figures in seconds were measured on; no names of machines or users."""
    import torch

    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"machine": platform.machine(), "cpus": os.cpu_count(), "accelerator": accelerator}
