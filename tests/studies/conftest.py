"""Studies with stand-ins for the processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from hf_hybrid.arguments.parsing import read_recipe
from hf_hybrid.cli.main import main
from hf_hybrid.studies import jobs

TEACHER = {"model": "teacher/", "revision": None, "weights_sha256": "a" * 64, "language": "en"}
TEACHER |= {"data_sha256": "b" * 64, "dimension": 2}


class Commands:
    """Stands for the processes: keeps the commands and leaves the files they would."""

    def __init__(self) -> None:
        self.called: list[list[str]] = []
        self.threads: set[int | None] = set()

    def __call__(self, words: list[str], threads: int | None = 1, deadline: float | None = None) -> None:
        self.called.append(words)
        self.threads.add(threads)
        if words[0] == "evaluate":
            Path(flag(words, "output")).write_text("{}")
        elif words[0] == "teacher-vectors":
            write_teacher(Path(flag(words, "output")))
        else:
            folder = Path(flag(words, "output_dir"))
            (folder / "model").mkdir(parents=True)
            # As a run writes them: without what is the default.
            recipe = read_recipe(flag(words, "config"))
            recipe["arm"] = flag(words, "arm") if "--arm" in words else recipe["arm"]
            kept = {name: recipe[name] for name in ("max_steps", "global_batch_size")}
            arm = {} if recipe["arm"] == "hybrid" else {"arm": recipe["arm"]}
            (folder / "arguments.yaml").write_text(yaml.safe_dump({**kept, **arm}))

    def of(self, verb: str) -> list[list[str]]:
        return [words for words in self.called if words[0] == verb]


def flag(words: list[str], name: str) -> str:
    # The last one counts, as it does for argparse.
    return words[len(words) - words[::-1].index(f"--{name}")]


def write_teacher(file: Path) -> None:
    """A file of one vector."""
    numbers = {name: torch.zeros(1, dtype=torch.int32) for name in ("query", "passage")}
    numbers |= {"vectors": torch.zeros(1, 2, dtype=torch.float16), "id_bytes": torch.zeros(1, dtype=torch.uint8)}
    numbers["id_ends"] = torch.ones(1, dtype=torch.int64)
    save_file(numbers, file, metadata={"teacher": json.dumps({"schema_version": 1, **TEACHER})})


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    """The folder of a mix, as far as a study reads it itself."""
    folder = tmp_path / "mix"
    folder.mkdir()
    outputs = {f"{config}/train.parquet": {"sha256": config} for config in ("align", "qa", "text")}
    (folder / "mix.json").write_text(json.dumps({"outputs": outputs}))
    for config in ("qa", "qa_parallel"):
        (folder / config).mkdir()
        (folder / config / "train.parquet").write_bytes(config.encode())
    return folder


@pytest.fixture
def run(mix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Commands]:
    """Run a study with stand-ins for the processes; returns the commands."""
    where = ["--mix", str(mix), "--output", str(tmp_path / "out"), "--xquad_r", str(tmp_path / "xquad")]

    def call(config: str, *flags: str) -> Commands:
        commands = Commands()
        monkeypatch.setattr(jobs, "call", commands)
        assert main(["study", "arms", "--config", config, *where, "--teacher", "teacher/", *flags]) == 0
        return commands

    return call
