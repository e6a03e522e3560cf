"""The parts of a session: speed, arms seed by seed, weights; and what is gathered of them."""

from __future__ import annotations

import argparse
import io
import json
import logging
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml
from bench_training_common import commit
from gpu_session_plan import Budget, Log, Part, run_parts
from gpu_session_small import small_mix, small_xquad_r

from hf_hybrid.encoders.differences import write_difference, write_parts
from hf_hybrid.encoders.four_bit import FourBitEncoder
from hf_hybrid.encoders.four_bit_checkpoint import build_checkpoint
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.provenance import hardware, versions
from hf_hybrid.output_files import write_bytes
from hf_hybrid.studies.arms import ArmsOptions, run_arms
from hf_hybrid.studies.design import ArmsDesign
from hf_hybrid.studies.jobs import OutOfTime

logger = logging.getLogger("gpu_session")

# What a training that is stopped may take to save itself.
STOP_SECONDS = 15.0
MIB = 1 << 20
TINY_FLAGS = (
    "--max_steps 2 --global_batch_size 8 --save_steps 1 --logging_steps 1 --warmup_steps 0 --chunk_tokens 1024"
)
TINY_FLAGS += " --dataloader_num_workers 0 --bf16 false --use_cpu"


class Bench(NamedTuple):
    """One call of `bench_gpu.py`, and the seconds that it probably takes."""

    name: str
    shape: str
    lengths: str
    batch_sizes: tuple[int, ...]
    compiled: bool
    seconds: float


# In the order of their worth: the compiled ones come last, since compiling may take all the time there is.
BENCHES = (
    Bench("bench_small", "e5_small", "qa", (1024, 256, 8192), False, 45),
    Bench("bench_base", "xlmr_base", "marco", (8192, 256), False, 45),
    Bench("bench_small_compiled", "e5_small", "qa", (1024, 8192), True, 45),
    Bench("bench_base_compiled", "xlmr_base", "marco", (8192,), True, 45),
)
TINY_SIZES = (16,)


class Session:
    """A session.

    Args:
        arguments: Of the command.
    """

    def __init__(self, arguments: argparse.Namespace):
        self.arguments, self.output, self.work = arguments, arguments.output, arguments.work
        self.mix, self.xquad_r, self.start = (
            arguments.inputs / "mix",
            arguments.inputs / "xquad_r",
            self.work / "start",
        )
        self.budget = Budget(arguments.minutes)
        self.bench_left = 60 * arguments.bench_minutes
        self.design = ArmsDesign.load(arguments.design)
        self.study = self.work / "study"

    def parts(self) -> Iterator[Part]:
        """All parts, in the order of their worth."""
        arguments = self.arguments
        yield Part("start", 20, self.prepare, self.is_prepared)
        for bench in BENCHES if arguments.bench_minutes else ():
            yield Part(
                bench.name,
                2 if arguments.tiny else bench.seconds,
                partial(self.bench, bench),
                partial(self.has_bench, bench),
            )
        for seed in arguments.seeds or self.design.seeds:
            seconds = 2 if arguments.tiny else arguments.seed_seconds
            yield Part(f"arms_{seed}", seconds, partial(self.arms, seed), partial(self.has_arms, seed), "arms")
            for arm in self.kept_arms():
                make, done = partial(self.weights, arm, seed), partial(self.has_weights, arm, seed)
                yield Part(f"weights_{arm}_{seed}", 10, make, done, "weights")

    # -- parts --------------------------------------------------------------------------------------------------------

    def prepare(self, seconds: float) -> None:
        """The encoder that all arms start from, in half precision, and small data for `--tiny`."""
        if self.arguments.tiny:
            if not (self.work / "mix" / "qa" / "dev.parquet").is_file():
                small_mix(self.mix, self.work / "mix", self.design.data)
            if not (self.work / "xquad_r" / "qrels" / "cross.parquet").is_file():
                small_xquad_r(self.xquad_r, self.work / "xquad_r")
        if not (self.start / "modules.json").is_file():
            build_checkpoint(FourBitEncoder.read(self.arguments.inputs / "encoder.bin"), self.start)

    def is_prepared(self) -> bool:
        """Whether the start is there."""
        small = not self.arguments.tiny or (self.work / "xquad_r" / "qrels" / "cross.parquet").is_file()
        return small and (self.start / "modules.json").is_file()

    def bench(self, bench: Bench, seconds: float) -> None:
        """Call `bench_gpu.py`; its own clock ends it, and if that fails, this one."""
        arguments, limit = self.arguments, min(seconds, self.bench_left)
        if limit < (2 if arguments.tiny else 20):
            raise InputError(f"the {arguments.bench_minutes:g} minutes for speed are over")
        began = self.budget.left()
        flags = ["--shapes", bench.shape, "--lengths", bench.lengths, "--output", str(self.work / "bench")]
        flags += ["--batch_sizes", *map(str, self._sizes(bench)), "--minutes", f"{limit / 60:.3f}"]
        flags += ["--compiled"] if bench.compiled else []
        flags += [] if arguments.with_default else ["--skip_default"]
        flags += ["--tiny"] if arguments.tiny else ["--repeats", "2", "--seconds", "1"]
        command = [sys.executable, str(Path(__file__).with_name("bench_gpu.py")), *flags]
        try:
            self._call(command, limit + STOP_SECONDS, self.work / "logs" / f"{bench.name}.log")
        finally:
            if arguments.minutes is not None:
                self.bench_left -= began - self.budget.left()

    def has_bench(self, bench: Bench) -> bool:
        """Whether all its batch sizes were measured."""
        file = self.work / "bench" / f"gpu_{bench.shape}{'_compiled' if bench.compiled else ''}.json"
        known = json.loads(file.read_text(encoding="utf-8"))["parts"] if file.is_file() else {}
        return all(f"{bench.lengths}_{rows}" in known for rows in self._sizes(bench))

    def _sizes(self, bench: Bench) -> Sequence[int]:
        return TINY_SIZES if self.arguments.tiny else bench.batch_sizes

    def arms(self, seed: int, seconds: float) -> None:
        """Train and score the arms of a seed, and the start, as far as they are missing."""
        arguments = self.arguments
        options = ArmsOptions(
            mix=self.work / "mix" if arguments.tiny else self.mix,
            output=self.study,
            xquad_r=self.work / "xquad_r" if arguments.tiny else self.xquad_r,
            arms=arguments.arms,
            seeds=[seed],
            processes=arguments.processes,
            threads=arguments.threads,
            minutes=None if arguments.minutes is None else max(seconds - STOP_SECONDS, 1) / 60,
            extra=[*(TINY_FLAGS.split() if arguments.tiny else []), *arguments.extra],
            start=str(self.start),
        )
        try:
            run_arms(self._study_design(), options)
        except OutOfTime:
            logger.info("arms of seed %d: cut off by the budget; checkpoints stay", seed)

    def has_arms(self, seed: int) -> bool:
        """Whether all arms of a seed, and the start, were scored on everything."""
        design = self._study_design()
        names = ["base", *(f"{arm}_{seed}" for arm in self.arguments.arms or design.arms)]
        folders = [*design.benchmarks, "xquad_r"]
        return all(
            (self.study / "results" / folder / f"{name}.json").is_file() for folder in folders for name in names
        )

    def _study_design(self) -> ArmsDesign:
        """The design; a tiny session scores on the few texts of XQuAD-R alone."""
        if not self.arguments.tiny:
            return self.design
        path = self.work / "tiny.yaml"
        content = {"start": str(self.start), "arm": self.design.arm, "seeds": [1], "benchmarks": []}
        content["data"] = self.design.data
        content["arms"] = {name: dict(settings) for name, settings in self.design.arms.items()}
        write_bytes(path, yaml.safe_dump(content).encode(), overwrite=True)
        return ArmsDesign.load(str(path))

    def kept_arms(self) -> list[str]:
        """Arms whose weights go into the results."""
        wanted = {"none": (), "hybrid": ("hybrid",), "all": tuple(self.design.arms)}[self.arguments.weights]
        return [arm for arm in wanted if not self.arguments.arms or arm in self.arguments.arms]

    def weights(self, arm: str, seed: int, seconds: float) -> None:
        """What training changed, in files that are small enough, if there may be as many."""
        model = self.study / "arms" / arm / f"seed_{seed}" / "model"
        if not (model.parent / "seconds.json").is_file():
            raise InputError(f"{arm} with seed {seed} is not trained")
        made = write_difference(self.start, model, self.work / "difference", overwrite=True)[0].read_bytes()
        size = int(self.arguments.part_mib * MIB)
        most, files = self.arguments.most_files, sum(1 for path in self.output.iterdir() if path.is_file())
        # The results themselves may not be there yet.
        files += not (self.output / "results.zip").is_file()
        if most is not None and files + -(-len(made) // size) > most:
            raise InputError(f"{len(made) / MIB:.1f} MiB would be more than {most} files")
        write_parts(self._difference(arm, seed), made, size, overwrite=True)

    def has_weights(self, arm: str, seed: int) -> bool:
        """Whether they are there."""
        target = self._difference(arm, seed)
        parts = list(self.output.glob(f"{target.name}.*of*"))
        return target.is_file() or bool(parts) and len(parts) == int(parts[0].name.rpartition("of")[2])

    def _difference(self, arm: str, seed: int) -> Path:
        return self.output / f"{arm}_{seed}.difference"

    # -- results ------------------------------------------------------------------------------------------------------

    def gather(self) -> None:
        """Write `results.zip` anew: results files, settings and logs, no weights."""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for folder in ("bench", "logs", "study"):
                for path in sorted((self.work / folder).rglob("*")):
                    inside = path.relative_to(self.work)
                    kept = path.suffix in (".json", ".jsonl", ".yaml", ".log", ".parquet")
                    # Models and checkpoints have settings, too.
                    if (
                        kept
                        and path.is_file()
                        and not {"model", "cache"} & set(inside.parts)
                        and "checkpoint-" not in str(inside)
                    ):
                        archive.write(path, inside.as_posix())
        for old in self.output.glob("results.zip*"):
            old.unlink()
        write_parts(self.output / "results.zip", file.getvalue(), int(self.arguments.part_mib * MIB), overwrite=True)

    def _call(self, command: Sequence[str], seconds: float, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            limit = None if seconds == float("inf") else seconds
            done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, timeout=limit)
        if done.returncode:
            last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
            raise InputError(f"{Path(command[1]).name} ended with status {done.returncode}: {' '.join(last)}")


def run_session(arguments: argparse.Namespace) -> None:
    """Make what is missing, as far as the time goes."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO, stream=sys.stdout)
    arguments.output.mkdir(parents=True, exist_ok=True)
    session = Session(arguments)
    told = {
        name: getattr(arguments, name) for name in ("minutes", "bench_minutes", "seeds", "weights", "tiny", "extra")
    }
    head = {"commit": commit(), "versions": versions(), "hardware": hardware(), "settings": told}
    log = Log(arguments.output / "session.json", head)
    run_parts(list(session.parts()), session.budget, log, after=session.gather)
    session.gather()
