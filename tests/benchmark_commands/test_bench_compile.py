"""The benchmark of compiling: what pays and from when on, and a results file of a run without compiling."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bench_compile


@pytest.mark.parametrize(
    ("plain", "compiled", "compiling", "even", "wins"),
    [
        (0.5, 0.4, 30.0, 300, True),
        (0.5, 0.4, 50.0, 500, False),
        (0.5, 0.4, 30.01, 301, True),
        (0.4, 0.4, 1.0, None, False),
        (0.4, 0.5, 1.0, None, False),
        (0.5, 0.4, -0.1, 0, True),
    ],
)
def test_what_compiling_wins(plain, compiled, compiling, even, wins):
    found = bench_compile.against(plain, compiled, compiling)
    assert found == {"speedup": round(plain / compiled, 3), "breaks_even": even, "wins_in_500_steps": wins}


@pytest.mark.skipif(torch.cuda.is_available(), reason="makes the results of a CPU")
@torch.compiler.config.patch(force_disable_caches=False)
def test_the_command_writes_what_it_measured(tmp_path, capsys):
    path = tmp_path / "compile.json"
    flags = ["--tiny", "--shapes", "12x384", "--variants", "padded", "packed"]
    assert bench_compile.main([*flags, "--output", str(path)]) == 0
    written = json.loads(path.read_text())
    assert written["command"] == "python benchmarks/bench_compile.py " + " ".join(flags)
    found = written["shapes"]["12x384"]
    assert list(found) == ["padded", "packed"] and found["padded"]["filler"] > 0 == found["packed"]["filler"]
    assert all(each["seconds"] > 0 and each["compile_seconds"] == 0 for each in found.values())
    assert "12x384" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        bench_compile.main([*flags, "--output", str(path)])


def test_times_of_other_losses_do_not_count():
    bench_compile._require_equal({"a": [1.0, 2.0], "b": [1.0, 2.0005]}, 1e-3)
    with pytest.raises(SystemExit, match="step 1: the losses of a, b differ by 2.00e-03"):
        bench_compile._require_equal({"a": [1.0, 2.0], "b": [1.0, 2.002]}, 1e-3)
