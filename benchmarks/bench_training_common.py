"""What the benchmarks share: fixed threads, interleaved repeats, agreement of losses, peak memory, results files."""

from __future__ import annotations

import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"
# Loss trajectories must agree to this before a time counts.
TOLERANCE = 1e-3
BF16_TOLERANCE = 1e-2
MIB = 1 << 20


def fix_threads(threads: int) -> None:
    """Set the threads of torch, BLAS and the tokenizers; call it before any of them is imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ.update(TQDM_DISABLE="1", HF_HUB_OFFLINE=os.environ.get("HF_HUB_OFFLINE", "1"))
    import torch

    torch.set_num_threads(threads)


def quiet() -> None:
    """Keep progress bars and advice of the libraries out of the output."""
    import logging
    import warnings

    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")


def environment(threads: int) -> dict[str, Any]:
    """Versions, threads and processor: what a figure depends on besides the code."""
    import torch

    from hf_hybrid.evaluation.provenance import versions

    packages = versions()
    return {
        "python": packages.pop("python"),
        "packages": packages,
        "threads": threads,
        "processors": os.cpu_count(),
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "onednn": torch.backends.mkldnn.is_available(),
        "commit": commit(),
    }


def processor() -> str:
    """Name, family and model of the processor, as the system tells them."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    known = [fields.get(key) for key in ("model name", "cpu family", "model")]
    return " / ".join(value for value in known if value) or platform.machine()


def commit() -> str | None:
    """That of this checkout, or that an archive of it names (`pack_gpu_session.py`)."""
    packed = ROOT / "pack.json"
    if packed.is_file():
        return json.loads(packed.read_text(encoding="utf-8"))["commit"]
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or None


def interleaved(variants: dict[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Seconds that each variant returns, all variants once before any is repeated; every second round runs
    backwards.
    """
    times: dict[str, list[float]] = {name: [] for name in variants}
    for repeat in range(repeats):
        for name in list(variants)[:: 1 if repeat % 2 == 0 else -1]:
            times[name].append(variants[name]())
    return times


def summary(times: Sequence[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": statistics.median(times), "min": min(times), "max": max(times)}


def require_equal(losses: dict[str, Sequence[float]], tolerance: float = TOLERANCE) -> float:
    """Stop unless the losses of all variants agree at every step; returns the largest difference.

    Raises:
        SystemExit: They do not: no time of variants that compute different things is worth printing.
    """
    (reference, expected), *others = losses.items()
    largest = 0.0
    for name, found in others:
        if len(found) != len(expected):
            raise SystemExit(f"{name} made {len(found)} steps, {reference} made {len(expected)}")
        difference = max(abs(a - b) for a, b in zip(expected, found, strict=True))
        if not difference <= tolerance:
            raise SystemExit(f"the losses of {reference} and {name} differ by {difference:.2e}, more than {tolerance}")
        largest = max(largest, difference)
    return largest


class PeakMemory:
    """Largest resident memory of the process within the block, above that at its start, in MiB; all pages count."""

    def __enter__(self) -> PeakMemory:
        # The kernel then starts the high-water mark anew.
        Path("/proc/self/clear_refs").write_text("5")
        self.start = _status("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        self.extra = _status("VmHWM") - self.start


def _status(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def in_child(arguments: Sequence[str], **environment_variables: str) -> Any:
    """What a fresh process of this benchmark prints last, as JSON."""
    command = [sys.executable, str(Path(__file__).with_name("bench_training.py")), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment_variables}
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def write_results(name: str, folder: Path, settings: dict[str, Any], results: dict[str, Any]) -> Path:
    """Write `<name>.json`: settings, environment and results."""
    content = {"benchmark": name, "environment": environment(settings["threads"]), "settings": settings, **results}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, sort_keys=False) + "\n")
    return path


def command_line(script: str, argv: Sequence[str] | None = None) -> str:
    """The command as a results file quotes it: without the folders of this machine, `--output` and `--folder`."""
    words = iter(sys.argv[1:] if argv is None else argv)
    kept = []
    for word in words:
        if word in ("--output", "--folder"):
            next(words, None)
        elif not word.startswith(("--output=", "--folder=")):
            kept.append(word)
    return shlex.join(["python", f"benchmarks/{Path(script).name}", *kept])


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Print rows as columns, the first line is the head; numbers to the right."""
    texts = [[f"{cell:,.4g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    for row in texts:
        print(
            "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
        )
    sys.stdout.flush()
