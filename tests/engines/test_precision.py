"""Which processors train in bf16: read from what Linux says of them."""

from __future__ import annotations

import platform

import pytest
import torch

from hf_hybrid.engines import precision
from hf_hybrid.engines.precision import bf16_units, choose_precision


@pytest.mark.parametrize(
    ("flags", "units"),
    [
        ("fpu avx2 avx512f amx_bf16 avx512_bf16 amx_tile", "AMX"),
        ("fpu avx512f avx512_bf16", "AVX512-BF16"),
        ("fpu avx2 avx512f avx512_vnni", None),
        ("", None),
    ],
)
def test_units(tmp_path, monkeypatch, flags, units):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nmodel name\t: amx_bf16 in a name\nflags\t\t: {flags}\nbugs\t: avx512_bf16\n")
    assert bf16_units(info) == units


def test_other_systems_do_not_say(tmp_path, monkeypatch):
    assert bf16_units(tmp_path / "missing") is None
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    info = tmp_path / "cpuinfo"
    info.write_text("flags : amx_bf16\n")
    assert bf16_units(info) is None


@pytest.mark.parametrize("units", ["AMX", None])
def test_choice_on_a_cpu(monkeypatch, units):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(precision, "bf16_units", lambda: units)
    chosen = choose_precision(use_cpu=True)
    assert chosen.bf16 == bool(units) and (units or "neither") in chosen.reason


@pytest.mark.parametrize(("major", "bf16"), [(9, True), (8, True), (7, False)])
def test_choice_on_a_gpu(monkeypatch, major, bf16):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (major, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "a GPU")
    assert choose_precision() == (bf16, f"a GPU {'has' if bf16 else 'lacks'} bf16")
