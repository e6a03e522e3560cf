"""Large temporaries of a training step stay with the process: glibc would give each back to the kernel and fetch it
anew.

A step allocates and frees tensors of many megabytes. From 32 MiB on glibc maps each for itself and unmaps it again;
the kernel then clears every page at its next use, which costs as much as some products. The thresholds can be raised
from within the process, for what is allocated from then on.
"""

from __future__ import annotations

import ctypes
import os
import sys

# <malloc.h>: the numbers of mallopt's parameters.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
# What a user says in the environment stands.
_VARIABLES = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "GLIBC_TUNABLES")


def keep_large_blocks() -> bool:
    """Make glibc keep freed memory, of any size, for the next allocation; true where that was done.

    Nothing is done on other C libraries, with another allocator preloaded, or where the environment sets these
    thresholds.
    """
    if not sys.platform.startswith("linux") or any(name in os.environ for name in (*_VARIABLES, "LD_PRELOAD")):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    # The threshold itself cannot be raised above 32 MiB; with no maps at all every block comes from the heap.
    largest = ctypes.c_int(2**31 - 1)
    return bool(library.mallopt(_MMAP_MAX, 0) and library.mallopt(_TRIM_THRESHOLD, largest))
