"""What made a model of a study, in the form that its card reads (`results/training.json`), written when it was
made.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hf_hybrid.data.teacher_vectors import TeacherVectors
from hf_hybrid.evaluation.provenance import hardware, versions
from hf_hybrid.output_files import file_digest

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Stage:
    """A stage of training.

    Attributes:
        name: Of the stage.
        folder: Of its run.
        arm: What a run's arguments leave out where it is the default.
    """

    name: str
    folder: Path
    arm: str = "hybrid"


def provenance(
    command: str,
    seed: int,
    mix: Path,
    stages: Sequence[Stage],
    teacher_vectors: Path | None = None,
    data: str = "qa",
) -> dict[str, Any]:
    """Commit, data, stages and hardware.

    Args:
        command: Makes the model at this commit.
        seed: Of the last stage.
        mix: Folder of the data, with `mix.json`.
        stages: In their order.
        teacher_vectors: File of the teacher's vectors, where there was a teacher.
        data: Configuration that an arm is trained on.
    """
    outputs = json.loads((mix / "mix.json").read_text(encoding="utf-8"))["outputs"]
    # A base is trained on all of them.
    configs = ("align", data, "text") if len(stages) > 1 else (data,)
    names = [f"{config}/train.parquet" for config in configs]
    # A configuration that was made of the others later is not in mix.json.
    digests = {name: outputs[name]["sha256"] if name in outputs else file_digest(mix / name) for name in names}
    taken = [_taken(stage) for stage in stages]
    return {
        "training_version": 1,
        "commit": _commit(),
        "command": command,
        "seed": seed,
        "data_sha256": digests,
        "seconds": round(sum(each["seconds"] for each in taken), 1),
        "hardware": hardware(),
        "versions": versions(),
        "stages": taken,
        **({"teacher": _teacher(teacher_vectors)} if teacher_vectors is not None else {}),
    }


def _commit() -> str | None:
    """The checkout's commit; None where the package was installed."""
    if not (_ROOT / ".git").exists():
        return None
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=_ROOT, capture_output=True, text=True)
    return done.stdout.strip() or None


def _taken(stage: Stage) -> dict[str, Any]:
    """What a stage took."""
    seconds = json.loads((stage.folder / "seconds.json").read_text())["seconds"]
    recipe: Mapping[str, Any] = yaml.safe_load((stage.folder / "arguments.yaml").read_text(encoding="utf-8"))
    numbers = {"batches": recipe["max_steps"], "batch_size": recipe["global_batch_size"], "seconds": round(seconds, 1)}
    return {"name": stage.name, "arm": recipe.get("arm", stage.arm), **numbers}


def _teacher(file: Path) -> dict[str, Any]:
    settings = TeacherVectors.open(file).settings
    return {"model": settings.model, "language": settings.language, "weights_sha256": settings.weights_sha256}
