"""Freed blocks stay with the process, unless the environment says otherwise."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from hf_hybrid.engines.allocator import _VARIABLES, keep_large_blocks

GLIBC = sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")

# Allocates and frees 64 MiB; the pages that the kernel had to clear tell whether they came back.
FAULTS = """
import ctypes, resource, sys
from hf_hybrid.engines.allocator import keep_large_blocks
if sys.argv[1] == "keep":
    assert keep_large_blocks()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes, library.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
def touch():
    block = library.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    library.free(block)
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not GLIBC, reason="another C library than glibc")
def test_freed_blocks_are_used_again():
    environment = {name: value for name, value in os.environ.items() if name not in (*_VARIABLES, "LD_PRELOAD")}

    def faults(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True, env=environment
        )
        return int(done.stdout)

    # 64 MiB are 16,384 pages of 4 KiB, or 32 huge ones: counted by how much less often they are fetched.
    assert faults("keep") * 5 < faults("leave")


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "LD_PRELOAD"])
def test_the_environment_stands(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert not keep_large_blocks()
