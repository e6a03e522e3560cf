"""bf16 where the processor has it: which devices multiply 16-bit numbers faster than 32-bit ones, and which one this
is.

Every torch runs bf16 on every CPU, mostly slower than float32. Two kinds of units make it faster: AMX tiles and
AVX512-BF16. A GPU has them from Ampere on. Nothing here asks for more than reading a file.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import NamedTuple

import torch

CPU_INFO = Path("/proc/cpuinfo")
# As Linux names them, the faster first.
UNITS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}


class Precision(NamedTuple):
    """Whether to train in bf16, and why."""

    bf16: bool
    reason: str


def choose_precision(use_cpu: bool = False, gpu: torch.device | None = None) -> Precision:
    """bf16 on a GPU that has it and on a CPU with AMX or AVX512-BF16, else float32.

    Args:
        use_cpu: The run was told to stay on the CPU.
        gpu: Which GPU; by default the current one.

    Example:
        >>> choose_precision(use_cpu=True).reason  # doctest: +SKIP
        'this CPU has AVX512-BF16'
    """
    if not use_cpu and torch.cuda.is_available():
        major = torch.cuda.get_device_capability(gpu)[0]
        return Precision(major >= 8, f"{torch.cuda.get_device_name(gpu)} {'has' if major >= 8 else 'lacks'} bf16")
    units = bf16_units()
    return Precision(bool(units), f"this CPU has {units}" if units else "this CPU has neither AMX nor AVX512-BF16")


def bf16_units(cpu_info: Path = CPU_INFO) -> str | None:
    """The CPU's units for bf16 products, or None where it has none or does not say (other systems than Linux)."""
    if platform.machine() not in ("x86_64", "AMD64") or not cpu_info.is_file():
        return None
    lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
    return next((name for flag, name in UNITS.items() if flag in flags), None)
